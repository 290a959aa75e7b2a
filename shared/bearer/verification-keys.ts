import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import type { Config } from "../config.ts";
import { SIGNING_KEYS, signingKeysKind } from "../state/records.ts";
import type { Store } from "../state/store.ts";

/** A public key that may verify our tokens. */
export interface VerificationKey {
  readonly kid: string;
  readonly alg: "RS256";
  /** The digest of `node:crypto`'s verify. */
  readonly digest: "sha256";
  readonly key: KeyObject;
  readonly jwk: PublicJwk;
}

export interface PublicJwk {
  readonly kty: string;
  readonly kid: string;
  readonly alg: string;
  readonly use: "sig";
  readonly [member: string]: unknown;
}

export interface VerificationKeys {
  /** Reads the store again for an unknown kid, at most once in {@link FLOOR} milliseconds. */
  find(kid: string): Promise<VerificationKey | undefined>;
  /** Whether a key is still known: a cached signature of a removed key does not count. */
  has(kid: string): boolean;
  /** All public keys, for the JWKS. */
  all(): Promise<readonly VerificationKey[]>;
  /** Reads the store again at the next use: after this process changed the keys. */
  refresh(): void;
}

/** How old the keys may be, in milliseconds: a removed key is honoured for at most this long, a new one is looked up at once. */
const MAX_AGE = 60_000;
/** The least time between two reads that unknown kids cause, in milliseconds. */
const FLOOR = 5_000;

export interface VerificationKeysOptions {
  readonly config: Config;
  readonly store: Store;
  readonly clock: () => number;
}

export function createVerificationKeys({ config, store, clock }: VerificationKeysOptions): VerificationKeys {
  const configured = config.signingKeys?.map((jwk) => toVerificationKey(publicPart(jwk)));
  let keys = new Map((configured ?? []).map((key) => [key.kid, key]));
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    const startedAt = clock();
    const entry = await store.get(signingKeysKind, SIGNING_KEYS);
    keys = new Map((entry?.value.keys ?? []).map((key) => [key.kid, toVerificationKey({ ...key.publicJwk, kid: key.kid } as PublicJwk)]));
    readAt = startedAt;
  }

  /** One read at a time; those who come meanwhile share it. */
  async function notOlderThan(age: number): Promise<void> {
    if (configured || clock() - readAt < age) return;
    reading ??= read().finally(() => {
      reading = undefined;
    });
    await reading;
  }

  return {
    async find(kid) {
      await notOlderThan(MAX_AGE);
      if (!keys.has(kid)) await notOlderThan(FLOOR);
      return keys.get(kid);
    },
    has: (kid) => (configured !== undefined || clock() - readAt < MAX_AGE) && keys.has(kid),
    async all() {
      await notOlderThan(MAX_AGE);
      return [...keys.values()];
    },
    refresh() {
      readAt = Number.NEGATIVE_INFINITY;
    },
  };
}

function toVerificationKey(jwk: PublicJwk): VerificationKey {
  return { kid: jwk.kid, alg: "RS256", digest: "sha256", key: createPublicKey({ key: jwk as JsonWebKey, format: "jwk" }), jwk };
}

/** The public members of an RSA key (RFC 7518 §6.3.1). */
export function publicPart(jwk: Readonly<Record<string, unknown>>): PublicJwk {
  const { kty, n, e, kid } = jwk as { readonly kty: string; readonly n: string; readonly e: string; readonly kid: string };
  return { kty, n, e, kid, alg: "RS256", use: "sig" };
}
