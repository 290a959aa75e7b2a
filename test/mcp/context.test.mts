import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { CapabilityDefinition, Context } from "../../shared/capabilities/capability.ts";
import { createClock, SECOND } from "../support/clock.mts";
import { type CallSettings, type Methods, sessionOf, startMethods } from "./calls.mts";
import type { Json } from "./server.mts";

const LOG_LEVEL = "io.modelcontextprotocol/logLevel";

/** Starts the methods with a tool that does this with its context. */
async function startWith(t: Parameters<typeof startMethods>[0], use: (context: Context) => unknown, clock = createClock()) {
  const tool: CapabilityDefinition = {
    name: "tool",
    title: "A test",
    description: "Use this in a test.",
    scopes: [],
    effect: "read",
    input: z.object({}),
    output: z.object({}),
    async run(_input, context) {
      await use(context);
      return {};
    },
  };
  return startMethods(t, { pack: { capabilities: [tool] }, clock });
}

/** The notifications of a call. */
async function told(methods: Methods, settings: CallSettings): Promise<Json[]> {
  const notifications: Json[] = [];
  const onNotify = (method: string, params: Json) => void notifications.push({ method, ...params });
  await methods.call("tools/call", { params: { name: "tool" }, onNotify, ...settings });
  return notifications;
}

test("progress goes to a client that gave a token, and only what increases", async (t) => {
  const methods = await startWith(t, ({ progress }) => {
    for (const step of [1, 1, 0.5, 2, Number.NaN, Number.POSITIVE_INFINITY]) progress(step, 10, "going");
  });
  for (const progressToken of ["abc", 5, 0]) {
    for (const era of ["modern", "legacy"] as const) {
      const expected = [1, 2].map((progress) => ({
        method: "notifications/progress",
        progressToken,
        progress,
        total: 10,
        message: "going",
      }));
      assert.deepEqual(await told(methods, { era, meta: { progressToken } }), expected);
    }
  }
  for (const meta of [{}, { progressToken: null }, { progressToken: 1.5 }, { progressToken: {} }]) {
    assert.deepEqual(await told(methods, { meta }), []);
  }
  assert.deepEqual(await told(methods, {}), []);
});

test("nothing is told once the call is over", async (t) => {
  let late: Context | undefined;
  const methods = await startWith(t, (context) => {
    late = context;
    context.progress(1);
  });
  const notifications = await told(methods, { meta: { progressToken: 1, [LOG_LEVEL]: "debug" } });
  late?.progress(2);
  late?.clientLog("error", "too late");
  assert.equal(notifications.length, 1);
});

test("a modern client is told of what is as severe as its request asks, and of nothing when it does not ask", async (t) => {
  const methods = await startWith(t, ({ clientLog }) => {
    clientLog("debug", "a");
    clientLog("info", { b: 1 }, "logger");
    clientLog("emergency", undefined);
  });
  assert.deepEqual(await told(methods, { meta: {} }), []);
  assert.deepEqual(await told(methods, { session: sessionOf({ logSeverity: "debug" }) }), []);
  assert.deepEqual(await told(methods, { meta: { [LOG_LEVEL]: "info" } }), [
    { method: "notifications/message", level: "info", logger: "logger", data: { b: 1 } },
    { method: "notifications/message", level: "emergency", data: null },
  ]);
  assert.equal((await told(methods, { meta: { [LOG_LEVEL]: "debug" } })).length, 3);
  assert.equal((await told(methods, { meta: { [LOG_LEVEL]: "emergency" } })).length, 1);
});

test("a legacy session is told of what is as severe as it set, of info and above before it did; without one there is nothing", async (t) => {
  const methods = await startWith(t, ({ clientLog }) => {
    clientLog("debug", "a");
    clientLog("info", "b");
    clientLog("error", "c");
  });
  const levels = async (settings: CallSettings) => (await told(methods, { era: "legacy", ...settings })).map(({ level }) => level);
  assert.deepEqual(await levels({}), []);
  assert.deepEqual(await levels({ meta: { [LOG_LEVEL]: "debug" } }), []);
  assert.deepEqual(await levels({ session: sessionOf() }), ["info", "error"]);
  assert.deepEqual(await levels({ session: sessionOf({ logSeverity: "debug" }) }), ["debug", "info", "error"]);
  assert.deepEqual(await levels({ session: sessionOf({ logSeverity: "error" }) }), ["error"]);
});

test("a call that floods its client is told of in part, and in time of more", async (t) => {
  const clock = createClock();
  const methods = await startWith(
    t,
    ({ progress, clientLog }) => {
      for (let step = 0; step < 500; step++) {
        progress(step);
        clientLog("info", step);
      }
      clock.advance(SECOND);
      for (let step = 500; step < 1_000; step++) {
        progress(step);
        clientLog("info", step);
      }
    },
    clock,
  );
  const notifications = await told(methods, { meta: { progressToken: 1, [LOG_LEVEL]: "info" } });
  const count = (wanted: string) => notifications.filter(({ method }) => method === wanted).length;
  assert.deepEqual([count("notifications/progress"), count("notifications/message")], [220, 60]);
});

test("trace keys are handed on when they are text of a sane length", async (t) => {
  const traces: Json[] = [];
  const methods = await startWith(t, ({ trace }) => void traces.push(trace));
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  for (const meta of [
    { traceparent, tracestate: "a=b", baggage: "user=1" },
    { traceparent: 5, tracestate: "x".repeat(513), baggage: "a\r\nb" },
    undefined,
  ]) {
    await told(methods, meta ? { meta } : {});
  }
  assert.deepEqual(traces, [{ traceparent, tracestate: "a=b", baggage: "user=1" }, {}, {}]);
});
