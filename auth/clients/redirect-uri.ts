import { isLoopbackHost } from "../../shared/net/loopback.ts";

/**
 * Private-use schemes without a dot that well-known native clients use. RFC 8252 §7.1 asks for a reverse domain name;
 * these never had one.
 */
const KNOWN_SCHEMES = new Set(["cursor:", "vscode:", "vscode-insiders:", "windsurf:", "zed:"]);
const WEB_SCHEMES = new Set(["https:", "http:"]);
/** Schemes that a browser would run or render instead of handing the answer to an application. */
const DANGEROUS_SCHEMES = new Set(["javascript:", "data:", "vbscript:", "file:", "blob:", "about:", "view-source:", "ws:", "wss:", "ftp:"]);

/** What is wrong with a redirect URI that a client wants to register, or nothing. */
export function redirectUriFault(text: string, issuer: string): string | undefined {
  if (text.length > 2000 || !URL.canParse(text)) return "is not a URI";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\u0000-\u0020\u007f\\]/.test(text)) return "holds characters that no URI has";
  const uri = new URL(text);
  if (text.includes("#")) return "has a fragment (RFC 6749 §3.1.2)";
  if (uri.username !== "" || uri.password !== "") return "has a user name or password";
  if (DANGEROUS_SCHEMES.has(uri.protocol)) return `has the scheme ${uri.protocol} which is never allowed`;
  if (uri.origin === issuer) return "leads back to this service";
  if (uri.protocol === "https:") return undefined;
  if (uri.protocol === "http:") return isLoopbackHost(uri.host) ? undefined : "must be https unless it is loopback";
  if (KNOWN_SCHEMES.has(uri.protocol) || uri.protocol.includes(".")) return undefined;
  return "has a private-use scheme without a dot (RFC 8252 §7.1)";
}

/** Whether it is one of the registered URIs, byte for byte; on loopback the port is free (RFC 8252 §7.3). */
export function isRegistered(redirectUri: string, registered: readonly string[]): boolean {
  if (registered.includes(redirectUri)) return true;
  if (!isLoopbackRedirect(redirectUri)) return false;
  const wanted = withoutPort(redirectUri);
  return registered.some((candidate) => isLoopbackRedirect(candidate) && withoutPort(candidate) === wanted);
}

export function isLoopbackRedirect(redirectUri: string): boolean {
  if (!URL.canParse(redirectUri)) return false;
  const uri = new URL(redirectUri);
  return uri.protocol === "http:" && isLoopbackHost(uri.host) && uri.username === "" && uri.password === "";
}

/** What the consent page calls the place a browser is sent to. */
export function redirectHost(redirectUri: string): string {
  const uri = new URL(redirectUri);
  return WEB_SCHEMES.has(uri.protocol) ? uri.host : `${uri.protocol}//${uri.host}`;
}

/** The string with the port cut out, nothing normalized, so that scheme, host, path and query stay exact. */
function withoutPort(uri: string): string {
  return uri.replace(/^(http:\/\/(?:\[[^\]]*\]|[^/:?#]*))(?::\d*)?/i, "$1");
}
