import { type IncomingHttpHeaders, type IncomingMessage, request as requestPlain } from "node:http";
import { type RequestOptions, request as requestSecure } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { addressFault } from "./address-class.ts";
import { fetchUrlFault, literalOf } from "./fetch-url.ts";
import { isLoopbackAddress, isLoopbackHost } from "./loopback.ts";
import { type ResolvedAddress, resolveName } from "./resolve-name.ts";

/** What is asked of an address that a stranger named. */
export interface GuardedRequest {
  readonly url: string;
  /** The media types an answer may have; also `accept`. */
  readonly accept: string;
  readonly acceptable: RegExp;
  /** Bytes of body. */
  readonly limit: number;
  /** Of the copy we have: the answer may then be that it still holds (304). */
  readonly etag?: string | undefined;
}

export interface GuardedAnswer {
  readonly status: 200 | 304;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface GuardSettings {
  /** Lets this machine be asked, over http too: for development and tests, where clients live here. */
  readonly loopback: boolean;
  /** For tests: what a host name stands for, which certificates to trust, and the deadline. */
  readonly resolve?: (host: string) => Promise<readonly ResolvedAddress[]>;
  readonly ca?: string;
  readonly deadline?: number;
}

export type GuardedFetch = (request: GuardedRequest) => Promise<GuardedAnswer>;

/**
 * Why a fetch gave nothing. `refused`: the address is not one we ask, or what it answers is not what was wanted; to ask
 * again changes nothing. `unreachable`: nobody answered in time, or a server said that it has a fault (5xx, 429).
 */
export class FetchFault extends Error {
  override readonly name = "FetchFault";
  readonly kind: "refused" | "unreachable";

  constructor(kind: "refused" | "unreachable", message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Milliseconds from the look-up of the name to the last byte of the body. */
const DEADLINE = 5_000;
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * The one fetch for addresses that strangers name. https only; every address the name stands for must be public, and the
 * connection goes to one of those that were checked, so that a name cannot change its meaning in between (DNS
 * rebinding). No redirects, credentials, cookies, proxies or compression; certificates are always verified.
 *
 * @throws {FetchFault}
 */
export function createGuardedFetch({ loopback, resolve = resolveName, ca, deadline = DEADLINE }: GuardSettings): GuardedFetch {
  return async (wanted) => {
    const url = parse(wanted.url, loopback);
    const overdue = AbortSignal.timeout(deadline);
    try {
      const addresses = await Promise.race([checkedAddresses(url, loopback, resolve), failsWith(overdue)]);
      return await ask(url, addresses, wanted, overdue, ca);
    } catch (error) {
      if (error instanceof FetchFault) throw error;
      const reason = overdue.aborted ? `did not answer within ${deadline} ms` : "cannot be reached";
      throw new FetchFault("unreachable", `${url.host} ${reason}`, { cause: error });
    }
  };
}

function parse(text: string, loopback: boolean): URL {
  const fault = fetchUrlFault(text, loopback);
  if (fault !== undefined) throw new FetchFault("refused", `the address ${fault}`);
  return new URL(text);
}

async function checkedAddresses(url: URL, loopback: boolean, resolve: (host: string) => Promise<readonly ResolvedAddress[]>) {
  const literal = literalOf(url);
  const addresses = literal === undefined ? await resolve(url.hostname) : [{ address: literal, family: isIP(literal) }];
  if (addresses.length === 0) throw new FetchFault("unreachable", `${url.host} has no address`);
  const own = loopback && isLoopbackHost(url.host);
  for (const { address } of addresses) {
    const fault = own && isLoopbackAddress(address) ? undefined : addressFault(address);
    if (fault !== undefined) throw new FetchFault("refused", `${url.host} stands for an address that ${fault}`);
  }
  return addresses;
}

function failsWith(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

function ask(
  url: URL,
  addresses: readonly ResolvedAddress[],
  { accept, acceptable, limit, etag }: GuardedRequest,
  signal: AbortSignal,
  ca: string | undefined,
): Promise<GuardedAnswer> {
  const options: RequestOptions = {
    method: "GET",
    // An agent of its own: no connection is shared, and none goes through a proxy of the environment.
    agent: false,
    lookup: pinnedTo(addresses),
    signal,
    maxHeaderSize: MAX_HEADER_BYTES,
    rejectUnauthorized: true,
    headers: {
      accept,
      "accept-encoding": "identity",
      "user-agent": "portico",
      ...(etag === undefined ? {} : { "if-none-match": etag }),
    },
    ...(ca === undefined ? {} : { ca }),
  };
  return new Promise((done, fail) => {
    const sent = (url.protocol === "https:" ? requestSecure : requestPlain)(url, options, (answer) => {
      const finish = (result: () => GuardedAnswer | Promise<GuardedAnswer>) =>
        Promise.resolve()
          .then(result)
          .then(done, fail)
          .finally(() => sent.destroy());
      if (answer.statusCode === 304 && etag !== undefined) {
        return finish(() => ({ status: 304, headers: answer.headers, body: Buffer.alloc(0) }));
      }
      return finish(async () => {
        checkHead(url, answer, acceptable, limit);
        return { status: 200, headers: answer.headers, body: await readAll(url, answer, limit) };
      });
    });
    sent.on("error", fail).end();
  });
}

/** Whatever name the connection asks for, it gets the addresses that were checked. */
function pinnedTo(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_host, options, callback) => {
    if (options.all) return callback(null, [...addresses]);
    const [first] = addresses;
    return callback(null, first?.address ?? "", first?.family);
  };
}

function checkHead({ host }: URL, { statusCode = 0, headers }: IncomingMessage, acceptable: RegExp, limit: number): void {
  if (statusCode >= 500 || statusCode === 429 || statusCode === 408) throw new FetchFault("unreachable", `${host} answered ${statusCode}`);
  if (statusCode !== 200) throw new FetchFault("refused", `${host} answered ${statusCode}`);
  const type = headers["content-type"] ?? "";
  if (!acceptable.test(type)) throw new FetchFault("refused", `${host} answered with another content type than was asked for`);
  if ((headers["content-encoding"] ?? "identity") !== "identity") throw new FetchFault("refused", `${host} answered with compression`);
  if (Number(headers["content-length"] ?? 0) > limit) throw new FetchFault("refused", `${host} answered with more than ${limit} bytes`);
}

async function readAll({ host }: URL, answer: IncomingMessage, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > limit) throw new FetchFault("refused", `${host} answered with more than ${limit} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
