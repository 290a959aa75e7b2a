import type { SigningAlg } from "../../shared/bearer/key-algorithms.ts";
import type { Lifetimes } from "../../shared/config-lifetimes.ts";
import type { SigningKeys } from "../../shared/state/records.ts";

/** The life of stored signing keys, as calculations on their record. Times are milliseconds since the epoch. */

export type StoredKey = SigningKeys["keys"][number];
export type KeyTimes = Pick<Lifetimes, "accessToken" | "keyLead" | "keyOverlap">;

/** Makes a key that may sign from a moment on. */
export type MakeKey = (alg: SigningAlg, signFrom: number) => Promise<StoredKey>;

export type KeyState = "pending" | "signing" | "retiring" | "retired";

/** The key that signs now: of those that may, the one that began last. */
export function currentKey(keys: readonly StoredKey[], alg: SigningAlg, now: number): StoredKey | undefined {
  return keys.filter((key) => key.alg === alg && maySign(key, now)).reduce<StoredKey | undefined>(later, undefined);
}

export function stateOf(key: StoredKey, keys: readonly StoredKey[], now: number): KeyState {
  if (isRetired(key, now)) return "retired";
  if (now < key.signFrom) return "pending";
  return currentKey(keys, key.alg, now)?.kid === key.kid ? "signing" : "retiring";
}

/**
 * Sees to it that each algorithm has a key that stays. The first keys sign at once, because nobody can have older ones
 * in a cache; one that joins others waits until its publication has reached everyone.
 */
export async function completed(
  keys: readonly StoredKey[],
  algs: readonly SigningAlg[],
  make: MakeKey,
  now: number,
  times: KeyTimes,
): Promise<readonly StoredKey[]> {
  const missing = algs.filter((alg) => !keys.some((key) => key.alg === alg && key.retireAt === undefined));
  // RS256 stands in for an algorithm whose first key is pending; for RS256 itself nothing does.
  const canWait = (alg: SigningAlg) =>
    keys.some((key) => maySign(key, now) && (key.alg === alg || (key.alg === "RS256" && alg !== "RS256")));
  const made = await Promise.all(missing.map((alg) => make(alg, canWait(alg) ? now + times.keyLead : now)));
  return [...keys.map((key) => outlasting(key, made, times)), ...made];
}

/**
 * A new key for each algorithm, published at once and signing after the lead time. Its predecessors stay published until
 * their last token has expired, and a while longer. Retired keys are dropped.
 */
export async function rotated(
  keys: readonly StoredKey[],
  algs: readonly SigningAlg[],
  make: MakeKey,
  now: number,
  times: KeyTimes,
): Promise<readonly StoredKey[]> {
  const signFrom = now + times.keyLead;
  const made = await Promise.all(algs.map((alg) => make(alg, signFrom)));
  const retireAt = lastUse(signFrom, times);
  const older = keys.filter((key) => !isRetired(key, now)).map((key) => (key.retireAt === undefined ? { ...key, retireAt } : key));
  return [...older, ...made];
}

/** Without a key, at once. Whatever is needed to go on signs at once as well. */
export async function revoked(
  keys: readonly StoredKey[],
  kid: string,
  algs: readonly SigningAlg[],
  make: MakeKey,
  now: number,
  times: KeyTimes,
): Promise<readonly StoredKey[]> {
  const rest = keys.filter((key) => key.kid !== kid && !isRetired(key, now));
  const promoted = rest.map((key) =>
    key.retireAt === undefined && now < key.signFrom && !rest.some((other) => other.alg === key.alg && maySign(other, now))
      ? { ...key, signFrom: now }
      : key,
  );
  return completed(promoted, algs, make, now, times);
}

/** A retiring key stays until what follows it has taken over. */
function outlasting(key: StoredKey, made: readonly StoredKey[], times: KeyTimes): StoredKey {
  const next = made.find(({ alg }) => alg === key.alg);
  if (!next || key.retireAt === undefined) return key;
  return { ...key, retireAt: Math.max(key.retireAt, lastUse(next.signFrom, times)) };
}

function lastUse(successorSigns: number, { accessToken, keyOverlap }: KeyTimes): number {
  return successorSigns + accessToken + keyOverlap;
}

function maySign(key: StoredKey, now: number): boolean {
  return key.signFrom <= now && !isRetired(key, now);
}

function isRetired({ retireAt }: StoredKey, now: number): boolean {
  return retireAt !== undefined && retireAt <= now;
}

function later(a: StoredKey | undefined, b: StoredKey): StoredKey {
  return a && a.signFrom >= b.signFrom ? a : b;
}
