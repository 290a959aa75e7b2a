import { z } from "zod";
import { sha256 } from "../../shared/hash.ts";
import { HttpError } from "../../shared/http/exchange.ts";
import { addressLayer, type Layer, limit, limitPerHour } from "../../shared/limits/limit.ts";
import { createGuardedFetch, FetchFault, type GuardedAnswer } from "../../shared/net/guarded-fetch.ts";
import type { Service } from "../../shared/service.ts";
import type { Entry, Kind } from "../../shared/state/store.ts";
import { OAuthError } from "../oauth-error.ts";
import { freshnessOf } from "./freshness.ts";

const fetchedCodec = z.strictObject({
  url: z.string(),
  /** The JSON as it came: what it means is decided anew at each use. */
  document: z.unknown(),
  etag: z.string().optional(),
  /** Milliseconds since the epoch. */
  fetchedAt: z.number(),
  freshUntil: z.number(),
});
export type Fetched = z.infer<typeof fetchedCodec>;

/** One sort of document that clients publish. */
export interface DocumentSort<T> {
  /** Id: the hash of the address. Expires 48 hours after it was fetched. */
  readonly kind: Kind<Fetched>;
  /** Bytes. */
  readonly limit: number;
  /** What it says. @throws {FetchFault} `refused` when it cannot be used. */
  read(document: unknown, url: string): T;
}

/** How a document is asked for. */
export interface Wanted {
  /** For whom: limits are theirs. Absent when it is for no request of a stranger's. */
  readonly address?: string | undefined;
  /** Milliseconds: an older copy does not do, even a fresh one. */
  readonly maxAge?: number;
  /** The copy, as it was read a moment ago. */
  readonly known?: Entry<Fetched> | undefined;
}

export interface FetchedDocuments {
  /** The copy in the store, whatever its age. */
  known<T>(sort: DocumentSort<T>, url: string): Promise<Entry<Fetched> | undefined>;
  /**
   * What the document at an address says: from the store while its copy is fresh, else fetched. A copy up to a day too
   * old does when nobody can be reached, and never after the address said that it is gone or gave something else.
   *
   * @throws {FetchFault} and {HttpError} 429.
   */
  get<T>(sort: DocumentSort<T>, url: string, wanted?: Wanted): Promise<T>;
}

const HOUR = 60 * 60 * 1000;
const MAX_STALE = 24 * HOUR;
const KEPT = 48 * HOUR;
/** An address may ask all hosts together for this many times what it may ask one. */
const HOSTS_PER_ADDRESS = 4;
/** Levels of objects and arrays; a key set in a document takes four. */
const MAX_DEPTH = 12;
const JSON_TYPES = /^application\/(?:[\w.-]+\+)?json *(?:;|$)/i;

export function fetchedKind(name: string): Kind<Fetched> {
  return { name, codec: fetchedCodec };
}

