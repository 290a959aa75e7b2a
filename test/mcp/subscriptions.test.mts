import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { z } from "zod";
import { legacyNotificationOf } from "../../mcp/methods/subscriptions.ts";
import { NO_FEATURES } from "../../mcp/protocol/client-features.ts";
import { McpError, type McpFault } from "../../mcp/protocol/errors.ts";
import { type CapabilityDefinition, CapabilityError } from "../../shared/capabilities/capability.ts";
import type { Pack } from "../../shared/capabilities/offer.ts";
import { type CallSettings, callerOf, type Methods, sessionOf, startMethods } from "./calls.mts";
import { type Json, META, MODERN, startMcp } from "./server.mts";

const ID = "io.modelcontextprotocol/subscriptionId";

const PACK: Pack = {
  resources: [
    { uri: "test://watched", name: "watched", scopes: [], read: () => "" },
    { uri: "test://secret", name: "secret", scopes: ["todos:write"], read: () => "" },
  ],
  resourceTemplates: [{ uriTemplate: "test://item/{id}", name: "item", scopes: [], read: () => "" }],
};

const EXTRA: Pack = {
  ...PACK,
  prompts: [{ name: "extra", description: "Extra.", scopes: [], get: () => [] }],
};

function fault(expected: McpFault, words = /./) {
  return (error: unknown) => error instanceof McpError && error.fault === expected && words.test(error.message);
}

interface Listening {
  /** The messages so far. */
  readonly heard: Json[];
  /** Resolves when there are so many messages. */
  until(count: number): Promise<void>;
  /** Ends the stream in good order; the result. */
  end(): Promise<Json>;
  /** The client goes. */
  leave(): Promise<Json>;
}

function listen(methods: Methods, notifications: unknown, settings: CallSettings = {}): Listening {
  const heard: Json[] = [];
  const [ending, leaving, more] = [new AbortController(), new AbortController(), new EventTarget()];
  const onNotify = (method: string, params: Json) => {
    heard.push({ method, ...params });
    more.dispatchEvent(new Event("more"));
  };
  const given = { params: { notifications }, ending: ending.signal, signal: leaving.signal, onNotify, ...settings };
  const result = methods.call("subscriptions/listen", given);
  const finish = (controller: AbortController) => {
    controller.abort();
    return result;
  };
  return {
    heard,
    async until(count) {
      while (heard.length < count) await Promise.race([once(more, "more"), result]);
    },
    end: () => finish(ending),
    leave: () => finish(leaving),
  };
}

test("a stream begins with what it will tell, tells that and no more, and ends with a result, all under the request's id", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const filter = { promptsListChanged: true, toolsListChanged: false, resourceSubscriptions: ["test://watched", "test://item/1"] };
  const stream = listen(methods, { ...filter, somethingNew: true });
  await stream.until(1);
  assert.deepEqual(stream.heard[0], {
    method: "notifications/subscriptions/acknowledged",
    notifications: { promptsListChanged: true, resourceSubscriptions: ["test://watched", "test://item/1"] },
    _meta: { [ID]: 7 },
  });

  methods.announcer.updated("test://item/2");
  methods.announcer.offer({ ...EXTRA, capabilities: [] });
  methods.announcer.updated("test://watched");
  methods.announcer.updated("test://item/1");
  await stream.until(4);
  assert.deepEqual(stream.heard.slice(1), [
    { method: "notifications/prompts/list_changed", _meta: { [ID]: 7 } },
    { method: "notifications/resources/updated", uri: "test://watched", _meta: { [ID]: 7 } },
    { method: "notifications/resources/updated", uri: "test://item/1", _meta: { [ID]: 7 } },
  ]);

  const result = await stream.end();
  assert.deepEqual([result.resultType, result._meta[ID]], ["complete", 7]);
  assert.ok(result._meta["io.modelcontextprotocol/serverInfo"]);
});

test("after the stream is over nothing is told any more, also when the client went", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const watching = listen(methods, { promptsListChanged: true });
  const gone = listen(methods, { promptsListChanged: true });
  await Promise.all([watching.until(1), gone.until(1)]);
  await gone.leave();
  methods.announcer.offer(EXTRA);
  await watching.until(2);
  assert.equal(gone.heard.length, 1);
  await watching.end();
  const already = listen(methods, {}, { ending: AbortSignal.abort() });
  assert.equal((await already.end()).resultType, "complete");
});

