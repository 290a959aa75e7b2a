import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { z } from "zod";
import { createLoad } from "../../mcp/sessions/load.ts";
import { createOpenStreams } from "../../mcp/streams/open-streams.ts";
import { BearerError } from "../../shared/bearer/bearer-error.ts";
import { createAsk } from "../../shared/capabilities/asking.ts";
import { type CapabilityDefinition, defineCapability } from "../../shared/capabilities/capability.ts";
import { answer } from "../../shared/capabilities/content.ts";
import { defineResourceTemplate } from "../../shared/capabilities/features.ts";
import { rawSchema } from "../../shared/capabilities/raw-schema.ts";
import { openEvents } from "../support/events.mts";
import { type Json, type McpServer, type McpSettings, PREFIX, startMcp } from "./server.mts";

const LEGACY = "2025-11-25";
const BASE = { title: "A tool", description: "Is attacked.", scopes: [], effect: "read", surfaces: ["mcp"] } as const;

/** Waits until it is aborted; `begun` and `aborted` say so. */
function createWaiting() {
  const begun = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const waits = defineCapability({
    ...BASE,
    name: "waits",
    input: z.object({}),
    run(_input, { signal, progress }) {
      const { promise, reject } = Promise.withResolvers<never>();
      signal.addEventListener("abort", () => {
        aborted.resolve();
        reject(signal.reason);
      });
      begun.resolve();
      progress(1);
      return promise;
    },
  });
  return { waits, begun: begun.promise, aborted: aborted.promise };
}

const roots = defineCapability({
  ...BASE,
  name: "roots",
  input: z.object({}),
  run: async (_input, { ask }) => answer([{ type: "text", text: String((await ask.roots("where")).length) }]),
});

function start(
  test: Parameters<typeof startMcp>[0],
  capabilities: readonly CapabilityDefinition[],
  settings: McpSettings = {},
): Promise<McpServer> {
  const resourceTemplates = [defineResourceTemplate({ uriTemplate: "test://any/{name}", name: "any", scopes: [], read: () => "text" })];
  return startMcp(test, { ...settings, providers: [{ start: () => ({ capabilities, resourceTemplates }) }] });
}

async function begin(mcp: McpServer, capabilities: object = { elicitation: {}, roots: {} }): Promise<Record<string, string>> {
  const { headers } = await mcp.legacy("initialize", {
    protocolVersion: LEGACY,
    capabilities,
    clientInfo: { name: "test", version: "1" },
  });
  return { "mcp-session-id": headers.get("mcp-session-id") ?? "", "mcp-protocol-version": LEGACY };
}

function call(name: string, id: number, meta: object = {}): Json {
  return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: {}, _meta: meta } };
}