export function createFetchedDocuments(service: Service): FetchedDocuments {
  const { store, clock, config, log } = service;
  const fetchGuarded = createGuardedFetch({ loopback: config.loopbackFetch });
  /** Those who want the same at the same time wait for one fetch. */
  const underway = new Map<string, Promise<Fetched>>();

  async function renewed<T>(sort: DocumentSort<T>, url: string, known: Entry<Fetched> | undefined, address: string | undefined) {
    try {
      if (address !== undefined) await limit(service, layersOf(url, address));
      const flight = `${sort.kind.name} ${url}`;
      const running = underway.get(flight) ?? renew(sort, url, known).finally(() => underway.delete(flight));
      underway.set(flight, running);
      return await running;
    } catch (error) {
      if (!known || !mayBeStale(error) || clock() >= known.value.freshUntil + MAX_STALE) throw error;
      log.warn({ url, cause: (error as Error).message }, "a client's document is used beyond its time");
      return known.value;
    }
  }

  /**
   * Of an address and a host: a limit on the host alone would let anyone use up what others need. And of the address
   * alone: who has names without end for hosts would use up what is there for everyone.
   */
  function layersOf(url: string, address: string): readonly Layer[] {
    const max = config.clientDocuments.perAddress;
    return [
      ...addressLayer(service, "fetch", address, { max }, new URL(url).host),
      ...addressLayer(service, "fetch-from", address, { max: max * HOSTS_PER_ADDRESS }),
    ];
  }

  async function renew<T>(sort: DocumentSort<T>, url: string, known: Entry<Fetched> | undefined): Promise<Fetched> {
    await limitPerHour(service, "fetch", "all", config.clientDocuments.ceiling);
    try {
      const answer = await fetchGuarded({
        url,
        accept: "application/json",
        acceptable: JSON_TYPES,
        limit: sort.limit,
        etag: known?.value.etag,
      });
      const fetched = fetchedOf(url, answer, known?.value, clock());
      sort.read(fetched.document, url);
      await keep(sort, known, fetched);
      return fetched;
    } catch (error) {
      // What the address took back, or spoilt, is not brought up again by a later fault of the network.
      if (known && error instanceof FetchFault && error.kind === "refused") await store.take(sort.kind, { id: sha256(url) });
      throw error;
    }
  }

  /** A lost race leaves another's copy, which is as good. */
  async function keep<T>(sort: DocumentSort<T>, known: Entry<Fetched> | undefined, fetched: Fetched): Promise<void> {
    const key = { id: sha256(fetched.url) };
    const expiresAt = fetched.fetchedAt + KEPT;
    if (known) await store.replace(sort.kind, key, known.version, fetched, expiresAt);
    else await store.create(sort.kind, key, fetched, expiresAt);
  }

  return {
    known: (sort, url) => store.get(sort.kind, { id: sha256(url) }),
    async get(sort, url, { address, maxAge = Number.POSITIVE_INFINITY, known } = {}) {
      const entry = known ?? (await store.get(sort.kind, { id: sha256(url) }));
      const now = clock();
      const fresh = entry && now < entry.value.freshUntil && now - entry.value.fetchedAt <= maxAge;
      return sort.read((fresh ? entry.value : await renewed(sort, url, entry, address)).document, url);
    },
  };
}

/** Nobody could be asked: by a fault on the way, or by our own limits. */
function mayBeStale(error: unknown): boolean {
  return (error instanceof FetchFault && error.kind === "unreachable") || (error instanceof HttpError && error.status === 429);
}

function fetchedOf(url: string, { status, headers, body }: GuardedAnswer, known: Fetched | undefined, now: number): Fetched {
  const etag = headers.etag ?? (status === 304 ? known?.etag : undefined);
  return {
    url,
    document: status === 304 ? known?.document : parse(url, body),
    ...(etag === undefined || etag.length > 200 ? {} : { etag }),
    fetchedAt: now,
    freshUntil: now + freshnessOf(headers, now),
  };
}

function parse(url: string, body: Buffer): unknown {
  const document = jsonOf(body);
  if (document === undefined) throw new FetchFault("refused", `${new URL(url).host} did not answer with JSON`);
  if (!isFlat(document, MAX_DEPTH)) throw new FetchFault("refused", `${new URL(url).host} nests its JSON too deeply`);
  return document;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** What is nested without end can be parsed and not be written again, for which the stack is too small. */
function isFlat(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((member) => isFlat(member, depth - 1));
}

/** Says to a client why its own things cannot be had. @param what In words, such as "keys". */
export function explainFault(what: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof FetchFault)) throw error;
    if (error.kind === "refused") throw new OAuthError("invalid_client", `The client's ${what} cannot be used: ${error.message}.`);
    const message = `The client's ${what} cannot be reached right now. Try again shortly.`;
    throw new HttpError(503, message, { "retry-after": "10" }, { cause: error });
  };
}
