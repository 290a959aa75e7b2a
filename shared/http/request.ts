import { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { Config } from "../config.ts";
import { isLoopbackAddress, isLoopbackHost } from "../net/loopback.ts";
import { HttpError } from "./exchange.ts";

/** Any of them says that someone stands between the client and us; Encore's gateway sets the second list itself. */
const HOP_HEADERS = ["forwarded", "via", "x-real-ip", "cf-connecting-ip", "true-client-ip"];
const GATEWAY_HEADERS = ["x-forwarded-host", "x-forwarded-proto"];

/**
 * The host that the client named, in lower case. Encore's gateway keeps it in `x-forwarded-host`; on the plain host that
 * header counts only behind trusted proxies.
 */
export function hostOf(request: IncomingMessage, { trustedProxies }: Config): string {
  const byProxy = isBehindGateway(request) || trustedProxies > 0 ? listOf(header(request, "x-forwarded-host")).at(-1) : undefined;
  return (byProxy ?? header(request, "host") ?? "").toLowerCase();
}

/** The client's address, told apart from what a stranger may have written into headers; "unknown" when it cannot be. */
export function addressOf(request: IncomingMessage, { trustedProxies }: Config): string {
  const hops = hopsOf(request);
  return addressIn(hops.at(-1 - trustedProxies) ?? hops.at(0) ?? UNKNOWN);
}

/** Has the peer kept for {@link addressOf}: once a connection is reset, nobody knows any more whose it was. */
export function rememberPeer(request: IncomingMessage): void {
  if (!isBehindGateway(request)) void request.socket.remoteAddress;
}

/** Whether the client, the host it named and every hop between are this machine. */
export function isLocal(request: IncomingMessage, config: Config): boolean {
  const signs = isBehindGateway(request) ? HOP_HEADERS : [...HOP_HEADERS, ...GATEWAY_HEADERS];
  const relayed = hopsOf(request).length > 1 || signs.some((name) => header(request, name) !== undefined);
  return !relayed && isLoopbackAddress(addressOf(request, config)) && isLoopbackHost(hostOf(request, config));
}

/** Encore's gateway hides the socket. */
function isBehindGateway(request: IncomingMessage): boolean {
  return !(request instanceof IncomingMessage);
}

/**
 * From the client to us. Encore's gateway appends the peer to `x-forwarded-for`; on the plain host the socket itself is
 * the last hop: a peer that is gone already (its connection was reset) is nobody, and above all not this machine.
 */
function hopsOf(request: IncomingMessage): readonly string[] {
  const forwarded = listOf(header(request, "x-forwarded-for"));
  return isBehindGateway(request) ? forwarded : [...forwarded, request.socket.remoteAddress ?? UNKNOWN];
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
  if (request.readableEnded) return Promise.resolve(EMPTY);
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
    request.on("error", () => reject(new HttpError(400, "The request body did not arrive whole.")));
  });
}

const EMPTY = Buffer.alloc(0);

function listOf(value: string | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function printable(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, "?").slice(0, 100);
}
