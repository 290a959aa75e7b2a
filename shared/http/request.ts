import { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { Config } from "../config.ts";
import { isLoopbackAddress, isLoopbackHost } from "../net/loopback.ts";
import { HttpError } from "./exchange.ts";

/** Where a request came from and whom it asked for, told apart from what a stranger may have written into headers. */
export interface Origin {
  readonly address: string;
  readonly host: string;
  readonly loopback: boolean;
}

/** Any of them says that someone stands between the client and us; Encore's gateway sets the second list itself. */
const HOP_HEADERS = ["forwarded", "via", "x-real-ip", "cf-connecting-ip", "true-client-ip"];
const GATEWAY_HEADERS = ["x-forwarded-host", "x-forwarded-proto"];

/**
 * Encore's gateway hides the socket: it appends the peer to `x-forwarded-for` and keeps the named host in
 * `x-forwarded-host`. On the plain host the socket itself is the last hop, and forwarding headers count only behind
 * trusted proxies; a peer that is gone already (its connection was reset) is nobody, and above all not this machine.
 */
export function originOf(request: IncomingMessage, config: Config): Origin {
  const behindGateway = !(request instanceof IncomingMessage);
  const forwarded = listOf(header(request, "x-forwarded-for"));
  const hops = behindGateway ? forwarded : [...forwarded, request.socket.remoteAddress ?? UNKNOWN];
  const namedByProxy = behindGateway || config.trustedProxies > 0 ? listOf(header(request, "x-forwarded-host")).at(-1) : undefined;
  const host = (namedByProxy ?? header(request, "host") ?? "").toLowerCase();
  const address = hops.at(-1 - config.trustedProxies) ?? hops.at(0) ?? UNKNOWN;
  const known = addressIn(address);
  const signs = behindGateway ? HOP_HEADERS : [...HOP_HEADERS, ...GATEWAY_HEADERS];
  const relayed = hops.length > 1 || signs.some((name) => header(request, name) !== undefined);
  return { address: known, host, loopback: !relayed && isLoopbackAddress(known) && isLoopbackHost(host) };
}

const UNKNOWN = "unknown";

/** Some proxies name the port as well, IPv6 then in brackets (RFC 7239 §6). Left at that, all their clients would be nobody. */
function addressIn(hop: string): string {
  if (isIP(hop) !== 0) return hop;
  const [, v6, v4] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(hop) ?? [];
  const address = v6 ?? v4 ?? "";
  return isIP(address) === 0 ? UNKNOWN : address;
}

/** A header's value; repeated ones are joined, and Encore gives them as an array. HTTP/2 may cut cookies up (RFC 9113 §8.2.3). */
export function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(name === "cookie" ? "; " : ", ") : value;
}

/** Host must name this service, so that no page reaches it by rebinding its own name (CVE-2025-66414 and its kind). */
export function checkHost(host: string, config: Config): void {
  if (config.publicHosts.includes(host)) return;
  if (!config.production && isLoopbackHost(host)) return;
  throw new HttpError(403, `This service is not reached as "${printable(host)}". Set PUBLIC_URL to the address people use.`);
}

/** A present Origin must be ours or allowed; other pages have no business here. */
export function checkOrigin(origin: string | undefined, config: Config): void {
  if (origin === undefined || origin === config.publicUrl || config.allowedOrigins.includes(origin)) return;
  if (!config.production && URL.canParse(origin) && isLoopbackHost(new URL(origin).host)) return;
  throw new HttpError(403, `Pages from "${printable(origin)}" may not call this service. ALLOWED_ORIGINS lists those that may.`);
}

/** For forms that bear cookies: only our own pages may post them (RFC 6265bis §8.8.1). */
export function checkSameOrigin(origin: string | undefined, host: string, config: Config): void {
  if (origin === undefined || origin === config.publicUrl) return;
  // On a laptop the same service also answers as 127.0.0.1.
  if (!config.production && isLoopbackHost(host) && origin === `http://${host}`) return;
  throw new HttpError(403, "This form was sent from another site.");
}

/**
 * What comes after the limit is read and dropped: a client that is still writing must be able to read the refusal. The
 * host bounds how long that may take.
 * @throws {HttpError} 413 above `limit` bytes, 400 when the client stops in the middle.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const refuse = () => reject(new HttpError(413, `The request body is larger than ${limit} bytes.`));
    if (Number(header(request, "content-length") ?? 0) > limit) refuse();
    request.on("data", (piece: Buffer) => {
      size += piece.length;
      if (size <= limit) pieces.push(piece);
      else refuse();
    });
    request.on("end", () => resolve(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)));
    const incomplete = () => reject(new HttpError(400, "The request body did not arrive whole."));
    request.on("error", incomplete);
    request.on("aborted", incomplete);
  });
}

function listOf(value: string | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function printable(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, "?").slice(0, 100);
}
