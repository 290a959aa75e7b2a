import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { type CapabilityDefinition, defineCapability } from "../../shared/capabilities/capability.ts";
import { answer } from "../../shared/capabilities/content.ts";
import { defineResource } from "../../shared/capabilities/features.ts";
import type { Announcer, Provider } from "../../shared/capabilities/offer.ts";
import type { Service } from "../../shared/service.ts";
import { type EventReader, openEvents } from "../support/events.mts";
import { type Answer, type Json, type McpServer, type McpSettings, startMcp } from "./server.mts";

const LEGACY = "2025-11-25";

/** Gates that tests open, so that a call is where they want it. */
function createGate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}

interface Bench extends McpServer {
  readonly announcer: Announcer;
  readonly begun: ReturnType<typeof createGate>;
  readonly go: ReturnType<typeof createGate>;
  readonly aborted: ReturnType<typeof createGate>;
}

/** A server with a call that waits, one that asks, and a resource that changes. */
async function startBench(t: Parameters<typeof startMcp>[0], settings: McpSettings = {}): Promise<Bench> {
  const begun = createGate();
  const go = createGate();
  const aborted = createGate();
  const base = { scopes: [], effect: "read", input: z.object({}), surfaces: ["mcp"] } as const;
  const waits = defineCapability({
    ...base,
    name: "waits",
    title: "Waits",
    description: "Waits until it may go on.",
    async run(_input, { progress, signal }) {
      begun.open();
      progress(1, 2, "half");
      signal.addEventListener("abort", () => aborted.open());
      await Promise.race([go.passed, new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))]);
      return answer([{ type: "text", text: "done" }]);
    },
  });
  const asks = defineCapability({
    ...base,
    name: "asks",
    title: "Asks",
    description: "Asks for a name.",
    async run(_input, { ask }) {
      const given = await ask.form("name", "Who are you?", z.object({ name: z.string() }));
      return answer([{ type: "text", text: given.action === "accept" ? `Hello ${given.content.name}` : given.action }]);
    },
  });
  let announcer: Announcer | undefined;
  const provider: Provider = {
    start(given) {
      announcer = given;
      return {
        capabilities: [waits, asks] as readonly CapabilityDefinition[],
        resources: [defineResource({ uri: "test://watched", name: "watched", scopes: [], read: () => "text" })],
      };
    },
  };
  const mcp = await startMcp(t, { ...settings, providers: [provider] });
  assert.ok(announcer);
  return { ...mcp, announcer, begun, go, aborted };
}

async function begin(mcp: McpServer, capabilities: object = { elicitation: {} }): Promise<Record<string, string>> {
  const params = { protocolVersion: LEGACY, capabilities, clientInfo: { name: "test", version: "1" } };
  const { headers, body } = await mcp.legacy("initialize", params);
  assert.equal(body.result.protocolVersion, LEGACY);
  const id = headers.get("mcp-session-id") ?? "";
  assert.match(id, /^[\x21-\x7e]{20,}$/);
  const session = { "mcp-session-id": id, "mcp-protocol-version": LEGACY };
  assert.equal((await mcp.post({ jsonrpc: "2.0", method: "notifications/initialized" }, session)).status, 202);
  return session;
}

function stream(mcp: McpServer, session: Record<string, string>, body?: Json, headers: Record<string, string> = {}): Promise<EventReader> {
  return openEvents(mcp.url, {
    method: body ? "POST" : "GET",
    headers: { "content-type": "application/json", ...session, ...headers },
    body: body ? JSON.stringify(body) : null,
  });
}

function call(name: string, id = 7, meta: object = {}) {
  return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: {}, _meta: meta } };
}

test("a session is named by its first reply, used, ended, and then gone", async (t) => {
  const mcp = await startBench(t);
  const session = await begin(mcp);
  assert.equal((await mcp.legacy("tools/list", {}, session)).status, 200);
  assert.equal((await mcp.request("DELETE", session)).status, 204);
  for (const after of [
    await mcp.legacy("tools/list", {}, session),
    await mcp.request("DELETE", session),
    await mcp.request("GET", session),
    await mcp.post({ jsonrpc: "2.0", method: "notifications/initialized" }, session),
  ]) {
    assert.equal(after.status, 404);
    assert.equal(after.body.error.code, -32600);
  }
});

