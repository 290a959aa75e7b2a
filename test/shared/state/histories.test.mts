import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { loadConfig } from "../../../shared/config.ts";
import { createLog } from "../../../shared/log.ts";
import { openState } from "../../../shared/state/open.ts";
import type { Key, Store } from "../../../shared/state/store.ts";
import type { Round, Seen, Step } from "../../support/history-process.mts";
import { STORES, type StartedStore } from "../../support/shared-stores.mts";
import { MINUTE, newCounter, newKind, note, version } from "../../support/state-bench.mts";
import { isLinearizable } from "../../support/state-history.mts";

const PROCESSES = 3;
const HISTORIES = 30;
const CHILD = fileURLToPath(import.meta.resolve("../../support/history-process.mts"));
const STATE_KEYS_JSON = JSON.stringify({ keys: [{ kty: "oct", kid: "test", k: randomBytes(32).toString("base64url") }] });

for (const { name, missing, start } of STORES) {
  describe(`on ${name}`, { skip: missing ?? false }, () => {
    let database: StartedStore;
    before(async () => {
      database = await start();
    });
    after(() => database?.stop());

    test("what processes see of one record side by side is explained by one order of their operations", async (t) => {
      const children = await startProcesses(database.stateUrl);
      t.after(() => stopProcesses(children));
      let records = 0;
      let overlaps = 0;
      const property = fc.asyncProperty(scripts, async (script) => {
        const history = await observe(children, { id: `${records++}`, owner: "someone" }, script);
        assertVersionsName(history.flat());
        overlaps += countOverlaps(history);
        assert.ok(explained(history.flat()));
      });
      // What fails once may not fail again, so that nothing is gained by looking for a smaller script.
      await fc.assert(property, { numRuns: HISTORIES, endOnFailure: true });
      assert.ok(overlaps > HISTORIES, `only ${overlaps} operations met another process's`);
    });

    describe("two processes whose clocks differ by seconds", () => {
      const SKEW = 5_000;
      const now = Date.now();
      /** Later than the slow clock and earlier than the fast one. */
      const between = now + SKEW / 2;
      const kind = newKind();
      let slow: Store;
      let fast: Store;
      let records = 0;
      const newKey = () => ({ id: `${records++}`, owner: "someone" });
      before(async () => {
        slow = await openWithClock(database.stateUrl, () => now);
        fast = await openWithClock(database.stateUrl, () => now + SKEW);
      });
      after(() => Promise.all([slow?.close(), fast?.close()]));

      test("never take one record twice, nor one that expired for either of them", async () => {
        for (const expiresAt of [now + MINUTE, between]) {
          for (let round = 0; round < 10; round++) {
            const key = newKey();
            assert.equal(await slow.create(kind, key, note("code"), expiresAt), true);
            const taken = await Promise.all([slow, fast, slow, fast].map((store) => store.take(kind, key)));
            assert.equal(taken.filter((entry) => entry !== undefined).length, 1);
            if (expiresAt === between) assert.deepEqual([taken[1], taken[3]], [undefined, undefined]);
            for (const store of [slow, fast]) assert.equal(await store.get(kind, key), undefined);
          }
        }
      });

      test("never write one version twice", async () => {
        for (let round = 0; round < 10; round++) {
          const key = newKey();
          await slow.create(kind, key, note("pending"), now + MINUTE);
          const read = await version(fast, kind, key);
          const contenders = [slow, fast, slow, fast];
          const wrote = await Promise.all(contenders.map((store, index) => store.replace(kind, key, read, note(index), now + MINUTE)));
          assert.equal(wrote.filter(Boolean).length, 1);
          assert.deepEqual((await slow.get(kind, key))?.value, note(wrote.indexOf(true)));
        }
      });

      test("keep what the fast one wrote over an expired record, though the record still lived for the slow one", async () => {
        const key = newKey();
        await slow.create(kind, key, note("old"), between);
        const old = await version(slow, kind, key);
        assert.equal(await fast.create(kind, key, note("new"), now + MINUTE), true);
        assert.equal(await slow.replace(kind, key, old, note("revived"), now + MINUTE), false);
        assert.equal(await slow.create(kind, key, note("again"), now + MINUTE), false);
        assert.deepEqual((await slow.take(kind, key))?.value, note("new"));
        assert.equal(await fast.take(kind, key), undefined);
      });

      test("agree on one winner when the slow one renews what the fast one writes anew", async () => {
        for (let round = 0; round < 20; round++) {
          const key = newKey();
          await slow.create(kind, key, note("old"), between);
          const old = await version(slow, kind, key);
          const renew = () => slow.replace(kind, key, old, note("renewed"), now + MINUTE);
          const anew = () => fast.create(kind, key, note("anew"), now + MINUTE);
          // Whoever is sent first is not always the first to arrive; both orders are tried.
          const [first, second] = await Promise.all(round % 2 === 0 ? [renew(), anew()] : [anew(), renew()]);
          assert.notEqual(first, second);
          const winner = first === (round % 2 === 0) ? "renewed" : "anew";
          for (const store of [slow, fast]) assert.deepEqual((await store.get(kind, key))?.value, note(winner));
        }
      });

      test("keep gone what the fast one swept", async () => {
        const key = newKey();
        await slow.create(kind, key, note("old"), between);
        const old = await version(slow, kind, key);
        while ((await fast.sweep(100)) > 0);
        assert.equal(await slow.replace(kind, key, old, note("revived"), now + MINUTE), false);
        assert.equal(await slow.take(kind, key), undefined);
      });

      test("count on from what the fast one counted anew", async () => {
        const [counter, key] = [newCounter(), newKey()];
        assert.equal(await slow.increment(counter, key, 7, between), 7);
        assert.equal(await fast.increment(counter, key, 1, now + MINUTE), 1);
        assert.equal(await slow.increment(counter, key, 1, between), 2);
        assert.equal((await fast.get(counter, key))?.value, 2);
      });
    });
  });
}

