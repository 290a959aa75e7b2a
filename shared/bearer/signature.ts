import { verify } from "node:crypto";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Awaitable } from "../awaitable.ts";
import { BearerError } from "./bearer-error.ts";
import type { VerificationKeys } from "./verification-keys.ts";

/** RFC 9068 §2.2, with the grant's id and one audience. Times are seconds since the epoch. */
const claimsCodec = z.object({
  iss: z.string(),
  sub: z.string(),
  aud: z.string(),
  exp: z.number(),
  iat: z.number(),
  jti: z.string(),
  client_id: z.string(),
  scope: z.string(),
  gid: z.string(),
});

export interface AccessTokenClaims extends z.infer<typeof claimsCodec> {
  readonly scopes: ReadonlySet<string>;
  /** The key that signed it. */
  readonly kid: string;
}

/** RFC 9068 §4: typ must be at+jwt, so that no ID token passes for an access token. */
const headerCodec = z.object({ alg: z.string(), typ: z.string().regex(/^(application\/)?at\+jwt$/i), kid: z.string() });
type Header = z.infer<typeof headerCodec>;

/** Tokens whose signature was checked: a token is checked once, and never trusted past `exp`. Each takes about a kilobyte. */
const MAX_TOKENS = 20_000;
const MAX_TOKEN_LENGTH = 8192;
/** Headers that were read: all tokens of one key have the same. */
const MAX_HEADERS = 100;
/** Seconds by which clocks of replicas may differ. */
const CLOCK_SKEW = 5;

/** One for all: it has no stack, and no token is told more than another. */
export const NOT_OURS = new BearerError("invalid", "The access token is not valid here.");

export interface SignatureCheck {
  /**
   * At once for a token that was checked before. By the keys as they were last read: who honours a token beyond this call
   * renews them (`VerificationKeys.renew`).
   * @throws {BearerError} for a token that this issuer did not sign or that has expired.
   */
  check(token: string): Awaitable<AccessTokenClaims>;
}

export interface SignatureOptions {
  readonly issuer: string;
  readonly keys: VerificationKeys;
  readonly clock: () => number;
}

export function createSignatureCheck({ issuer, keys, clock }: SignatureOptions): SignatureCheck {
  const checked = new LRUCache<string, AccessTokenClaims>({ max: MAX_TOKENS });
  const headers = new LRUCache<string, Header>({ max: MAX_HEADERS });

  function headerOf(head: string): Header | undefined {
    const known = headers.get(head);
    if (known) return known;
    const { data } = headerCodec.safeParse(decode(head));
    if (data && keys.has(data.kid)) headers.set(head, data);
    return data;
  }

  async function checkNew(token: string): Promise<AccessTokenClaims> {
    if (token.length > MAX_TOKEN_LENGTH) throw NOT_OURS;
    const [head = "", body = "", signature = "", ...rest] = token.split(".");
    const header = headerOf(head);
    if (rest.length > 0 || !header) throw NOT_OURS;
    const key = await keys.find(header.kid);
    // The algorithm is the key's, never the header's (RFC 8725 §3.1).
    if (!key || header.alg !== key.alg) throw NOT_OURS;
    const signed = Buffer.from(token.slice(0, -1 - signature.length));
    const bytes = Buffer.from(signature, "base64url");
    // Buffer takes other spellings of the same bytes: padding, another alphabet, bits that no byte has.
    if (bytes.toString("base64url") !== signature) throw NOT_OURS;
    if (!verify(key.digest, signed, key.keyInput, bytes)) throw NOT_OURS;
    const { data } = claimsCodec.safeParse(decode(body));
    if (data?.iss !== issuer) throw NOT_OURS;
    const claims = { ...data, scopes: new Set(data.scope.split(" ").filter(Boolean)), kid: key.kid };
    checked.set(token, claims);
    return inTime(token, claims);
  }

  /** @throws {BearerError} */
  function inTime(token: string, claims: AccessTokenClaims): AccessTokenClaims {
    const now = clock() / 1000;
    if (claims.exp <= now) {
      checked.delete(token);
      throw new BearerError("invalid", "The access token has expired.");
    }
    if (claims.iat > now + CLOCK_SKEW) throw NOT_OURS;
    return claims;
  }

  /** The claims of a token that was checked before and is still good; nothing when it must be checked. */
  function known(token: string): AccessTokenClaims | undefined {
    const claims = checked.get(token);
    if (!claims) return undefined;
    if (keys.has(claims.kid)) return inTime(token, claims);
    checked.delete(token);
    return undefined;
  }

  return { check: (token) => known(token) ?? checkNew(token) };
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