test("a GET or DELETE without a session, or with one that never was, is told so", async (t) => {
  const mcp = await startBench(t);
  for (const method of ["GET", "DELETE"]) {
    assert.equal((await mcp.request(method)).status, 400, method);
    assert.equal((await mcp.request(method, { "mcp-session-id": "x".repeat(43) })).status, 404, method);
  }
});

test("a session is its subject's and its client's alone", async (t) => {
  let who = { subject: "user-1", clientId: "client-1" };
  const verify: Service["bearer"]["verify"] = async () => ({
    ...who,
    scopes: new Set<string>(),
    grantId: "g",
    audience: "http://localhost:4000/mcp",
    issuedAt: 1,
    expiresAt: 2 ** 40,
  });
  const mcp = await startBench(t, { verify });
  const session = await begin(mcp);
  for (const other of [
    { subject: "user-2", clientId: "client-1" },
    { subject: "user-1", clientId: "client-2" },
  ]) {
    who = other;
    assert.equal((await mcp.legacy("tools/list", {}, session)).status, 404);
    assert.equal((await mcp.request("DELETE", session)).status, 404);
  }
  who = { subject: "user-1", clientId: "client-1" };
  assert.equal((await mcp.legacy("tools/list", {}, session)).status, 200);
});

test("who begins too many sessions loses the oldest", async (t) => {
  let now = 1_900_000_000_000;
  const mcp = await startBench(t, { env: { MCP_SESSIONS_PER_SUBJECT: "2" }, clock: () => now++ });
  const [first, second, third] = [await begin(mcp), await begin(mcp), await begin(mcp)];
  const statuses: number[] = [];
  for (const session of [first, second, third]) statuses.push((await mcp.legacy("ping", {}, session)).status);
  assert.deepEqual(statuses, [404, 200, 200]);
});

test("the stream of a session that made room for another ends", async (t) => {
  const mcp = await startBench(t, { env: { MCP_SESSIONS_PER_SUBJECT: "1" } });
  const events = await stream(mcp, await begin(mcp));
  await begin(mcp);
  assert.ok((await events.rest()).every(({ data }) => data === ""));
});

test("at the origin, where a GET shows a page to people, a call's stream promises no way back to it", async (t) => {
  const mcp = await startBench(t);
  const session = await begin(mcp);
  const origin = { ...mcp, url: new URL("/", mcp.url).href };
  const events = await stream(origin, session, call("waits", 7, { progressToken: "p" }));
  await mcp.begun.passed;
  mcp.go.open();
  const all = await events.rest();
  assert.deepEqual(
    all.map(({ id, retry, data }) => [id, retry, JSON.parse(data).method ?? "result"]),
    [
      [undefined, undefined, "notifications/progress"],
      [undefined, undefined, "result"],
    ],
  );
  assert.equal((await fetch(origin.url, { method: "DELETE", headers: session })).status, 204);
  assert.equal((await mcp.legacy("ping", {}, session)).status, 404);
});

test("a session that is not used ends, one that is used does not", async (t) => {
  let now = 1_900_000_000_000;
  const mcp = await startBench(t, { env: { MCP_SESSION_IDLE: "3600" }, clock: () => now });
  const [used, idle] = [await begin(mcp), await begin(mcp)];
  now += 2_000_000;
  assert.equal((await mcp.legacy("ping", {}, used)).status, 200);
  now += 2_000_000;
  assert.equal((await mcp.legacy("ping", {}, used)).status, 200);
  assert.equal((await mcp.legacy("ping", {}, idle)).status, 404);
});

