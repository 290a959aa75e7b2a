import { isLoopbackHost } from "./loopback.ts";

/**
 * Private-use schemes without a dot that well-known native clients use. RFC 8252 §7.1 asks for a reverse domain name;
 * these never had one.
 */
const KNOWN_SCHEMES = new Set(["cursor:", "vscode:", "vscode-insiders:", "windsurf:", "zed:"]);
/** Schemes that a browser would run or render instead of handing the answer to an application. */
const DANGEROUS_SCHEMES = new Set(["javascript:", "data:", "vbscript:", "file:", "blob:", "about:", "view-source:", "ws:", "wss:", "ftp:"]);
const MAX_LENGTH = 2000;

/**
 * What is wrong with a redirect URI that a client wants to have, or nothing.
 * @param issuer Our own origin, to which no answer may be sent.
 */
export function redirectUriFault(text: string, issuer: string): string | undefined {
  if (text.length > MAX_LENGTH || !URL.canParse(text)) return "is not a URI";
  if (!/^[\x21-\x7e]+$/.test(text) || text.includes("\\")) return "holds characters that no URI has (RFC 3986 §2)";
  if (text.includes("#")) return "has a fragment (RFC 6749 §3.1.2)";
  const uri = new URL(text);
  if (DANGEROUS_SCHEMES.has(uri.protocol)) return `has the scheme ${uri.protocol} which is never allowed`;
  if (uri.protocol !== "https:" && uri.protocol !== "http:") {
    if (KNOWN_SCHEMES.has(uri.protocol) || uri.protocol.includes(".")) return undefined;
    return "has a private-use scheme without a dot (RFC 8252 §7.1)";
  }
  if (!isWrittenOut(text, uri)) return "does not write its host out as browsers read it";
  if (leadsHome(uri, issuer)) return "leads back to this service";
  if (uri.protocol === "http:" && !isLoopbackHost(uri.host)) return "must be https unless it is loopback";
  return undefined;
}

/**
 * Whether it is one of the registered URIs, byte for byte; on loopback the port is free (RFC 8252 §7.3), unless it is
 * our own.
 */
export function isRegistered(redirectUri: string, registered: readonly string[], issuer: string): boolean {
  if (registered.includes(redirectUri)) return true;
  if (!isLoopbackRedirect(redirectUri) || leadsHome(new URL(redirectUri), issuer)) return false;
  const wanted = withoutPort(redirectUri);
  return registered.some((candidate) => isLoopbackRedirect(candidate) && withoutPort(candidate) === wanted);
}

export function isLoopbackRedirect(redirectUri: string): boolean {
  if (!URL.canParse(redirectUri)) return false;
  const uri = new URL(redirectUri);
  return uri.protocol === "http:" && isLoopbackHost(uri.host) && isWrittenOut(redirectUri, uri);
}

/** What the consent page calls the place a browser is sent to. What follows a private-use scheme is no host. */
export function redirectHost(redirectUri: string): string {
  const uri = new URL(redirectUri);
  return uri.protocol === "https:" || uri.protocol === "http:" ? uri.host : uri.protocol;
}

/**
 * Whether the authority stands there as a browser reads it. `https:path` is absolute on its own and relative in a
 * Location header, and `https://x@y`, `0x7f.1` or a final dot name another host than a person reads.
 */
function isWrittenOut(text: string, uri: URL): boolean {
  const authority = /^https?:\/\/([^/?#@]+)/.exec(text)?.[1];
  const port = uri.protocol === "https:" ? ":443" : ":80";
  return authority !== undefined && !uri.hostname.endsWith(".") && (authority === uri.host || authority === uri.host + port);
}

/** Our origin, or with a loopback issuer any loopback spelling with our port. */
function leadsHome(uri: URL, issuer: string): boolean {
  const own = new URL(issuer);
  if (uri.origin === own.origin) return true;
  return isLoopbackHost(own.host) && isLoopbackHost(uri.host) && uri.protocol === own.protocol && uri.port === own.port;
}

/** The string with the port cut out, nothing normalized, so that scheme, host, path and query stay exact. */
function withoutPort(uri: string): string {
  return uri.replace(/^(http:\/\/(?:\[[^\]]*\]|[^/:?#]*))(?::\d*)?/, "$1");
}
