import type { BoundedFetch } from "../../../shared/net/bounded-fetch.ts";
import { UpstreamFault } from "./fault.ts";

/** A JSON document at an address, kept. */
export interface Remote<T> {
  /** The document, fetched again once it is no longer fresh. @throws {UpstreamFault} when it cannot be had. */
  get(url: string): Promise<T>;
  /** The document as it is now; the kept one only when that cannot be had. @throws {UpstreamFault} */
  renew(url: string): Promise<T>;
}

export interface RemoteSettings<T> {
  readonly fetch: BoundedFetch;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Milliseconds for which a document is used without asking. */
  readonly fresh: number;
  /** Milliseconds for which it is used when asking fails. */
  readonly stale: number;
  /** @throws {TypeError} saying what is wrong with a document. */
  readonly parse: (document: unknown) => T;
  /** Told why a kept document is used. */
  readonly onStale: (error: unknown) => void;
}

/** After a failure a kept document is used for so long before the next attempt, in milliseconds. */
const PAUSE = 60_000;

/** One document, fetched once for all who wait for it. */
export function createRemote<T>({ fetch, clock, fresh, stale, parse, onStale }: RemoteSettings<T>): Remote<T> {
  let kept: { readonly url: string; readonly value: T; readonly at: number } | undefined;
  let pausedUntil = 0;
  let underWay: { readonly url: string; readonly value: Promise<T> } | undefined;

  function load(url: string): Promise<T> {
    if (underWay?.url === url) return underWay.value;
    const value = fetchJson(fetch, url)
      .then((document) => parsed(url, document, parse))
      .then((document) => {
        kept = { url, value: document, at: clock() };
        return document;
      })
      .finally(() => {
        underWay = undefined;
      });
    underWay = { url, value };
    return value;
  }

  async function renew(url: string): Promise<T> {
    const old = kept?.url === url ? kept : undefined;
    try {
      return await load(url);
    } catch (error) {
      if (!old || clock() - old.at >= stale) throw error;
      pausedUntil = clock() + PAUSE;
      onStale(error);
      return old.value;
    }
  }

  return {
    renew,
    async get(url) {
      const age = kept?.url === url ? clock() - kept.at : Number.POSITIVE_INFINITY;
      if (kept && (age < fresh || (age < stale && clock() < pausedUntil))) return kept.value;
      return renew(url);
    },
  };
}

async function fetchJson(fetch: BoundedFetch, url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { headers: { accept: "application/json" } });
    if (response.status !== 200) throw new TypeError(`${new URL(url).host} answered ${response.status}`);
    return await response.json();
  } catch (cause) {
    throw new UpstreamFault("unreachable", "document_unavailable", { cause });
  }
}

function parsed<T>(url: string, document: unknown, parse: (document: unknown) => T): T {
  try {
    if (typeof document !== "object" || document === null) throw new TypeError("is not an object");
    return parse(document);
  } catch (cause) {
    throw new UpstreamFault("refused", "document_invalid", { cause: new TypeError(`${url} ${(cause as Error).message}`) });
  }
}
