import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { z } from "zod";
import { InputRequired } from "../../../shared/capabilities/ask.ts";
import { CapabilityError } from "../../../shared/capabilities/capability.ts";
import { type KeyedCall, once } from "../../../shared/capabilities/idempotency.ts";
import type { Service } from "../../../shared/service.ts";
import { Unavailable } from "../../../shared/state/store.ts";
import { ANN, BEN, type Calls, failsWith, openCalls } from "./calls.mts";

const DAY = 24 * 60 * 60_000;

let calls: Calls;
before(async () => {
  calls = await openCalls();
});
after(() => calls.service.close());

let key: string;
let count = 0;
beforeEach(() => {
  count += 1;
  key = `key-${count}`;
});

function keyed(change: Partial<KeyedCall> = {}): KeyedCall {
  const capability = { name: "pay", idempotent: false, timeLimit: 60_000 };
  return { capability, surface: "actions", caller: ANN, key, input: { amount: 1 }, signal: new AbortController().signal, ...change };
}

/** Work that counts how often it is done. */
function createWork() {
  let done = 0;
  return {
    work: async () => ({ done: ++done }),
    get done() {
      return done;
    },
  };
}

test("the same call gives the first result for a day, and does nothing", async () => {
  const counter = createWork();
  assert.deepEqual(await once(calls.service, keyed(), counter.work), { done: 1 });
  calls.clock.advance(DAY - 1_000);
  assert.deepEqual(await once(calls.service, keyed({ input: { amount: 1 } }), counter.work), { done: 1 });
  calls.clock.advance(1_001);
  assert.deepEqual(await once(calls.service, keyed(), counter.work), { done: 2 });
});

test("the order of an input's members is not part of it", async () => {
  const counter = createWork();
  await once(calls.service, keyed({ input: { a: 1, b: [{ c: 2, d: 3 }] } }), counter.work);
  await once(calls.service, keyed({ input: { b: [{ d: 3, c: 2 }], a: 1 } }), counter.work);
  assert.equal(counter.done, 1);
});

test("what one surface gave is nothing to the other, whose results have another form", async () => {
  const counter = createWork();
  await once(calls.service, keyed(), counter.work);
  assert.equal(await once(calls.service, keyed({ surface: "mcp" }), async () => "a result of MCP"), "a result of MCP");
  assert.deepEqual(await once(calls.service, keyed(), counter.work), { done: 1 });
});

test("a key belongs to one person, one client and one capability", async () => {
  const counter = createWork();
  await once(calls.service, keyed(), counter.work);
  await once(calls.service, keyed({ caller: BEN }), counter.work);
  await once(calls.service, keyed({ caller: { ...ANN, clientId: "another-client" } }), counter.work);
  await once(calls.service, keyed({ capability: { name: "refund", idempotent: false, timeLimit: 1 } }), counter.work);
  assert.equal(counter.done, 4);
});

test("another input under the same key is refused in words", async () => {
  const counter = createWork();
  await once(calls.service, keyed(), counter.work);
  await assert.rejects(once(calls.service, keyed({ input: { amount: 2 } }), counter.work), failsWith("key_reused"));
  assert.equal(counter.done, 1);
});

test("two at once are one: the second gets the first one's result", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let done = 0;
  const slow = async () => {
    done += 1;
    await promise;
    return { done };
  };
  const first = once(calls.service, keyed(), slow);
  const second = once(calls.service, keyed(), slow);
  setImmediate(resolve);
  assert.deepEqual(await Promise.all([first, second]), [{ done: 1 }, { done: 1 }]);
});

test("who waits too long, or goes away, is told when to come again", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = once(calls.service, keyed(), () => promise);
  const controller = new AbortController();
  const second = once(calls.service, keyed({ signal: controller.signal }), () => promise);
  setImmediate(() => controller.abort());
  await assert.rejects(second, (error) => failsWith("conflict")(error) && (error as CapabilityError).retryAfter === 5);
  resolve();
  await first;
});

