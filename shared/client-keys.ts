import { z } from "zod";

/** The public keys with which a client signs its assertions (RFC 7517, RFC 7523 §3). */

/** Ed25519 is what RFC 9864 calls EdDSA with that curve, the only one taken here. */
export const ASSERTION_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"] as const;
export type AssertionAlgorithm = (typeof ASSERTION_ALGORITHMS)[number];
const EDWARDS: readonly AssertionAlgorithm[] = ["EdDSA", "Ed25519"];

/** The members that verification needs: certificates and what else stands in a key are left out. */
const member = z.string().max(2_000).optional();
const publicKey = z.object({
  kty: z.string().max(20),
  kid: z.string().max(300).optional(),
  use: member,
  alg: member,
  key_ops: z.array(z.string()).optional(),
  crv: member,
  x: member,
  y: member,
  n: member,
  e: member,
});
export type ClientKey = z.infer<typeof publicKey>;

const MAX_KEYS = 50;
/** RFC 7518 §6: members that only private and symmetric keys have. */
const SECRET_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/** RFC 7518 §3.3. */
const LEAST_MODULUS_BYTES = 256;
/** A verification costs by the exponent: 65537 has three bytes, and a stranger's could be as long as the modulus. */
const MOST_EXPONENT_BYTES = 8;

/** A JWK set as a client publishes it. One with a private or symmetric key is no longer anyone's proof and refused. */
export const clientKeySet = z.object({
  keys: z
    .array(z.looseObject({}))
    .max(MAX_KEYS)
    .refine((keys) => keys.every((key) => !SECRET_MEMBERS.some((name) => Object.hasOwn(key, name))), {
      error: "holds a key that is not public",
    })
    .pipe(z.array(publicKey)),
});
export type ClientKeySet = z.infer<typeof clientKeySet>;

/** What a key may verify: by its type, and only its own algorithm where it names one. Nothing for other types and uses. */
export function algorithmsOf(key: ClientKey): readonly AssertionAlgorithm[] {
  if (key.use !== undefined && key.use !== "sig") return [];
  if (key.key_ops !== undefined && !key.key_ops.includes("verify")) return [];
  const fitting = algorithmsOfType(key);
  if (key.alg === undefined) return fitting;
  // Two names for one algorithm: a key that has either verifies both.
  const named: readonly string[] = (EDWARDS as readonly string[]).includes(key.alg) ? EDWARDS : [key.alg];
  return fitting.filter((algorithm) => named.includes(algorithm));
}

function algorithmsOfType({ kty, crv, n, e, x, y }: ClientKey): readonly AssertionAlgorithm[] {
  if (kty === "RSA") {
    return bytesOf(n) >= LEAST_MODULUS_BYTES && bytesOf(e) >= 1 && bytesOf(e) <= MOST_EXPONENT_BYTES ? ["RS256", "PS256"] : [];
  }
  if (kty === "EC") return crv === "P-256" && x !== undefined && y !== undefined ? ["ES256"] : [];
  if (kty === "OKP") return crv === "Ed25519" && x !== undefined ? EDWARDS : [];
  return [];
}

function bytesOf(member: string | undefined): number {
  return Buffer.from(member ?? "", "base64url").length;
}
