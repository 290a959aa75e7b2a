import assert from "node:assert/strict";
import { test } from "node:test";
import { INSTRUCTIONS } from "../../mcp/methods/lifecycle.ts";
import { VERSION } from "../../shared/version.ts";
import { MODERN, PREFIX, startMcp } from "./server.mts";

const CAPABILITIES = {
  tools: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  prompts: { listChanged: true },
  completions: {},
  logging: {},
};
const SERVER = { name: "portico", title: "Portico", version: VERSION };

test("server/discover tells versions, capabilities and instructions, and names the server in _meta", async (t) => {
  const mcp = await startMcp(t);
  const { status, body } = await mcp.modern("server/discover", {}, { id: "probe" });
  assert.equal(status, 200);
  assert.deepEqual(body, {
    jsonrpc: "2.0",
    id: "probe",
    result: {
      resultType: "complete",
      supportedVersions: [MODERN],
      capabilities: { ...CAPABILITIES, extensions: { [`${PREFIX}tasks`]: {} } },
      instructions: INSTRUCTIONS,
      ttlMs: 60_000,
      cacheScope: "private",
      _meta: { [`${PREFIX}serverInfo`]: SERVER },
    },
  });
});

test("the whole of the instructions fits into what every client shows", () => {
  assert.ok(INSTRUCTIONS.length <= 512);
});

test("initialize agrees to a legacy version it knows and offers the newest one otherwise", async (t) => {
  const mcp = await startMcp(t);
  for (const [asked, given] of [
    ["2025-11-25", "2025-11-25"],
    ["2025-06-18", "2025-06-18"],
    ["2025-03-26", "2025-03-26"],
    ["2024-11-05", "2024-11-05"],
    [MODERN, "2025-11-25"],
    ["1999-01-01", "2025-11-25"],
  ]) {
    const { status, body } = await mcp.legacy("initialize", {
      protocolVersion: asked,
      capabilities: {},
      clientInfo: { name: "t", version: "1" },
    });
    assert.equal(status, 200);
    assert.deepEqual(body.result, {
      protocolVersion: given,
      capabilities: CAPABILITIES,
      serverInfo: SERVER,
      instructions: INSTRUCTIONS,
    });
  }
});

test("initialize without a version is an invalid parameter", async (t) => {
  const mcp = await startMcp(t);
  const { status, body } = await mcp.legacy("initialize", {});
  assert.deepEqual([status, body.error.code], [200, -32602]);
});

test("notifications are accepted with 202 and no body, known or not, in both eras", async (t) => {
  const mcp = await startMcp(t);
  for (const method of ["notifications/initialized", "notifications/cancelled", "notifications/unheard-of", "tools/call"]) {
    const legacy = await mcp.post({ jsonrpc: "2.0", method });
    assert.deepEqual([legacy.status, legacy.text], [202, ""]);
    const modern = await mcp.post({ jsonrpc: "2.0", method }, { "mcp-protocol-version": MODERN });
    assert.deepEqual([modern.status, modern.text], [202, ""]);
  }
});

test("ping answers legacy clients with an empty result", async (t) => {
  const mcp = await startMcp(t);
  const { status, body } = await mcp.legacy("ping");
  assert.deepEqual([status, body], [200, { jsonrpc: "2.0", id: 1, result: {} }]);
});

test("a method that the era does not have is not found: 404 for modern clients, an error in a 200 for legacy ones", async (t) => {
  const mcp = await startMcp(t);
  for (const method of [
    "ping",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
    "no/such",
    "toString",
    "notifications/initialized",
  ]) {
    const { status, body } = await mcp.modern(method);
    assert.deepEqual([status, body.error.code, body.id], [404, -32601, 1], method);
  }
  for (const method of ["server/discover", "subscriptions/listen", "tasks/get", "no/such", "constructor"]) {
    const { status, body } = await mcp.legacy(method);
    assert.deepEqual([status, body.error.code, body.id], [200, -32601, 1], method);
  }
});

const EMPTY_LISTS = [
  ["resources/list", "resources"],
  ["resources/templates/list", "resourceTemplates"],
  ["prompts/list", "prompts"],
] as const;

for (const [method, member] of EMPTY_LISTS) {
  test(`${method} answers an empty list in both eras`, async (t) => {
    const mcp = await startMcp(t);
    const modern = await mcp.modern(method);
    assert.deepEqual(modern.body.result, {
      resultType: "complete",
      [member]: [],
      ttlMs: 60_000,
      cacheScope: "private",
      _meta: { [`${PREFIX}serverInfo`]: SERVER },
    });
    assert.deepEqual((await mcp.legacy(method)).body.result, { [member]: [] });
  });
}

test("reading a resource that is not there gives the code of the era and the uri", async (t) => {
  const mcp = await startMcp(t);
  const modern = await mcp.modern("resources/read", { uri: "test://nothing" });
  assert.deepEqual([modern.status, modern.body.error.code, modern.body.error.data], [200, -32602, { uri: "test://nothing" }]);
  const legacy = await mcp.legacy("resources/read", { uri: "test://nothing" });
  assert.deepEqual([legacy.status, legacy.body.error.code, legacy.body.error.data], [200, -32002, { uri: "test://nothing" }]);
});

test("an unknown prompt, or a request that lacks what it names, has invalid parameters", async (t) => {
  const mcp = await startMcp(t);
  for (const [method, params] of [
    ["prompts/get", { name: "no_such_prompt" }],
    ["prompts/get", {}],
    ["resources/read", {}],
    ["tools/call", {}],
  ] as const) {
    const modern = await mcp.modern(method, params);
    assert.deepEqual([modern.status, modern.body.error.code], [200, -32602], method);
    const legacy = await mcp.legacy(method, params);
    assert.deepEqual([legacy.status, legacy.body.error.code], [200, -32602], method);
  }
});
