import assert from "node:assert/strict";
import { once } from "node:events";
import { after, afterEach, before, beforeEach, mock, test } from "node:test";
import { z } from "zod";
import { type CapabilityDefinition, type Context, defineCapability } from "../../../shared/capabilities/capability.ts";
import { type Conversation, createContext } from "../../../shared/capabilities/context.ts";
import { registryOf } from "../../../shared/capabilities/registry.ts";
import { type Calls, failsWith, openCalls } from "./calls.mts";

const LIMIT = 1_000;
const DONE = { output: { done: true }, content: [] };

let calls: Calls;
before(async () => {
  calls = await openCalls();
});
after(() => calls.service.close());
beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

type Work = (context: Context) => Promise<{ done: boolean }> | { done: boolean };

/** Starts a call whose asker gives the answers that the test settles. */
function start(run: Work, change: Partial<CapabilityDefinition> = { timeLimit: LIMIT }) {
  const definition = defineCapability({
    name: "work",
    title: "Work",
    description: "Use this when you test.",
    scopes: "public",
    effect: "write",
    input: z.object({}),
    output: z.object({ done: z.boolean() }),
    run: (_input, context) => run(context),
  });
  const answers: PromiseWithResolvers<void>[] = [];
  const conversation: Conversation = {
    progress: () => {},
    clientLog: () => {},
    releaseConnection: () => {},
    trace: {},
    asker: {
      supports: () => true,
      async put(_key, _request, read) {
        const answer = Promise.withResolvers<void>();
        answers.push(answer);
        await answer.promise;
        return read({ roots: [] });
      },
    },
  };
  const controller = new AbortController();
  const origin = { id: "request-1", signal: controller.signal };
  const [capability] = registryOf([{ capabilities: [{ ...definition, ...change }] }]).catalog.capabilities;
  assert.ok(capability);
  return { call: Promise.resolve(capability.call({}, createContext(calls.service, undefined, origin, conversation))), answers, controller };
}

/** Lets everything go on that waits for nothing but its turn. */
function turn(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}

function never(): Promise<{ done: boolean }> {
  return new Promise(() => {});
}

test("work that ignores its signal is answered in time all the same", async () => {
  const { call } = start(never);
  await turn();
  mock.timers.tick(LIMIT);
  await assert.rejects(call, failsWith("timed_out"));
});

test("work that ends in time is not disturbed, at once or later", async () => {
  assert.deepEqual(await start(() => ({ done: true })).call, DONE);
  const later = Promise.withResolvers<{ done: boolean }>();
  const { call } = start(() => later.promise);
  await turn();
  mock.timers.tick(LIMIT - 1);
  later.resolve({ done: true });
  assert.deepEqual(await call, DONE);
  mock.timers.tick(LIMIT);
});

test("the configured time counts where the capability sets none", async () => {
  const { call } = start(never, {});
  await turn();
  mock.timers.tick(59_999);
  await turn();
  mock.timers.tick(1);
  await assert.rejects(call, failsWith("timed_out"));
});

test("preparing may take no longer either", async () => {
  const { call } = start(() => ({ done: true }), { timeLimit: LIMIT, prepare: never });
  await turn();
  mock.timers.tick(LIMIT);
  await assert.rejects(call, failsWith("timed_out"));
});

test("the signal aborts when the time is up, and is aborted for who looks later", async () => {
  const late = Promise.withResolvers<Context>();
  const { call } = start(async (context) => {
    await once(context.signal, "abort");
    late.resolve(context);
    throw context.signal.reason;
  });
  await turn();
  mock.timers.tick(LIMIT);
  await assert.rejects(call, failsWith("timed_out"));
  assert.ok((await late.promise).signal.aborted);

  let seen: Context | undefined;
  const other = start((context) => {
    seen = context;
    return never();
  });
  await turn();
  mock.timers.tick(LIMIT);
  await assert.rejects(other.call, failsWith("timed_out"));
  assert.ok(seen?.signal.aborted);
});

test("the signal aborts when the request is cancelled, also when it was before", async () => {
  const { call, controller } = start(async ({ signal }) => {
    await once(signal, "abort");
    return { done: signal.reason === "gone" };
  });
  controller.abort("gone");
  assert.deepEqual(await call, DONE);

  const goOn = Promise.withResolvers<void>();
  const other = start(async (context) => {
    await goOn.promise;
    return { done: context.signal.aborted };
  });
  other.controller.abort();
  goOn.resolve();
  assert.deepEqual(await other.call, DONE);
});

test("time spent waiting for answers does not count, and the rest does", async () => {
  const { call, answers } = start(async ({ ask }) => {
    await Promise.all([ask.roots("one"), ask.roots("two")]);
    return never();
  });
  await turn();
  mock.timers.tick(10 * LIMIT);
  answers[0]?.resolve();
  await turn();
  mock.timers.tick(10 * LIMIT);
  answers[1]?.resolve();
  await turn();
  mock.timers.tick(LIMIT);
  await assert.rejects(call, failsWith("timed_out"));
});

test("a question in the middle stops the time that has begun to run", async () => {
  const begin = Promise.withResolvers<void>();
  const { call, answers } = start(async ({ ask }) => {
    await begin.promise;
    await ask.roots("one");
    return { done: true };
  });
  await turn();
  mock.timers.tick(LIMIT - 1);
  begin.resolve();
  await turn();
  mock.timers.tick(LIMIT);
  answers[0]?.resolve();
  assert.deepEqual(await call, DONE);
});

test("what late work throws is nobody's any more", async () => {
  const late = Promise.withResolvers<{ done: boolean }>();
  const { call } = start(() => late.promise);
  await turn();
  mock.timers.tick(LIMIT);
  await assert.rejects(call, failsWith("timed_out"));
  late.reject(new Error("too late"));
  await turn();
});
