import type { Reply } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import type { OAuthError } from "../oauth-error.ts";

/** Where an answer goes. */
export interface ReturnAddress {
  readonly redirectUri: string;
  readonly state?: string | undefined;
}

/** The address of a successful answer (RFC 6749 §4.1.2), with the issuer (RFC 9207 §2). */
export function codeAnswer(service: Service, to: ReturnAddress, code: string): string {
  return answer(service, to, { code });
}

/** The address of an error answer (RFC 6749 §4.1.2.1), with the issuer. */
export function errorAnswer(service: Service, to: ReturnAddress, error: OAuthError): string {
  return answer(service, to, { error: error.code, error_description: error.message });
}

/** After a POST a browser must not send its body on (RFC 9700 §4.12): 303. */
export function seeOther(location: string, cookies: readonly string[] = []): Reply {
  const headers = { location, "cache-control": "no-store", "referrer-policy": "no-referrer" };
  return { status: 303, headers: cookies.length > 0 ? { ...headers, "set-cookie": cookies } : headers };
}

function answer({ config }: Service, { redirectUri, state }: ReturnAddress, members: Readonly<Record<string, string>>): string {
  return withQuery(redirectUri, { ...members, ...(state === undefined ? {} : { state }), iss: config.publicUrl });
}

/** Appended as text: what the client registered stays as it is. */
export function withQuery(redirectUri: string, members: Readonly<Record<string, string>>): string {
  return `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${new URLSearchParams(members)}`;
}
