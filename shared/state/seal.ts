import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from "node:crypto";

/** Authenticated encryption of what must be secret in the store (AES-256-GCM, NIST SP 800-38D). */
export interface Sealer {
  /** @param purpose Bound to the box: it opens for the same purpose only. */
  seal(purpose: string, text: string): string;
  /** @throws {SealError} when the key is not known, the purpose differs or the box was altered. */
  open(purpose: string, box: string): string;
}

export class SealError extends Error {
  override readonly name = "SealError";
}

/** A 256-bit key as the configuration has it (RFC 7517, kty "oct"). */
export interface SealKey {
  readonly kid: string;
  /** 32 bytes in base64url. */
  readonly k: string;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** @param keys The first encrypts, all decrypt. */
export function createSealer(keys: readonly SealKey[]): Sealer {
  const secrets = new Map(keys.map(({ kid, k }) => [kid, createSecretKey(k, "base64url")]));
  const first = keys[0];
  if (!first) throw new SealError("there is no key to seal with");
  return {
    seal: (purpose, text) => `${Buffer.from(first.kid).toString("base64url")}.${encrypt(secretOf(first.kid), purpose, text)}`,
    open(purpose, box) {
      const [kid = "", sealed = ""] = box.split(".");
      return decrypt(secretOf(Buffer.from(kid, "base64url").toString()), purpose, sealed);
    },
  };

  function secretOf(kid: string): KeyObject {
    const secret = secrets.get(kid);
    if (!secret) throw new SealError("the key that sealed this is not known");
    return secret;
  }
}

/** Seals under a key derived from a token (HKDF, RFC 5869), so that only who holds the token can open the box. */
export function sealUnder(token: string, purpose: string, text: string): string {
  return encrypt(deriveKey(token, purpose), purpose, text);
}

/** @throws {SealError} with another token, another purpose or an altered box. */
export function openUnder(token: string, purpose: string, box: string): string {
  return decrypt(deriveKey(token, purpose), purpose, box);
}

function deriveKey(token: string, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync("sha256", token, "", purpose, 32)));
}

function encrypt(key: KeyObject, purpose: string, text: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(purpose));
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString("base64url");
}

function decrypt(key: KeyObject, purpose: string, box: string): string {
  const bytes = Buffer.from(box, "base64url");
  if (bytes.length < IV_BYTES + TAG_BYTES) throw new SealError("the box is too short");
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(purpose))
    .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  try {
    return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  } catch {
    throw new SealError("the box cannot be opened");
  }
}