function stream(mcp: McpServer, headers: Readonly<Record<string, string>>, body: Json) {
  return openEvents(mcp.url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

test("a message of very many values is refused before anything looks at each of them", async (t) => {
  const list = defineCapability({
    ...BASE,
    name: "list",
    input: z.object({ items: z.array(z.string()).describe("Texts.") }),
    run: () => answer([]),
  });
  const mcp = await start(t, [list]);
  for (const items of [Array(200_000).fill(1), Array(100_000).fill({}), Array(60_000).fill([[]])]) {
    const { status, body } = await mcp.modern("tools/call", { name: "list", arguments: { items } });
    assert.equal(status, 400);
    assert.equal(body.error.code, -32600);
    assert.match(body.error.message, /100000 values/);
  }
  const { body } = await mcp.modern("tools/call", { name: "list", arguments: { items: Array(90_000).fill('a,[{"') } });
  assert.equal(body.result.isError, undefined);
});

test("an answer of very many values is none, and its faults are not counted one by one", async () => {
  const asked = (result: unknown) => createAsk({ supports: () => true, put: async (_key, _request, read) => read(result) });
  const refused = { code: "invalid_input", message: "The answer is not valid. where: has more than 5000 values" };
  await assert.rejects(asked({ roots: Array(50_000).fill(1) }).roots("where"), refused);
  const message = { role: "user", model: "m", content: Array(50_000).fill({}) };
  await assert.rejects(asked(message).sample("where", { messages: [], maxTokens: 1 }), refused);
  const many = Array.from({ length: 1_000 }, (_, index) => ({ uri: `file:///${index}` }));
  assert.equal((await asked({ roots: many }).roots("where")).length, 1_000);
});

test("a list whose items must differ is checked in a time that grows with it", () => {
  const { check } = rawSchema({ type: "object", properties: { items: { type: "array", uniqueItems: true } } });
  const items: object[] = Array.from({ length: 30_000 }, (_, index) => ({ index, name: "x" }));
  const startedAt = performance.now();
  assert.equal(check({ items }).success, true);
  assert.ok(performance.now() - startedAt < 2_000);
  assert.equal(check({ items: [...items, { name: "x", index: 7 }] }).success, false);
  assert.equal(check({ items: [1, "1", [1], ["1"], { a: 1 }, { a: "1" }, null, "null", true] }).success, true);
  assert.equal(check({ items: [[{ a: 1, b: 2 }], [{ b: 2, a: 1 }]] }).success, false);
});

test("keys that every object inherits are keys like any other", async (t) => {
  const mcp = await start(t, [roots]);
  const change = { meta: { [`${PREFIX}clientCapabilities`]: { roots: {} } } };
  const sent = (text: string) => JSON.parse(text) as Record<string, unknown>;
  const strange = await mcp.modern("tools/call", { name: "roots", arguments: sent('{"__proto__":{"x":1}}') }, change);
  assert.match(strange.body.result.content[0].text, /__proto__: is not known here/);
  const inputResponses = sent('{"__proto__":{"where":{"roots":[]}},"constructor":{"roots":[]}}');
  const asked = await mcp.modern("tools/call", { name: "roots", arguments: {}, inputResponses }, change);
  assert.deepEqual(Object.keys(asked.body.result.inputRequests), ["where"]);
  for (const name of ["__proto__", "constructor", "toString"]) {
    assert.equal((await mcp.modern("tools/call", { name })).body.error.code, -32602);
    assert.equal((await mcp.modern("prompts/get", { name })).body.error.code, -32602);
    assert.equal((await mcp.modern(name)).body.error.code, -32601);
  }
  assert.equal(({} as Json).where, undefined);
});

test("sessions that begin at the same moment do not pass the bound together", async (t) => {
  const mcp = await start(t, [], { env: { MCP_SESSIONS_PER_SUBJECT: "3" } });
  const { store } = mcp.service;
  // As far away as a database is: none of them looks before all are about to.
  const all = Promise.withResolvers<void>();
  const list = store.list.bind(store);
  let looking = 0;
  t.mock.method(store, "list", async (...given: Parameters<typeof list>) => {
    if (++looking === 40) all.resolve();
    await all.promise;
    return list(...given);
  });
  const sessions = await Promise.all(Array.from({ length: 40 }, () => begin(mcp)));
  const statuses = await Promise.all(sessions.map(async (session) => (await mcp.legacy("ping", {}, session)).status));
  assert.ok(statuses.filter((status) => status === 200).length <= 3);
  assert.equal((await mcp.legacy("ping", {}, await begin(mcp))).status, 200);
});

test("a call whose stream is refused leaves nothing behind that has to be kept up", { timeout: 20_000 }, async (t) => {
  const { waits, begun } = createWaiting();
  const mcp = await start(t, [waits, roots], { env: { MCP_STREAMS_PER_SUBJECT: "1" } });
  const session = await begin(mcp);
  const first = await stream(mcp, session, call("waits", 1, { progressToken: 1 }));
  await begun;
  const streams: string[] = [];
  const create = mcp.service.store.create.bind(mcp.service.store);
  t.mock.method(mcp.service.store, "create", (...given: Parameters<typeof create>) => {
    if (given[0].name === "mcp_stream") streams.push(given[1].id);
    return create(...given);
  });
  const { body } = await mcp.post(call("roots", 2), session);
  assert.match(body.result.content[0].text, /cannot be a stream/);
  assert.equal(streams.length, 1);
  const kept = await mcp.service.store.get({ name: "mcp_stream", codec: z.looseObject({ state: z.string() }) }, { id: streams[0] ?? "" });
  assert.equal(kept?.value.state, "finished");
  await mcp.post({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } }, session);
  await first.rest();
});

test("a question that comes when its call is over takes no place of a stream", { timeout: 20_000 }, async (t) => {
  const careless = defineCapability({
    ...BASE,
    name: "careless",
    input: z.object({}),
    run(_input, { ask }) {
      ask.roots("late").catch(() => {});
      return answer([{ type: "text", text: "done" }]);
    },
  });
  const mcp = await start(t, [careless], { env: { MCP_STREAMS_PER_SUBJECT: "1" } });
  const session = await begin(mcp);
  const { store } = mcp.service;
  const slow = Promise.withResolvers<void>();
  const create = store.create.bind(store);
  t.mock.method(store, "create", async (...given: Parameters<typeof create>) => {
    if (given[0].name === "ask_answer") await slow.promise;
    return create(...given);
  });
  for (let id = 1; id <= 3; id++) assert.equal((await mcp.post(call("careless", id), session)).body.result.content[0].text, "done");
  slow.resolve();
  await nextTurn();
  mcp.service.part(createOpenStreams).reserve("user-1")();
});

test("a person has only so many questions open, however often a client hangs up", { timeout: 20_000 }, async (t) => {
  const mcp = await start(t, [roots]);
  const session = { ...(await begin(mcp)), "mcp-protocol-version": "2025-03-26" };
  const batch = (first: number) => Array.from({ length: 25 }, (_, index) => call("roots", first + index));
  for (let first = 0; first < 100; first += 25) {
    const left = mcp.disconnection();
    (await stream(mcp, session, batch(first))).close();
    await left;
  }
  const { body } = await mcp.post(batch(100), session);
  assert.equal(body.length, 25);
  for (const { result } of body) assert.match(result.content[0].text, /100 questions open already/);
});

test("a legacy call that goes on without its connection ends when its person's access does", { timeout: 20_000 }, async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { waits, begun, aborted } = createWaiting();
  let revoked = false;
  const mcp = await start(t, [waits], {
    verify: async () => {
      if (revoked) throw new BearerError("invalid", "The access was revoked.");
      const now = Math.floor(Date.now() / 1000);
      const scopes = new Set(["openid"]);
      return { subject: "user-1", clientId: "client-1", scopes, grantId: "grant-1", audience: "x", issuedAt: now, expiresAt: now + 600 };
    },
  });
  const headers = { ...(await begin(mcp)), authorization: "Bearer x" };
  const events = await stream(mcp, headers, call("waits", 1, { progressToken: 1 }));
  await begun;
  const left = mcp.disconnection();
  events.close();
  await left;
  revoked = true;
  t.mock.timers.tick(5_000);
  await aborted;
});

