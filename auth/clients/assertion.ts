import type { JWK, JWTPayload, ProtectedHeaderParameters } from "jose";
import { z } from "zod";
import { ASSERTION_ALGORITHMS, type ClientKey } from "../../shared/client-keys.ts";
import { sha256 } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import type { Kind } from "../../shared/state/store.ts";
import { lifetimes } from "../lifetimes.ts";
import { OAuthError } from "../oauth-error.ts";
import type { Client } from "./client.ts";
import { type KeyWanted, keysFor } from "./key-sets.ts";

/** Client authentication with a signed assertion: private_key_jwt (RFC 7523 §2.2 and §3, OpenID Connect Core §9). */

export const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Id: the hash of client and jti. Expires when no replica, whatever its clock, takes the assertion any more. */
const jtiKind: Kind<number> = { name: "jti", codec: z.number() };

/** Milliseconds that clocks may differ by. */
const SKEW = 60_000;
const MAX_LENGTH = 8_192;
const MAX_JTI = 300;
/** Absent, RFC 7519's, or the explicit one of RFC 7523's successor; never the type of another token. */
const TYPES = [undefined, "jwt", "client-authentication+jwt"];

/** Whom an assertion is from, before anything of it is proved. @throws {OAuthError} `invalid_client` when it is no JWT. */
export async function assertedClientId(assertion: string): Promise<string> {
  const { sub } = await claimsOf(assertion);
  if (typeof sub !== "string" || sub === "") throw refused("names no client (sub)");
  return sub;
}

/**
 * Proves that a client signed an assertion, for us, lately, and for this one request.
 *
 * @throws {OAuthError} `invalid_client`.
 * @throws {FetchFault} and {HttpError} 429 when its keys cannot be had.
 */
export async function verifyAssertion(service: Service, client: Client, assertion: string, address: string): Promise<void> {
  const wanted = await wantedKey(assertion);
  const claims = await claimsOf(assertion);
  const { jti, expiresAt } = checkClaims(claims, client.clientId, service);
  const keys = await keysFor(service, client, wanted, address);
  if (keys.length === 0) throw refused("is signed with a key that the client does not publish");
  if (!(await isSignedByOne(keys, wanted, assertion))) throw refused("has a wrong signature");
  // Last, so that nobody but the client uses up an id; in the shared store, so that every replica knows.
  const id = sha256(JSON.stringify([client.clientId, jti]));
  if (!(await service.store.create(jtiKind, { id }, service.clock(), expiresAt + 2 * SKEW))) throw refused("was used before");
}

async function wantedKey(assertion: string): Promise<KeyWanted> {
  const { alg, kid, typ } = await headerOf(assertion);
  const algorithm = ASSERTION_ALGORITHMS.find((candidate) => candidate === alg);
  if (!algorithm) throw refused(`is not signed with one of ${ASSERTION_ALGORITHMS.join(", ")}`);
  if (!TYPES.includes(typ?.toLowerCase())) throw refused("is a token of another type");
  return { algorithm, kid };
}

function checkClaims(claims: JWTPayload, clientId: string, service: Service) {
  const { config, clock } = service;
  const { iss, sub, aud, jti, exp, iat, nbf } = claims;
  const now = clock();
  const longest = lifetimes(service).clientAssertion;
  if (iss !== clientId || sub !== clientId) throw refused("is not by and about the client (iss, sub)");
  const [audience, ...others] = typeof aud === "string" ? [aud] : Array.isArray(aud) ? aud : [];
  // More than one audience could be replayed elsewhere, byte for byte is what is left to compare.
  if (others.length > 0 || (audience !== config.publicUrl && audience !== `${config.publicUrl}/oauth/token`)) {
    throw refused(`is not for ${config.publicUrl} or its token endpoint alone (aud)`);
  }
  if (typeof jti !== "string" || jti === "" || jti.length > MAX_JTI) throw refused("has no usable jti");
  const [expiresAt, issuedAt, notBefore] = [millisecondsOf(exp, "exp"), millisecondsOf(iat, "iat"), millisecondsOf(nbf, "nbf")];
  if (expiresAt === undefined || expiresAt <= now - SKEW) throw refused("has expired (exp)");
  if (expiresAt > now + longest + SKEW) throw refused(`lives for more than ${longest / 1000} seconds (exp)`);
  if (issuedAt !== undefined && (issuedAt > now + SKEW || issuedAt < now - longest - SKEW)) throw refused("was not issued lately (iat)");
  if (notBefore !== undefined && notBefore > now + SKEW) throw refused("is not valid yet (nbf)");
  return { jti, expiresAt };
}

function millisecondsOf(seconds: unknown, name: string): number | undefined {
  if (seconds === undefined) return undefined;
  if (typeof seconds !== "number" || !Number.isFinite(seconds)) throw refused(`has no number as ${name}`);
  return Math.floor(seconds * 1000);
}

/** The algorithm is the key's: what the header names must be one that this key has. */
async function isSignedByOne(keys: readonly ClientKey[], { algorithm }: KeyWanted, assertion: string): Promise<boolean> {
  const { compactVerify, importJWK } = await import("jose");
  for (const jwk of keys) {
    try {
      await compactVerify(assertion, await importJWK({ ...jwk, alg: algorithm } as JWK, algorithm), { algorithms: [algorithm] });
      return true;
    } catch {
      // Another key may fit; that none does is said once, the same for every reason.
    }
  }
  return false;
}

async function headerOf(assertion: string): Promise<ProtectedHeaderParameters> {
  const { decodeProtectedHeader } = await import("jose");
  try {
    return decodeProtectedHeader(assertion);
  } catch {
    throw refused("is no signed JWT");
  }
}

async function claimsOf(assertion: string): Promise<JWTPayload> {
  if (assertion.length > MAX_LENGTH) throw refused(`is longer than ${MAX_LENGTH} characters`);
  const { decodeJwt } = await import("jose");
  try {
    return decodeJwt(assertion);
  } catch {
    throw refused("is no signed JWT");
  }
}

function refused(reason: string): OAuthError {
  return new OAuthError("invalid_client", `The client assertion ${reason}.`);
}
