import { type NextRequest, type Request, wireOf } from "./load.mts";
import { APP, activeGrant, digest, type KeptGrant, MACHINE, PUBLIC_APP, personOf, REDIRECT_URI } from "./production.mts";

/** Requests to the token endpoint, and the grants they need. */

const VERIFIER = "bench-verifier-of-more-than-forty-three-characters";
export const CODE_CHALLENGE = digest(VERIFIER);
const FORM = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };

function basic({ id, secret }: typeof APP | typeof MACHINE): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
}

/** @param path Of the token endpoint. */
export function clientCredentials(path: string): Request {
  const body = String(new URLSearchParams({ grant_type: "client_credentials", scope: "todos:read" }));
  return { method: "POST", path, headers: { ...FORM, authorization: basic(MACHINE) }, body };
}

/** Of the client with a secret. */
export function redeem(path: string, code: string): Request {
  const body = new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER });
  return { method: "POST", path, headers: { ...FORM, authorization: basic(APP) }, body: String(body) };
}

/** Of the client with a secret, or of the one without, whose refresh tokens rotate at each use. */
export function refresh(path: string, refreshToken: string, isPublic: boolean): Request {
  const form = { grant_type: "refresh_token", refresh_token: refreshToken };
  if (isPublic) return { method: "POST", path, headers: FORM, body: String(new URLSearchParams({ ...form, client_id: PUBLIC_APP.id })) };
  return { method: "POST", path, headers: { ...FORM, authorization: basic(APP) }, body: String(new URLSearchParams(form)) };
}

/** Each code once. */
export function redeemEach(path: string, codes: readonly string[]): NextRequest {
  const wires = codes.map((code) => wireOf(redeem(path, code)));
  return () => wires.pop();
}

/** Each connection refreshes what it got last, beginning with a token of its own; for a load that keeps replies. @throws {Error} for too few tokens. */
export function refreshChains(path: string, tokens: readonly string[], isPublic: boolean): NextRequest {
  return (last, connection) => wireOf(refresh(path, last === undefined ? firstOf(tokens, connection) : refreshTokenIn(last), isPublic));
}

function firstOf(tokens: readonly string[], connection: number): string {
  const token = tokens[connection];
  if (token === undefined) throw new Error("there are more connections than refresh tokens");
  return token;
}

/** The refresh token that a reply of the token endpoint brings. @throws {Error} when there is none. */
export function refreshTokenIn(reply: string): string {
  const { refresh_token: token } = JSON.parse(reply) as { readonly refresh_token?: string };
  if (token === undefined) throw new Error("a reply without a refresh token");
  return token;
}

/** A living grant and the refresh token it has at first; a number's token is always the same. */
export function refreshable(number: number, isPublic: boolean): KeptGrant & { readonly refreshToken: string } {
  const person = personOf(number);
  const family = `family-${String(number).padStart(8, "0")}`;
  const refreshToken = `${person.subject}.${person.grantId}.${family}.${"first-refresh-token-of-a-grant-made-for-it"}`;
  const client = isPublic ? { clientId: PUBLIC_APP.id, authMethod: "none" } : {};
  const current = { hash: digest(refreshToken), at: Date.now() };
  return { ...person, refreshToken, grant: activeGrant(number, { ...client, familyHash: digest(family), current, previous: [] }) };
}

/** A grant that waits for its code, as consent leaves it but for its life, which is an hour. */
export function redeemable(number: number): KeptGrant & { readonly code: string } {
  const person = personOf(number);
  const code = `${person.subject}.${person.grantId}.secret-${String(number).padStart(36, "0")}`;
  const {
    idleExpiresAt: _idle,
    absoluteExpiresAt: _absolute,
    lastIssuedAt: _issued,
    authMethod: _method,
    ...rest
  } = activeGrant(number, { state: "pending", codeHash: digest(code), codeChallenge: CODE_CHALLENGE });
  return { ...person, code, grant: rest, expiresAt: Date.now() + 3_600_000 };
}