test("a call that says something before it is done is a stream, primed and with ids", async (t) => {
  const mcp = await startBench(t);
  const session = await begin(mcp);
  const events = await stream(mcp, session, call("waits", 7, { progressToken: "p" }));
  const priming = await events.next();
  assert.equal(priming.data, "");
  assert.ok(priming.id && priming.retry);
  const progress = await events.next();
  assert.ok(progress.id && progress.id !== priming.id);
  assert.deepEqual(JSON.parse(progress.data).params, { progressToken: "p", progress: 1, total: 2, message: "half" });
  mcp.go.open();
  const [last, ...more] = await events.rest();
  assert.equal(JSON.parse(last?.data ?? "").result.content[0].text, "done");
  assert.deepEqual(more, []);
  assert.equal(events.response.headers.get("x-accel-buffering"), "no");
});

test("a connection that breaks cancels nothing: the client goes on after the last event it has", async (t) => {
  const mcp = await startBench(t);
  const session = await begin(mcp);
  const events = await stream(mcp, session, call("waits", 7, { progressToken: "p" }));
  const priming = await events.next();
  const progress = await events.next();
  const gone = mcp.disconnection();
  events.close();
  await gone;
  mcp.go.open();
  const resumed = await stream(mcp, session, undefined, { "last-event-id": progress.id ?? "" });
  assert.equal((await resumed.nextMessage()).result.content[0].text, "done");
  assert.deepEqual(await resumed.rest(), []);
  const again = await stream(mcp, session, undefined, { "last-event-id": priming.id ?? "" });
  assert.deepEqual((await again.rest()).length, 2);
});

test("another session's events, and those that never were, cannot be resumed", async (t) => {
  const mcp = await startBench(t);
  const [mine, other] = [await begin(mcp), await begin(mcp)];
  const events = await stream(mcp, mine, call("waits", 7, { progressToken: "p" }));
  const { id = "" } = await events.next();
  for (const [session, lastEventId] of [
    [other, id],
    [mine, `${id}9`],
    [mine, "nonsense"],
  ] as const) {
    const { status, body } = await mcp.request("GET", { ...session, "last-event-id": lastEventId });
    assert.deepEqual([status, body.error.code], [400, -32600]);
  }
  mcp.go.open();
});

test("notifications/cancelled stops a call of the session, and nothing is answered", async (t) => {
  const mcp = await startBench(t);
  const session = await begin(mcp);
  const events = await stream(mcp, session, call("waits", 7, { progressToken: "p" }));
  await mcp.begun.passed;
  const cancel = (requestId: Json) => mcp.post({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId } }, session);
  for (const unknown of ["7", 8, null, {}]) assert.equal((await cancel(unknown)).status, 202);
  assert.equal((await cancel(7)).status, 202);
  await mcp.aborted.passed;
  const messages = (await events.rest()).filter(({ data }) => data !== "").map(({ data }) => JSON.parse(data));
  assert.ok(messages.every((message) => !("result" in message) && !("error" in message)));
});

test("a question goes out on the call's stream, and its answer comes by another POST", async (t) => {
  const mcp = await startBench(t);
  const session = await begin(mcp);
  const events = await stream(mcp, session, call("asks"));
  const question = await events.nextMessage();
  assert.equal(question.method, "elicitation/create");
  const respond = (id: Json, headers: Record<string, string>): Promise<Answer> =>
    mcp.post({ jsonrpc: "2.0", id, result: { action: "accept", content: { name: "Ada" } } }, headers);
  assert.equal((await respond("another", session)).status, 400);
  assert.equal((await respond(question.id, await begin(mcp))).status, 400);
  assert.equal((await respond(question.id, session)).status, 202);
  assert.equal((await events.nextMessage()).result.content[0].text, "Hello Ada");
  assert.deepEqual(await events.rest(), []);
});

test("who cannot be asked gets a failure that says so", async (t) => {
  const mcp = await startBench(t);
  const { body } = await mcp.post(call("asks"), await begin(mcp, {}));
  assert.equal(body.result.isError, true);
  const stateless = await mcp.post(call("asks"), { "mcp-protocol-version": LEGACY });
  assert.equal(stateless.body.result.isError, true);
  const session = await begin(mcp);
  const jsonOnly = await mcp.post(call("asks"), { ...session, accept: "application/json" });
  assert.equal(jsonOnly.body.result.isError, true);
});