test("what changes while the stream begins is told", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const offer = () => methods.announcer.offer(EXTRA);
  const heard: string[] = [];
  const ending = new AbortController();
  await methods.call("subscriptions/listen", {
    params: { notifications: { promptsListChanged: true } },
    ending: ending.signal,
    onNotify(method) {
      heard.push(method);
      if (method === "notifications/subscriptions/acknowledged") offer();
      else ending.abort();
    },
  });
  assert.deepEqual(heard, ["notifications/subscriptions/acknowledged", "notifications/prompts/list_changed"]);
});

test("what is named twice is told once, and what is not there is not promised", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const stream = listen(methods, {
    resourceSubscriptions: ["test://watched", "test://watched", "test://nothing"],
    taskIds: ["no-such-task"],
  });
  await stream.until(1);
  assert.deepEqual(stream.heard[0].notifications, { resourceSubscriptions: ["test://watched"], taskIds: [] });
  methods.announcer.updated("test://watched");
  methods.announcer.updated("test://watched");
  await stream.until(3);
  assert.equal(stream.heard.length, 3);
  await stream.end();
});

test("a filter that is malformed or asks too much has invalid parameters", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  for (const notifications of [
    undefined,
    null,
    [],
    "all",
    { toolsListChanged: "yes" },
    { promptsListChanged: null },
    { resourceSubscriptions: "test://watched" },
    { resourceSubscriptions: [1] },
    { taskIds: {} },
    { resourceSubscriptions: Array.from({ length: 101 }, (_, index) => `test://item/${index}`) },
    { taskIds: Array.from({ length: 101 }, (_, index) => `${index}`) },
    { resourceSubscriptions: [`test://item/${"x".repeat(2_000)}`] },
  ]) {
    await assert.rejects(methods.call("subscriptions/listen", { params: { notifications } }), fault("invalid_params"));
  }
});

test("tasks are told to clients that know tasks, and resources to those who may read them", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const asked = (notifications: object, settings: CallSettings) =>
    methods.call("subscriptions/listen", { params: { notifications }, ...settings });
  await assert.rejects(
    asked({ taskIds: ["x"] }, { client: NO_FEATURES }),
    (error: unknown) =>
      fault("missing_capability")(error) &&
      JSON.stringify((error as McpError).data) === '{"requiredCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}',
  );
  await assert.rejects(
    asked({ resourceSubscriptions: ["test://secret"] }, { caller: callerOf("user-1", "client-1", []) }),
    (error: unknown) => error instanceof CapabilityError && error.code === "insufficient_scope",
  );
  await assert.rejects(
    asked({ resourceSubscriptions: ["test://watched"] }, { caller: null }),
    (error: unknown) => error instanceof CapabilityError && error.code === "unauthenticated",
  );
});

test("a task's state is told at the start and at every change, to its owner only", async (t) => {
  const release = Promise.withResolvers<void>();
  const slow: CapabilityDefinition = {
    name: "slow",
    title: "Slow",
    description: "Use this in a test.",
    scopes: [],
    effect: "write",
    surfaces: ["mcp"],
    longRunning: { task: "required" },
    input: z.object({}),
    output: z.object({ done: z.boolean() }),
    async run() {
      await release.promise;
      return { done: true };
    },
  };
  const methods = await startMethods(t, { pack: { capabilities: [slow] } });
  const { taskId, resultType } = await methods.call("tools/call", { params: { name: "slow" } });
  assert.equal(resultType, "task");

  const others = listen(methods, { taskIds: [taskId], toolsListChanged: true }, { caller: callerOf("user-2") });
  const own = listen(methods, { taskIds: [taskId, taskId] });
  await Promise.all([own.until(2), others.until(1)]);
  assert.deepEqual(others.heard[0].notifications, { taskIds: [], toolsListChanged: true });
  assert.deepEqual(own.heard[0].notifications, { taskIds: [taskId] });
  const { method, status, _meta, taskId: told } = own.heard[1];
  assert.deepEqual([method, told, status, _meta], ["notifications/tasks", taskId, "working", { [ID]: 7 }]);

  release.resolve();
  await own.until(3);
  assert.deepEqual([own.heard[2].status, own.heard[2].result.structuredContent], ["completed", { done: true }]);
  const { _meta: _tag, method: _method, ...state } = own.heard[2];
  const { _meta: _server, resultType: _type, ...polled } = await methods.call("tasks/get", { params: { taskId } });
  assert.deepEqual(state, polled);

  methods.announcer.offer({});
  await others.until(2);
  assert.deepEqual(
    others.heard.slice(1).map((one) => one.method),
    ["notifications/tools/list_changed"],
  );
  await Promise.all([own.end(), others.end()]);
});

