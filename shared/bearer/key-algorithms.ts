import { createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";

/** Algorithms that sign our tokens (RFC 7518 §3.1, RFC 8037 §3.1). */
export const SIGNING_ALGS = ["RS256", "ES256", "EdDSA"] as const;
export type SigningAlg = (typeof SIGNING_ALGS)[number];

type Jwk = Readonly<Record<string, unknown>>;

/** What may be shown of a key of each algorithm (RFC 7518 §6.2.1 and §6.3.1, RFC 8037 §2). */
const PUBLIC_MEMBERS: Readonly<Record<SigningAlg, readonly string[]>> = {
  RS256: ["kty", "n", "e"],
  ES256: ["kty", "crv", "x", "y"],
  EdDSA: ["kty", "crv", "x"],
};

/** A public key as the JWKS shows it. */
export interface PublicJwk {
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly use: "sig";
  readonly [member: string]: unknown;
}

/** What node:crypto's sign and verify take for an algorithm: JWS signatures of ES256 are r and s side by side (RFC 7518 §3.4). */
export interface Scheme {
  readonly digest: "sha256" | null;
  readonly key: KeyObject;
  /** The key as sign and verify take it: bare where it can be, because one with options takes them longer. */
  readonly keyInput: KeyObject | { readonly key: KeyObject; readonly dsaEncoding: "ieee-p1363" };
}

export function schemeOf(alg: SigningAlg, key: KeyObject): Scheme {
  if (alg === "ES256") return { digest: "sha256", key, keyInput: { key, dsaEncoding: "ieee-p1363" } };
  return { digest: alg === "EdDSA" ? null : "sha256", key, keyInput: key };
}

/** The algorithm of a private key, by its kind, or nothing when it can sign with none of ours or claims another. */
export function signingAlgOf(jwk: Jwk): SigningAlg | undefined {
  const alg = algOfKind(jwk);
  return alg !== undefined && (jwk["alg"] === undefined || jwk["alg"] === alg) ? alg : undefined;
}

function algOfKind(jwk: Jwk): SigningAlg | undefined {
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPrivateKey({ key: jwk as JsonWebKey, format: "jwk" });
    if (type === "rsa") return (details?.modulusLength ?? 0) >= 2048 ? "RS256" : undefined;
    if (type === "ec") return details?.namedCurve === "prime256v1" ? "ES256" : undefined;
    return type === "ed25519" ? "EdDSA" : undefined;
  } catch {
    return undefined;
  }
}

/** The public half of a key: nothing else of it passes. */
export function publicJwkOf(jwk: Jwk, kid: string, alg: SigningAlg): PublicJwk {
  return { ...Object.fromEntries(PUBLIC_MEMBERS[alg].map((member) => [member, jwk[member]])), kid, alg, use: "sig" };
}
