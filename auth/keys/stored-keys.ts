import { createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { publicJwkOf, type SigningAlg } from "../../shared/bearer/key-algorithms.ts";
import type { Config } from "../../shared/config.ts";
import { writeOver } from "../../shared/state/entries.ts";
import { SIGNING_KEYS, signingKeysKind } from "../../shared/state/records.ts";
import type { Sealer } from "../../shared/state/seal.ts";
import { type Store, Unavailable } from "../../shared/state/store.ts";
import { completed, type MakeKey, revoked, rotated, type StoredKey } from "./key-set.ts";

/** Signing keys in the store, their private halves sealed: what the service and operators do to them. */

/** What that takes. A service has it, and so has an operator's command. */
export interface KeyKeeper {
  readonly config: Config;
  readonly store: Store;
  readonly sealer: Sealer;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

const MODULUS_BITS = 2048;
const SEALED_FOR = "signing key";
const TRIES = 5;

/** The algorithms that tokens are signed with: ID tokens are RS256 (OpenID Connect Core §15.1), access tokens as configured. */
export function algsInUse({ accessTokenAlg }: Config): readonly SigningAlg[] {
  return accessTokenAlg === "RS256" ? ["RS256"] : ["RS256", accessTokenAlg];
}

/** Makes the keys that are missing, at the first start all of them. Of several replicas that start together, one wins. */
export function completeKeys(keeper: KeyKeeper): Promise<readonly StoredKey[]> {
  return change(keeper, (keys, now) => completed(keys, algsInUse(keeper.config), makerOf(keeper), now, keeper.config.lifetimes));
}

/** @returns All keys, the new ones among them. */
export function rotateKeys(keeper: KeyKeeper): Promise<readonly StoredKey[]> {
  return change(keeper, (keys, now) => rotated(keys, algsInUse(keeper.config), makerOf(keeper), now, keeper.config.lifetimes));
}

/** @returns The keys that are left, or nothing when there is none of this id. */
export async function revokeKey(keeper: KeyKeeper, kid: string): Promise<readonly StoredKey[] | undefined> {
  const keys = (await keeper.store.get(signingKeysKind, SIGNING_KEYS))?.value.keys ?? [];
  if (!keys.some((key) => key.kid === kid)) return undefined;
  return change(keeper, (known, now) => revoked(known, kid, algsInUse(keeper.config), makerOf(keeper), now, keeper.config.lifetimes));
}

/** The private half. @throws {Error} when it was sealed with a state key that is not configured. */
export function openKey({ sealer }: Pick<KeyKeeper, "sealer">, { sealed }: StoredKey): KeyObject {
  try {
    return createPrivateKey({ key: JSON.parse(sealer.open(SEALED_FOR, sealed)) as JsonWebKey, format: "jwk" });
  } catch (cause) {
    throw new Error("the signing keys in the store were sealed with a state key that is not among STATE_KEYS_JSON", { cause });
  }
}

/** One compare-and-set; who loses the race decides again on what the winner left. */
async function change(
  { store, clock }: KeyKeeper,
  next: (keys: readonly StoredKey[], now: number) => Promise<readonly StoredKey[]>,
): Promise<readonly StoredKey[]> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const entry = await store.get(signingKeysKind, SIGNING_KEYS);
    const keys = [...(await next(entry?.value.keys ?? [], clock()))];
    if (await writeOver(store, signingKeysKind, SIGNING_KEYS, entry, { keys }, null)) return keys;
  }
  throw new Unavailable("the signing keys changed too often");
}

function makerOf({ sealer, clock }: KeyKeeper): MakeKey {
  return async (alg, signFrom) => {
    const { calculateJwkThumbprint, exportJWK, generateKeyPair } = await import("jose");
    const pair = await generateKeyPair(alg, { modulusLength: MODULUS_BITS, extractable: true });
    const privateJwk = await exportJWK(pair.privateKey);
    const kid = await calculateJwkThumbprint(privateJwk);
    const publicJwk = publicJwkOf({ ...privateJwk }, kid, alg);
    return { kid, alg, publicJwk, sealed: sealer.seal(SEALED_FOR, JSON.stringify(privateJwk)), publishedAt: clock(), signFrom };
  };
}
