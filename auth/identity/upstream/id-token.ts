import { createHash } from "node:crypto";
import type { CompactVerifyGetKey, CompactVerifyResult } from "jose";
import { sameDigest } from "../../../shared/hash.ts";
import { UpstreamFault } from "./fault.ts";
import type { KeySet, Provider } from "./provider.ts";

/** Asymmetric ones alone: a secret that both sides know proves nobody's signature (RFC 8725 §3.1). */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];

/**
 * The part of an ID token's validation that is left once its claims were checked (OpenID Connect Core §3.1.3.7): the
 * signature, by a key that the provider publishes now, and the access token's hash when it is there (§3.1.3.8).
 * @throws {UpstreamFault}
 */
export async function verifyIdToken(provider: Provider, idToken: string, claims: object, accessToken: string): Promise<void> {
  const { protectedHeader } = await verifySignature(provider, idToken);
  const { at_hash: hash } = claims as { readonly at_hash?: unknown };
  if (hash === undefined) return;
  if (typeof hash !== "string" || !sameDigest(hash, leftHalf(digestOf(protectedHeader.alg), accessToken))) {
    throw new UpstreamFault("refused", "at_hash");
  }
}

/** A key may have been changed between two answers of a provider: its keys are asked for again before a token is refused. */
async function verifySignature(provider: Provider, idToken: string): Promise<CompactVerifyResult> {
  const { errors } = await import("jose");
  try {
    return await verifyWith(await provider.keys(false), idToken);
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    return verifyWith(await provider.keys(true), idToken);
  }
}

async function verifyWith(keys: KeySet, idToken: string): Promise<CompactVerifyResult> {
  const { compactVerify, createLocalJWKSet, errors } = await import("jose");
  const find: CompactVerifyGetKey = createLocalJWKSet({ keys: [...keys.keys] });
  const options = { algorithms: ALGORITHMS };
  try {
    return await compactVerify(idToken, find, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // A token without a kid, and several keys that may have signed it.
    for await (const key of error) {
      const verified = await compactVerify(idToken, key, options).catch(() => undefined);
      if (verified) return verified;
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** The hash of the signature's algorithm (OpenID Connect Core §3.1.3.6); Ed25519 signs with SHA-512. */
function digestOf(alg: string): string {
  const bits = /(256|384|512)$/.exec(alg)?.[1] ?? "512";
  return alg === "Ed25519" ? "sha512" : `sha${bits}`;
}

function leftHalf(digest: string, text: string): string {
  const bytes = createHash(digest).update(text).digest();
  return bytes.subarray(0, bytes.length / 2).toString("base64url");
}