for (const code of ["invalid_input", "not_found", "conflict", "rate_limited", "unavailable", "forbidden"] as const) {
  test(`after ${code} nothing was done, and the key is free`, async () => {
    const failing = () => Promise.reject(new CapabilityError(code, "No."));
    await assert.rejects(once(calls.service, keyed(), failing), failsWith(code));
    assert.deepEqual(await once(calls.service, keyed({ input: { amount: 2 } }), createWork().work), { done: 1 });
  });
}

test("a call that asks a question is not done yet", async () => {
  await assert.rejects(
    once(calls.service, keyed(), () => Promise.reject(new InputRequired())),
    InputRequired,
  );
  assert.deepEqual(await once(calls.service, keyed(), createWork().work), { done: 1 });
});

for (const [what, error] of [
  ["that took too long", new CapabilityError("timed_out", "Late.")],
  ["whose output does not fit", new CapabilityError("internal", "Wrong.")],
  ["that broke", new Error("a-secret")],
  ["whose write may have been applied", new Unavailable("The store did not answer.")],
] as const) {
  test(`nobody knows what a call did ${what}: it is not done again`, async () => {
    const counter = createWork();
    await assert.rejects(once(calls.service, keyed(), () => Promise.reject(error)));
    await assert.rejects(
      once(calls.service, keyed(), counter.work),
      (conflict: CapabilityError) =>
        conflict.code === "conflict" && conflict.retryAfter === undefined && /not known/.test(conflict.message),
    );
    assert.equal(counter.done, 0);
  });

  test(`a call ${what} is done again where that changes nothing`, async () => {
    const capability = { name: "complete", idempotent: true, timeLimit: 60_000 };
    await assert.rejects(once(calls.service, keyed({ capability }), () => Promise.reject(error)));
    assert.deepEqual(await once(calls.service, keyed({ capability }), createWork().work), { done: 1 });
    assert.deepEqual(await once(calls.service, keyed({ capability }), createWork().work), { done: 1 });
  });
}

test("a call whose process is gone is known to be lost when its time has passed", async () => {
  const never = new Promise<never>(() => {});
  void once(calls.service, keyed(), () => never);
  await assert.rejects(once(calls.service, keyed({ input: 2 }), createWork().work), failsWith("key_reused"));
  calls.clock.advance(60_000 + 30_000);
  await assert.rejects(once(calls.service, keyed(), createWork().work), /not known what it did/);
});

test("a result of any size and script comes back as it was, and is sealed in the store", async () => {
  const result = { text: "ü🙂 a-secret ".repeat(40_000) };
  await once(calls.service, keyed(), async () => result);
  assert.deepEqual(await once(calls.service, keyed(), createWork().work as () => Promise<unknown>), result);
  const all = await Promise.all(["idempotency", "mcp_blob"].map((name) => calls.service.store.scan({ name, codec: z.unknown() })));
  assert.ok(all.every(({ entries }) => entries.length > 0));
  assert.doesNotMatch(JSON.stringify(all), /a-secret/);
  assert.doesNotMatch(JSON.stringify(all), new RegExp(key));
});

test("a key is 1 to 255 visible characters", async () => {
  for (const bad of ["", "a b", "ä", "a\n", "x".repeat(256)]) {
    await assert.rejects(once(calls.service, keyed({ key: bad }), createWork().work), failsWith("invalid_input"));
  }
  await once(calls.service, keyed({ key: "x".repeat(255) }), createWork().work);
});

test("an input that is nested too deeply is refused", async () => {
  let input: unknown = 1;
  for (let level = 0; level < 10_000; level++) input = [input];
  await assert.rejects(once(calls.service, keyed({ input }), createWork().work), failsWith("invalid_input"));
});

test("a result that cannot be kept is given all the same", async () => {
  const service: Service = { ...calls.service, store: { ...calls.service.store, replace: () => Promise.reject(new Unavailable("Down.")) } };
  assert.deepEqual(await once(service, keyed(), createWork().work), { done: 1 });
});
