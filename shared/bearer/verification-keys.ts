import { createPublicKey, type JsonWebKey } from "node:crypto";
import { type Awaitable, andThen } from "../awaitable.ts";
import type { Config } from "../config.ts";
import { SIGNING_KEYS, type SigningKeys, signingKeysKind } from "../state/records.ts";
import type { Store } from "../state/store.ts";
import { type PublicJwk, publicJwkOf, type Scheme, type SigningAlg, schemeOf, signingAlgOf } from "./key-algorithms.ts";

/** A public key that may verify our tokens. */
export interface VerificationKey extends Scheme {
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly jwk: PublicJwk;
}

export interface VerificationKeys {
  /** Reads the store again for an unknown kid, at most once in {@link FLOOR} milliseconds. */
  find(kid: string): Promise<VerificationKey | undefined>;
  /** Whether a key was among the keys when they were last read. */
  has(kid: string): boolean;
  /** All public keys, for the JWKS: the same list for as long as they are the same. */
  all(): Awaitable<readonly VerificationKey[]>;
  /** The stored keys with their sealed halves, for who signs. Nothing when there are none yet. */
  stored(): Awaitable<SigningKeys | undefined>;
  /**
   * Begins a read when the keys are older than {@link MAX_AGE}, and nothing otherwise: beside other reads it costs a
   * remote store no request of its own.
   */
  renew(): Promise<void> | undefined;
  /** Until when the keys need not be read again, in milliseconds since the epoch. */
  knownUntil(): number;
  /** Reads the store again at the next use: after this process changed the keys. */
  refresh(): void;
}

/**
 * How old the keys may be, in milliseconds: a removed key is honoured nowhere longer than this. It is what a revoked
 * grant takes as well.
 */
const MAX_AGE = 7_500;
/** The least time between two reads that unknown kids cause, in milliseconds. */
const FLOOR = 1_000;

export interface VerificationKeysOptions {
  readonly config: Config;
  readonly store: Store;
  readonly clock: () => number;
}

type Keys = ReadonlyMap<string, VerificationKey>;

export function createVerificationKeys({ config, store, clock }: VerificationKeysOptions): VerificationKeys {
  const configured = config.signingKeys && configuredKeys(config.signingKeys);
  let keys: Keys = configured ?? new Map();
  let list: readonly VerificationKey[] = [...keys.values()];
  let record: SigningKeys | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    const startedAt = clock();
    record = (await store.get(signingKeysKind, SIGNING_KEYS))?.value;
    keys = publishedKeys(record, startedAt, keys);
    if (list.length !== keys.size || list.some(({ kid }) => !keys.has(kid))) list = [...keys.values()];
    readAt = startedAt;
  }

  /** One read at a time; those who come meanwhile share it. Nothing when there is nothing to wait for. */
  function notOlderThan(age: number): Promise<void> | undefined {
    if (configured || clock() - readAt < age) return undefined;
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  return {
    async find(kid) {
      await notOlderThan(MAX_AGE);
      // Without any key yet, the first one is looked for each time.
      if (!keys.has(kid)) await notOlderThan(keys.size === 0 ? 0 : FLOOR);
      return keys.get(kid);
    },
    has: (kid) => keys.has(kid),
    all: () => andThen(notOlderThan(MAX_AGE), () => list),
    stored: () => andThen(notOlderThan(MAX_AGE), () => record),
    renew: () => notOlderThan(MAX_AGE),
    knownUntil: () => (configured ? Number.POSITIVE_INFINITY : readAt + MAX_AGE),
    refresh() {
      readAt = Number.NEGATIVE_INFINITY;
    },
  };
}

function configuredKeys(jwks: NonNullable<Config["signingKeys"]>): Keys {
  const all = jwks.flatMap((jwk) => {
    const alg = signingAlgOf(jwk);
    return alg ? [verificationKey(publicJwkOf(jwk, String(jwk["kid"]), alg))] : [];
  });
  return new Map(all.map((key) => [key.kid, key]));
}

/** Those that are not retired. A key that is known already is not parsed again. */
function publishedKeys(record: SigningKeys | undefined, now: number, known: Keys): Keys {
  const live = (record?.keys ?? []).filter(({ retireAt }) => retireAt === undefined || now < retireAt);
  return new Map(live.map(({ kid, alg, publicJwk }) => [kid, known.get(kid) ?? verificationKey(publicJwkOf(publicJwk, kid, alg))]));
}

function verificationKey(jwk: PublicJwk): VerificationKey {
  const key = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
  return { kid: jwk.kid, alg: jwk.alg, jwk, ...schemeOf(jwk.alg, key) };
}
