import { z } from "zod";
import { SIGNING_ALGS } from "../bearer/key-algorithms.ts";
import type { Kind } from "./store.ts";

/**
 * The records that more than one room reads, or that operators export. Times are milliseconds since the epoch;
 * hashes are SHA-256 in base64url.
 */

const hashed = z.strictObject({ hash: z.string(), at: z.number() });

const profileCodec = z.strictObject({
  email: z.string().optional(),
  emailVerified: z.boolean().optional(),
  name: z.string().optional(),
});

/** A machine's grant (client_credentials) has no person: no redirect, profile, sign-in, code or refresh token. */
const grantCodec = z.strictObject({
  state: z.enum(["pending", "active", "dead"]),
  clientId: z.string(),
  /** How the client authenticated when it redeemed the code; later requests may not be weaker. */
  authMethod: z.string().optional(),
  redirectUri: z.string().optional(),
  scopes: z.array(z.string()),
  /** The requested resource, byte for byte: the audience of the access tokens. */
  resource: z.string(),
  profile: profileCodec.optional(),
  /** The provider that vouched for the person: the record with its refresh token, if it gave one, and the groups it named. */
  upstream: z.strictObject({ provider: z.string(), login: z.string().optional(), groups: z.array(z.string()).optional() }).optional(),
  authTime: z.number().optional(),
  nonce: z.string().optional(),
  createdAt: z.number(),
  /** Set at redemption. The refresh token dies at the earlier of the two. */
  idleExpiresAt: z.number().optional(),
  /** Absent for a machine's grant, which stands until it is revoked. */
  absoluteExpiresAt: z.number().optional(),
  lastIssuedAt: z.number().optional(),
  /** Access tokens issued before this are dead: set when a revoked machine's grant is used again. */
  notBefore: z.number().optional(),
  codeHash: z.string().optional(),
  codeChallenge: z.string().optional(),
  /** Constant for the grant; proves that a refresh token was once issued for it. */
  familyHash: z.string().optional(),
  current: hashed.optional(),
  /** Superseded refresh tokens, newest first, at most 4. */
  previous: z.array(hashed).optional(),
  /** The sealed answer of the last rotation, for a client that lost it; gone at the new token's first use. */
  reply: z.strictObject({ box: z.string(), fingerprint: z.string() }).optional(),
  /** Revoked access tokens that have not expired; `exp` in seconds. */
  deadJtis: z.array(z.strictObject({ jti: z.string(), exp: z.number() })),
  /** A key thumbprint that access tokens are bound to, when the client proves possession of a key. */
  keyThumbprint: z.string().optional(),
  diedAt: z.number().optional(),
  diedOf: z.string().optional(),
});
export type Grant = z.infer<typeof grantCodec>;
/**
 * Owner: the subject. Id: the grant id. Expires: pending 60 s; active min(idle, absolute); dead 30 days. A machine's:
 * owner `client:ID`, id `cc:` and a hash of client and resource, expires never.
 */
export const grantKind: Kind<Grant> = { name: "grant", codec: grantCodec };

const lockCodec = z.strictObject({
  disabled: z.boolean(),
  /** Tokens issued before this are dead. */
  notBefore: z.number().optional(),
});
export type Lock = z.infer<typeof lockCodec>;
/** Id: the hash of the client id. Never expires. */
export const clientStateKind: Kind<Lock> = { name: "client_state", codec: lockCodec };
/** Id: the subject. Never expires. */
export const subjectStateKind: Kind<Lock> = { name: "subject_state", codec: lockCodec };

const signingKeysCodec = z.strictObject({
  keys: z.array(
    z.strictObject({
      kid: z.string(),
      alg: z.enum(SIGNING_ALGS),
      publicJwk: z.record(z.string(), z.unknown()),
      /** The private JWK, sealed. */
      sealed: z.string(),
      publishedAt: z.number(),
      signFrom: z.number(),
      retireAt: z.number().optional(),
    }),
  ),
});
export type SigningKeys = z.infer<typeof signingKeysCodec>;
/** Id: "signing". Never expires. */
export const signingKeysKind: Kind<SigningKeys> = { name: "signing_keys", codec: signingKeysCodec };
/** The one record of {@link signingKeysKind}. */
export const SIGNING_KEYS = { id: "signing" };
