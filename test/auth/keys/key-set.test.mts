import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { completed, currentKey, type MakeKey, revoked, rotated, type StoredKey, stateOf } from "../../../auth/keys/key-set.ts";
import type { SigningAlg } from "../../../shared/bearer/key-algorithms.ts";
import { HOUR, MINUTE } from "../../support/clock.mts";

const TIMES = { accessToken: HOUR, keyLead: 10 * MINUTE, keyOverlap: 10 * MINUTE };
const NOW = 1_700_000_000_000;

function maker(now: number): MakeKey {
  return async (alg, signFrom) => ({ kid: `${alg}-${randomUUID()}`, alg, publicJwk: {}, sealed: "", publishedAt: now, signFrom });
}

const RS256: readonly SigningAlg[] = ["RS256"];
const first = (algs = RS256) => completed([], algs, maker(NOW), NOW, TIMES);
const rotate = (keys: readonly StoredKey[], now: number, algs = RS256) => rotated(keys, algs, maker(now), now, TIMES);
const revoke = (keys: readonly StoredKey[], kid: string | undefined, now: number, algs = RS256) =>
  revoked(keys, kid ?? "", algs, maker(now), now, TIMES);
const signing = (keys: readonly StoredKey[], now: number, alg: SigningAlg = "RS256") => currentKey(keys, alg, now)?.kid;

test("the first keys sign at once, one for each algorithm in use", async () => {
  const keys = await first(["RS256", "ES256"]);
  assert.deepEqual(
    keys.map((key) => [key.alg, stateOf(key, keys, NOW)]),
    [
      ["RS256", "signing"],
      ["ES256", "signing"],
    ],
  );
  assert.deepEqual(await completed(keys, ["RS256", "ES256"], maker(NOW), NOW, TIMES), keys);
});

test("a rotation publishes at once and signs ten minutes later", async () => {
  const [old] = await first();
  const keys = await rotate(old ? [old] : [], NOW);
  assert.equal(signing(keys, NOW), old?.kid);
  assert.equal(signing(keys, NOW + 10 * MINUTE - 1), old?.kid);
  assert.equal(signing(keys, NOW + 10 * MINUTE), keys[1]?.kid);
  assert.deepEqual(
    keys.map((key) => stateOf(key, keys, NOW)),
    ["signing", "pending"],
  );
  assert.deepEqual(
    keys.map((key) => stateOf(key, keys, NOW + 10 * MINUTE)),
    ["retiring", "signing"],
  );
});

test("an old key stays until its last token is dead and ten minutes more, and is then dropped at the next rotation", async () => {
  const keys = await rotate(await first(), NOW);
  const end = NOW + 10 * MINUTE + HOUR + 10 * MINUTE;
  assert.equal(keys[0]?.retireAt, end);
  const [old] = keys as [StoredKey];
  assert.equal(stateOf(old, keys, end - 1), "retiring");
  assert.equal(stateOf(old, keys, end), "retired");
  assert.ok(!(await rotate(keys, end)).some(({ kid }) => kid === old.kid));
});

test("two rotations in a row leave one key signing at every moment", async () => {
  const once = await rotate(await first(), NOW);
  const twice = await rotate(once, NOW + MINUTE);
  for (let minute = 0; minute <= 120; minute++) {
    const now = NOW + minute * MINUTE;
    assert.equal(twice.filter((key) => stateOf(key, twice, now) === "signing").length, 1, `minute ${minute}`);
  }
  assert.equal(signing(twice, NOW + HOUR), twice[2]?.kid);
});

test("revoking the only key makes another that signs at once", async () => {
  const [old] = await first();
  const keys = await revoke(old ? [old] : [], old?.kid, NOW);
  assert.equal(keys.length, 1);
  assert.notEqual(keys[0]?.kid, old?.kid);
  assert.equal(signing(keys, NOW), keys[0]?.kid);
});

test("revoking the signing key while its successor waits lets that one sign at once", async () => {
  const waiting = await rotate(await first(), NOW);
  const keys = await revoke(waiting, waiting[0]?.kid, NOW + MINUTE);
  assert.deepEqual(
    keys.map(({ kid }) => kid),
    [waiting[1]?.kid],
  );
  assert.equal(signing(keys, NOW + MINUTE), waiting[1]?.kid);
});

test("revoking a key that waits leaves the old one signing until another has been published long enough", async () => {
  const waiting = await rotate(await first(), NOW);
  const now = NOW + 9 * MINUTE;
  const keys = await revoke(waiting, waiting[1]?.kid, now);
  assert.equal(signing(keys, now), waiting[0]?.kid);
  const [old, next] = keys as [StoredKey, StoredKey];
  assert.equal(next.signFrom, now + 10 * MINUTE);
  assert.ok((old.retireAt ?? 0) >= next.signFrom + HOUR);
});

test("revoking one algorithm's key leaves the other's alone", async () => {
  const algs: readonly SigningAlg[] = ["RS256", "EdDSA"];
  const before = await first(algs);
  const after = await revoke(before, before[1]?.kid, NOW, algs);
  assert.equal(signing(after, NOW), before[0]?.kid);
  assert.equal(after.filter(({ alg }) => alg === "EdDSA").length, 1);
});

test("an algorithm that joins others later waits until everyone can have its key", async () => {
  const keys = await completed(await first(), ["RS256", "ES256"], maker(NOW), NOW, TIMES);
  assert.equal(currentKey(keys, "ES256", NOW), undefined);
  assert.equal(currentKey(keys, "ES256", NOW + 10 * MINUTE)?.alg, "ES256");
});