test("a legacy session subscribes to resources that it may read, up to a limit, and unsubscribes from any", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const session = sessionOf();
  const send = (method: string, uri: unknown, change: CallSettings = {}) =>
    methods.call(method, { era: "legacy", params: { uri }, session, ...change });
  assert.deepEqual(await send("resources/subscribe", "test://watched"), {});
  assert.deepEqual(await send("resources/subscribe", "test://watched"), {});
  assert.deepEqual(session.now().subscriptions, ["test://watched"]);

  for (const uri of [undefined, 5, "x".repeat(2_001)]) await assert.rejects(send("resources/subscribe", uri), fault("invalid_params"));
  await assert.rejects(send("resources/subscribe", "test://nothing"), fault("resource_not_found"));
  await assert.rejects(
    send("resources/subscribe", "test://secret", { caller: callerOf("user-1", "client-1", []) }),
    (error: unknown) => error instanceof CapabilityError && error.code === "insufficient_scope",
  );
  for (let index = 1; index < 100; index++) await send("resources/subscribe", `test://item/${index}`);
  await assert.rejects(send("resources/subscribe", "test://item/100"), fault("invalid_params", /100/));

  assert.deepEqual(await send("resources/unsubscribe", "test://item/5"), {});
  assert.deepEqual(await send("resources/unsubscribe", "test://never-there"), {});
  assert.equal(session.now().subscriptions.length, 99);
  for (const method of ["resources/subscribe", "resources/unsubscribe"]) {
    await assert.rejects(methods.call(method, { era: "legacy", params: { uri: "test://watched" } }), fault("session_needed"));
  }
});

test("a legacy stream carries list changes and the resources that its session subscribed to", () => {
  const session = sessionOf({ subscriptions: ["test://watched"] });
  for (const topic of ["tools", "prompts", "resources"] as const) {
    assert.deepEqual(legacyNotificationOf({ topic }, session), { method: `notifications/${topic}/list_changed`, params: {} });
  }
  assert.deepEqual(legacyNotificationOf({ topic: "resource", uri: "test://watched" }, session), {
    method: "notifications/resources/updated",
    params: { uri: "test://watched" },
  });
  assert.equal(legacyNotificationOf({ topic: "resource", uri: "test://other" }, session), undefined);
  assert.equal(legacyNotificationOf({ topic: "task", owner: "user-1", id: "x" }, session), undefined);
});

test("over HTTP the subscription is an event stream that ends with its result when the service stops", { timeout: 20_000 }, async (t) => {
  const mcp = await startMcp(t, { providers: [{ start: () => PACK }] });
  const params = { notifications: { resourceSubscriptions: ["test://watched"] }, _meta: META };
  const response = await fetch(mcp.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": MODERN,
      "mcp-method": "subscriptions/listen",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: "sub", method: "subscriptions/listen", params }),
  });
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  let text = "";
  for await (const piece of response.body ?? []) {
    text += Buffer.from(piece).toString();
    if (text.includes("acknowledged")) mcp.service.stop();
  }
  const messages = text.split("\n").flatMap((line) => (line.startsWith("data: {") ? [JSON.parse(line.slice(6))] : []));
  assert.deepEqual(
    messages.map(({ method, result }) => method ?? result.resultType),
    ["notifications/subscriptions/acknowledged", "complete"],
  );
  assert.deepEqual([messages[1].id, messages[1].result._meta[ID]], ["sub", "sub"]);
});