test("the stream of a GET carries what changes, and only to the newest", async (t) => {
  const mcp = await startBench(t);
  const session = await begin(mcp);
  const older = await stream(mcp, session);
  const newer = await stream(mcp, session);
  assert.deepEqual(
    (await older.rest()).filter(({ data }) => data !== ""),
    [],
  );
  assert.equal((await mcp.legacy("resources/subscribe", { uri: "test://watched" }, session)).status, 200);
  mcp.announcer.updated("test://watched");
  mcp.announcer.offer({});
  const changes = [await newer.nextMessage(), await newer.nextMessage(), await newer.nextMessage()].map(({ method }) => method).sort();
  assert.deepEqual(changes, [
    "notifications/resources/list_changed",
    "notifications/resources/updated",
    "notifications/tools/list_changed",
  ]);
  newer.close();
});

test("what changed while a stream was away is told when it comes back", async (t) => {
  const mcp = await startBench(t);
  const session = await begin(mcp);
  const events = await stream(mcp, session);
  const { id = "" } = await events.next();
  events.close();
  mcp.announcer.offer({ prompts: [] });
  const resumed = await stream(mcp, session, undefined, { "last-event-id": id });
  assert.match((await resumed.nextMessage()).method, /list_changed$/);
  resumed.close();
});

test("a session that is deleted ends its stream", async (t) => {
  const mcp = await startBench(t);
  const session = await begin(mcp);
  const events = await stream(mcp, session);
  assert.equal((await mcp.request("DELETE", session)).status, 204);
  assert.ok((await events.rest()).every(({ data }) => data === ""));
});

test("streams end in good order when the service stops", async (t) => {
  const mcp = await startBench(t);
  const session = await begin(mcp);
  const events = await stream(mcp, session);
  mcp.service.stop();
  assert.ok((await events.rest()).every(({ data }) => data === ""));
});

test("a stream too many is refused with a time to come back", async (t) => {
  const mcp = await startBench(t, { env: { MCP_STREAMS_PER_SUBJECT: "1" } });
  const session = await begin(mcp);
  const events = await stream(mcp, session);
  const { status, headers, body } = await mcp.request("GET", await begin(mcp));
  assert.equal(status, 429);
  assert.ok(Number(headers.get("retry-after")) > 0);
  assert.equal(typeof body.error, "string");
  events.close();
});

test("a call whose stream would be one too many is answered without it", async (t) => {
  const mcp = await startBench(t, { env: { MCP_STREAMS_PER_SUBJECT: "1" } });
  const session = await begin(mcp);
  const events = await stream(mcp, session);
  const answered = mcp.post(call("waits", 7, { progressToken: "p" }), session);
  await mcp.begun.passed;
  mcp.go.open();
  assert.equal((await answered).body.result.content[0].text, "done");
  events.close();
});

test("a body that is nested too deeply is refused before it is read", async (t) => {
  const mcp = await startBench(t, { env: { MCP_JSON_DEPTH: "16" } });
  const nested = (depth: number) => `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${"[".repeat(depth)}${"]".repeat(depth)}}}`;
  assert.equal((await mcp.post(nested(14))).status, 200);
  const { status, body } = await mcp.post(nested(15));
  assert.deepEqual([status, body.error.code], [400, -32600]);
  assert.equal((await mcp.post(nested(100_000))).status, 400);
  assert.equal((await mcp.post({ jsonrpc: "2.0", id: 1, method: "ping", params: { a: `\\"${"[{".repeat(50)}` } })).status, 200);
});

test("a batch has at most as many messages as configured", async (t) => {
  const mcp = await startBench(t, { env: { MCP_BATCH_LIMIT: "3" } });
  const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
  assert.equal((await mcp.post([ping, ping, ping])).status, 200);
  assert.equal((await mcp.post([ping, ping, ping, ping])).status, 400);
});
