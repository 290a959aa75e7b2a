import { createHmac, hash, randomBytes, timingSafeEqual } from "node:crypto";

/** SHA-256 in base64url: how every secret is kept. */
export function sha256(text: string): string {
  return hash("sha256", text, "base64url");
}

/** A source of a Content-Security-Policy: this very text, inline (CSP Level 3 §2.3.1). */
export function cspSource(text: string): string {
  return `'sha256-${hash("sha256", text, "base64")}'`;
}

/** HMAC-SHA-256 in base64url. */
export function hmac(key: string, text: string): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}

/** Random bytes that are had at once. */
const POOL_BYTES = 4_096;
let pool = Buffer.alloc(0);
let drawn = 0;

/**
 * Random text in base64url. Its bytes are had for many at once, because asking the system for them is most of what it
 * costs, and are wiped as they are given out.
 * @param bytes Of entropy.
 */
export function randomToken(bytes = 32): string {
  if (drawn + bytes > pool.length) {
    pool = randomBytes(Math.max(bytes, POOL_BYTES));
    drawn = 0;
  }
  const start = drawn;
  drawn += bytes;
  const token = pool.toString("base64url", start, drawn);
  pool.fill(0, start, drawn);
  return token;
}

/** Compares in constant time; both sides are digests, so their length is no secret. */
export function sameDigest(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
