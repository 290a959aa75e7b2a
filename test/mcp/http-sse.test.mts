import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { defineCapability } from "../../shared/capabilities/capability.ts";
import { answer } from "../../shared/capabilities/content.ts";
import type { Announcer } from "../../shared/capabilities/offer.ts";
import { type EventReader, openEvents } from "../support/events.mts";
import { type Json, type McpServer, type McpSettings, startMcp } from "./server.mts";

const greets = defineCapability({
  name: "greets",
  title: "Greets",
  description: "Asks for a name and greets.",
  scopes: [],
  effect: "read",
  surfaces: ["mcp"],
  input: z.object({}),
  async run(_input, { ask, progress }) {
    progress(1);
    const given = await ask.form("name", "Who are you?", z.object({ name: z.string() }));
    return answer([{ type: "text", text: given.action === "accept" ? `Hello ${given.content.name}` : given.action }]);
  },
});

interface Line {
  readonly mcp: McpServer;
  readonly events: EventReader;
  readonly endpoint: string;
  readonly announcer: Announcer;
  post(body: Json): Promise<Response>;
}

async function open(t: Parameters<typeof startMcp>[0], settings: McpSettings = {}): Promise<Line> {
  const announcers: Announcer[] = [];
  const provider = {
    start(announcer: Announcer) {
      announcers.push(announcer);
      return { capabilities: [greets] };
    },
  };
  const mcp = await startMcp(t, { ...settings, providers: [provider] });
  const base = mcp.url.replace(/\/mcp$/, "");
  const events = await openEvents(`${base}/sse`);
  const first = await events.next();
  assert.equal(first.event, "endpoint");
  assert.match(first.data, /^\/messages\?sessionId=[\w-]{43}$/);
  const endpoint = base + first.data;
  const [announcer] = announcers;
  assert.ok(announcer);
  const post = (body: Json) =>
    fetch(endpoint, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return { mcp, events, endpoint, announcer, post };
}

const initialize = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2024-11-05", capabilities: { elicitation: {} }, clientInfo: { name: "t", version: "1" } },
};

test("messages are accepted, and answered on the stream", async (t) => {
  const { events, post } = await open(t);
  const accepted = await post(initialize);
  assert.deepEqual([accepted.status, await accepted.text()], [202, ""]);
  const handshake = await events.nextMessage();
  assert.deepEqual([handshake.id, handshake.result.protocolVersion], [0, "2024-11-05"]);
  assert.equal((await post({ jsonrpc: "2.0", method: "notifications/initialized" })).status, 202);
  await post({ jsonrpc: "2.0", id: "a", method: "tools/list" });
  const listed = await events.nextMessage();
  assert.equal(listed.id, "a");
  assert.ok(listed.result.tools.length > 3);
  await post({ jsonrpc: "2.0", id: 2, method: "no/such" });
  assert.equal((await events.nextMessage()).error.code, -32601);
  events.close();
});

test("a call tells its progress, asks, and is answered, all on the one stream", async (t) => {
  const { events, post } = await open(t);
  await post(initialize);
  await events.nextMessage();
  const params = { name: "greets", _meta: { progressToken: 5 } };
  assert.equal((await post({ jsonrpc: "2.0", id: 1, method: "tools/call", params })).status, 202);
  assert.equal((await events.nextMessage()).method, "notifications/progress");
  const question = await events.nextMessage();
  assert.equal(question.method, "elicitation/create");
  await post({ jsonrpc: "2.0", id: question.id, result: { action: "accept", content: { name: "Ada" } } });
  assert.equal((await events.nextMessage()).result.content[0].text, "Hello Ada");
  events.close();
});

test("what is offered changes: the stream says so", async (t) => {
  const { events, post, announcer } = await open(t);
  await post(initialize);
  await events.nextMessage();
  announcer.offer({});
  assert.equal((await events.nextMessage()).method, "notifications/tools/list_changed");
  events.close();
});

test("the session ends with its stream", async (t) => {
  const { mcp, events, post } = await open(t);
  const gone = mcp.disconnection();
  events.close();
  await gone;
  const until = Date.now() + 10_000;
  let status = 202;
  while (status !== 404 && Date.now() < until) status = (await post({ jsonrpc: "2.0", id: 1, method: "ping" })).status;
  assert.equal(status, 404);
});

test("messages need a session that has such a stream, JSON, and the right method", async (t) => {
  const { mcp, endpoint, events } = await open(t);
  const url = new URL(endpoint);
  const json = { "content-type": "application/json" };
  const ping = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
  const { headers } = await mcp.legacy("initialize", initialize.params);
  const streamable = headers.get("mcp-session-id") ?? "";
  for (const [query, status] of [
    ["", 400],
    ["?sessionId=", 404],
    ["?sessionId=nobody", 404],
    [`?sessionId=${streamable}`, 404],
  ] as const) {
    assert.equal((await fetch(`${url.origin}/messages${query}`, { method: "POST", headers: json, body: ping })).status, status, query);
  }
  assert.equal((await fetch(endpoint, { method: "POST", body: ping })).status, 415);
  assert.equal((await fetch(endpoint, { method: "POST", headers: json, body: "{" })).status, 400);
  assert.equal((await fetch(endpoint)).status, 405);
  assert.equal((await fetch(`${url.origin}/sse`, { method: "POST", headers: json, body: ping })).status, 405);
  events.close();
});

test("without a token the challenge names the metadata of the path", async (t) => {
  const mcp = await startMcp(t, { verify: "real" });
  const base = mcp.url.replace(/\/mcp$/, "");
  for (const [path, init] of [
    ["/sse", {}],
    ["/messages?sessionId=x", { method: "POST" }],
  ] as const) {
    const { status, headers } = await fetch(base + path, init);
    assert.equal(status, 401);
    assert.match(headers.get("www-authenticate") ?? "", /oauth-protected-resource\/sse"/);
  }
});