describe("the judge of histories", () => {
  const at = (start: bigint, step: Step, result: Seen["result"], expected?: number): Seen => ({
    step,
    start,
    end: start + 10n,
    result,
    expected,
  });
  const created = at(0n, { name: "create", value: 1 }, true);
  const replaced = at(40n, { name: "replace", value: 4 }, true, 1);

  for (const [what, history] of [
    ["a record that is taken twice", [created, at(20n, { name: "take" }, 1), at(21n, { name: "take" }, 1)]],
    ["a read of what was written over before it", [created, replaced, at(60n, { name: "get" }, 1)]],
    [
      "an increment that another one lost",
      [created, at(20n, { name: "increment", value: 2 }, 3), at(21n, { name: "increment", value: 4 }, 5)],
    ],
    ["a version that is replaced twice", [created, replaced, at(41n, { name: "replace", value: 8 }, true, 1)]],
  ] as const) {
    test(`finds no order for ${what}`, () => assert.equal(explained(history), false));
  }

  test("finds the order of operations that overlap", () => {
    assert.ok(
      explained([at(0n, { name: "take" }, 3), at(1n, { name: "increment", value: 2 }, 3), at(2n, { name: "create", value: 1 }, true)]),
    );
  });
});

const script = fc.array(fc.constantFrom<Step["name"]>("get", "create", "replace", "take", "increment"), { minLength: 3, maxLength: 6 });
const scripts = fc.array(script, { minLength: PROCESSES, maxLength: PROCESSES });

async function openWithClock(stateUrl: string, clock: () => number): Promise<Store> {
  return (await openState(loadConfig({ STATE_URL: stateUrl, STATE_KEYS_JSON }), { clock, log: createLog("silent") })).store;
}

function startProcesses(stateUrl: string): Promise<ChildProcess[]> {
  const env = { PATH: process.env["PATH"], STATE_URL: stateUrl, STATE_KEYS_JSON };
  return Promise.all(
    Array.from({ length: PROCESSES }, async () => {
      const child = fork(CHILD, { env, serialization: "advanced" });
      await answerOf(child);
      return child;
    }),
  );
}

/** Lets each process close its store. */
async function stopProcesses(children: readonly ChildProcess[]): Promise<void> {
  const codes = children.map((child) => once(child, "exit"));
  for (const child of children) child.disconnect();
  assert.deepEqual(await Promise.all(codes), Array(children.length).fill([0, null]));
}

/** The next message of a process. @throws {Error} when it ends instead. */
async function answerOf(child: ChildProcess): Promise<unknown> {
  const done = new AbortController();
  const ended = once(child, "exit", done).then(([code]) => Promise.reject(new Error(`a process ended with ${code}`)));
  try {
    const [message] = await Promise.race([once(child, "message", done), ended]);
    return message;
  } finally {
    done.abort();
    await ended.catch(() => {});
  }
}

/** Gives each process its steps on one record at the same time and returns what each of them saw. */
function observe(children: readonly ChildProcess[], key: Key, names: readonly (readonly Step["name"][])[]): Promise<Seen[][]> {
  let writes = 0;
  return Promise.all(
    children.map(async (child, index) => {
      // Powers of two: sums of different writes differ too.
      const steps = (names[index] ?? []).map(
        (name): Step => (name === "get" || name === "take" ? { name } : { name, value: 2 ** writes++ }),
      );
      const answer = answerOf(child);
      child.send({ key, steps } satisfies Round);
      return (await answer) as Seen[];
    }),
  );
}

function assertVersionsName(history: readonly Seen[]): void {
  const values = new Map<string, Seen["result"]>();
  for (const { version: read, result } of history) {
    if (read === undefined) continue;
    assert.equal(values.get(read) ?? result, result, "two values had one version");
    values.set(read, result);
  }
}

/** How many operations were under way at the same time as one of another process. */
function countOverlaps(history: readonly (readonly Seen[])[]): number {
  return history.flatMap((own) =>
    own.filter(({ start, end }) =>
      history.some((others) => others !== own && others.some((other) => other.start < end && start < other.end)),
    ),
  ).length;
}

/** Whether one order of all operations explains what each of them returned. */
function explained(history: readonly Seen[]): boolean {
  const origin = history.reduce((least, { start }) => (start < least ? start : least), history[0]?.start ?? 0n);
  return isLinearizable(
    history.map((seen) => ({
      start: Number(seen.start - origin),
      end: Number(seen.end - origin),
      after: (state) => stateAfter(seen, state),
    })),
  );
}

function stateAfter({ step, result, expected }: Seen, state: number | undefined): { readonly state: number | undefined } | undefined {
  switch (step.name) {
    case "create":
      return result === (state === undefined) ? { state: result ? step.value : state } : undefined;
    case "replace":
      return result === (state !== undefined && state === expected) ? { state: result ? step.value : state } : undefined;
    case "increment":
      return result === (state ?? 0) + step.value ? { state: result } : undefined;
    default:
      return result === state ? { state: step.name === "take" ? undefined : state } : undefined;
  }
}