test("a session's addresses always fit into its record", async (t) => {
  const mcp = await start(t, []);
  const session = await begin(mcp);
  for (const uri of [`test://any/${"\u0001".repeat(400)}`, `test://any/${"é".repeat(1_500)}`, `test://any/${"x".repeat(2_000)}`]) {
    const { body } = await mcp.legacy("resources/subscribe", { uri }, session);
    assert.equal(body.error.code, -32602);
    assert.match(body.error.message, /2000 bytes/);
  }
  for (let index = 0; index < 100; index++) {
    const uri = `test://any/${"é".repeat(980)}${index}`;
    assert.deepEqual((await mcp.legacy("resources/subscribe", { uri }, session)).body.result, {}, String(index));
  }
});

test("a person has only so many calls under way, and what has ended makes room", { timeout: 20_000 }, async (t) => {
  const { waits, begun } = createWaiting();
  const mcp = await start(t, [waits]);
  const load = mcp.service.part(createLoad);
  load.add("user-1", 499);
  const session = await begin(mcp, {});
  assert.equal((await mcp.legacy("ping", {}, session)).status, 200);
  const events = await stream(mcp, session, call("waits", 1, { progressToken: 1 }));
  await begun;
  const refused = await mcp.legacy("ping", {}, session);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get("retry-after"), "5");
  await mcp.post({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } }, session);
  await events.rest();
  assert.equal((await mcp.legacy("ping", {}, session)).status, 200);
});
