import assert from "node:assert/strict";
import { test } from "node:test";
import { type Json, type McpServer, META, MODERN, PREFIX, startMcp } from "./server.mts";

const VERSION = `${PREFIX}protocolVersion`;
const MODERN_HEADERS = { "mcp-protocol-version": MODERN, "mcp-method": "tools/list" };

interface Row {
  readonly input: string;
  readonly body: Json;
  readonly headers?: Readonly<Record<string, string>>;
  /** An era when it is answered with a result. */
  readonly decision: "modern" | "legacy" | { readonly status: number; readonly code: number; readonly data?: Json };
}

function request(method: string, meta?: Json, id: Json = 7): Json {
  return { jsonrpc: "2.0", id, method, params: meta === undefined ? {} : { _meta: meta } };
}

const initialize = {
  jsonrpc: "2.0",
  id: 7,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } },
};

const table: readonly Row[] = [
  { input: "a whole envelope with its headers", body: request("tools/list", META), headers: MODERN_HEADERS, decision: "modern" },
  {
    input: "an envelope without clientInfo",
    body: request("tools/list", { ...META, [`${PREFIX}clientInfo`]: undefined }),
    headers: MODERN_HEADERS,
    decision: "modern",
  },
  {
    input: "an envelope without clientCapabilities",
    body: request("tools/list", { ...META, [`${PREFIX}clientCapabilities`]: undefined }),
    headers: MODERN_HEADERS,
    decision: { status: 400, code: -32602 },
  },
  {
    input: "a malformed envelope without any header",
    body: request("tools/list", { [VERSION]: MODERN }),
    decision: { status: 400, code: -32602 },
  },
  {
    input: "an envelope whose version is not a string",
    body: request("tools/list", { ...META, [VERSION]: 20260728 }),
    headers: MODERN_HEADERS,
    decision: { status: 400, code: -32602 },
  },
  {
    input: "an envelope with a clientInfo that names nobody",
    body: request("tools/list", { ...META, [`${PREFIX}clientInfo`]: {} }),
    headers: MODERN_HEADERS,
    decision: { status: 400, code: -32602 },
  },
  {
    input: "an envelope with an unknown log level",
    body: request("tools/list", { ...META, [`${PREFIX}logLevel`]: "loud" }),
    headers: MODERN_HEADERS,
    decision: { status: 400, code: -32602 },
  },
  { input: "initialize without an envelope", body: initialize, decision: "legacy" },
  {
    input: "initialize without an envelope, with a modern version header",
    body: initialize,
    headers: { "mcp-protocol-version": MODERN },
    decision: { status: 400, code: -32020 },
  },
  {
    input: "initialize with a malformed envelope",
    body: { ...initialize, params: { ...initialize.params, _meta: { [VERSION]: MODERN } } },
    decision: "legacy",
  },
  {
    input: "initialize with a valid envelope",
    body: request("initialize", META),
    headers: { "mcp-protocol-version": MODERN, "mcp-method": "initialize" },
    decision: { status: 404, code: -32601 },
  },
  {
    input: "no envelope, with a modern version header",
    body: request("tools/list"),
    headers: MODERN_HEADERS,
    decision: { status: 400, code: -32602 },
  },
  {
    input: "no params at all, with a modern version header",
    body: { jsonrpc: "2.0", id: 7, method: "tools/list" },
    headers: MODERN_HEADERS,
    decision: { status: 400, code: -32602 },
  },
  {
    input: "a _meta without the version, with a modern version header",
    body: request("tools/list", { ...META, [VERSION]: undefined }),
    headers: MODERN_HEADERS,
    decision: { status: 400, code: -32602 },
  },
  { input: "no envelope and no header", body: request("tools/list"), decision: "legacy" },
  {
    input: "no envelope, with a legacy version header",
    body: request("tools/list"),
    headers: { "mcp-protocol-version": "2025-06-18" },
    decision: "legacy",
  },
  { input: "a _meta that only has a progress token", body: request("tools/list", { progressToken: 1 }), decision: "legacy" },
  {
    input: "no envelope, with an unknown version header",
    body: request("tools/list"),
    headers: { "mcp-protocol-version": "1999-01-01" },
    decision: { status: 400, code: -32600 },
  },
  {
    input: "a _meta that names a legacy version",
    body: request("tools/list", { ...META, [VERSION]: "2025-11-25" }),
    headers: { "mcp-protocol-version": "2025-11-25", "mcp-method": "tools/list" },
    decision: { status: 400, code: -32022, data: { supported: [MODERN], requested: "2025-11-25" } },
  },
  {
    input: "a _meta that names an unknown version",
    body: request("tools/list", { ...META, [VERSION]: "v999" }),
    headers: { "mcp-protocol-version": "v999", "mcp-method": "tools/list" },
    decision: { status: 400, code: -32022, data: { supported: [MODERN], requested: "v999" } },
  },
  {
    input: "a _meta that names an unknown version, with the modern version header",
    body: request("tools/list", { ...META, [VERSION]: "v999" }),
    headers: MODERN_HEADERS,
    decision: { status: 400, code: -32020 },
  },
  {
    input: "an envelope without the version header",
    body: request("tools/list", META),
    headers: { "mcp-method": "tools/list" },
    decision: { status: 400, code: -32020 },
  },
];

test("each kind of request is judged as the decision table says", async (t) => {
  const mcp = await startMcp(t);
  for (const { input, body, headers, decision } of table) {
    await t.test(input, async () => {
      const answer = await mcp.post(body, headers);
      if (typeof decision === "string") {
        assert.equal(answer.status, 200);
        assert.equal("resultType" in answer.body.result, decision === "modern");
        return;
      }
      assert.equal(answer.status, decision.status);
      assert.equal(answer.body.error.code, decision.code);
      assert.deepEqual(answer.body.error.data, decision.data);
      assert.equal(answer.body.id, 7);
    });
  }
});

test("a response that nobody waits for is refused: of a legacy client without a session, and of any modern one", async (t) => {
  const mcp = await startMcp(t);
  const body = { jsonrpc: "2.0", id: 1, result: {} };
  for (const headers of [{}, { "mcp-protocol-version": MODERN }]) {
    const refused = await mcp.post(body, headers);
    assert.deepEqual([refused.status, refused.body.error.code], [400, -32600]);
  }
});

test("a batch of legacy messages is answered in the revision that has batches", async (t) => {
  const mcp = await startMcp(t);
  const ping = { jsonrpc: "2.0", id: "a", method: "ping" };
  const unknown = { jsonrpc: "2.0", id: 2, method: "nothing/here" };
  const notification = { jsonrpc: "2.0", method: "notifications/initialized" };
  for (const headers of [{}, { "mcp-protocol-version": "2025-03-26" }]) {
    const answer = await mcp.post([ping, notification, unknown], headers);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body[0], { jsonrpc: "2.0", id: "a", result: {} });
    assert.deepEqual([answer.body[1].id, answer.body[1].error.code, answer.body.length], [2, -32601, 2]);
  }
});

test("a batch of notifications is accepted without a body", async (t) => {
  const mcp = await startMcp(t);
  const answer = await mcp.post([{ jsonrpc: "2.0", method: "notifications/initialized" }]);
  assert.deepEqual([answer.status, answer.text], [202, ""]);
});

test("a batch is refused whole when anything forbids it", async (t) => {
  const mcp = await startMcp(t);
  const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
  const refusals: readonly [string, readonly unknown[], Readonly<Record<string, string>>?][] = [
    ["it is empty", []],
    ["it has a modern message", [ping, request("tools/list", META)]],
    ["it has an initialize", [ping, initialize]],
    ["it has something that is no message", [ping, 1]],
    ["the revision has no batches", [ping], { "mcp-protocol-version": "2025-06-18" }],
    ["the header is modern", [ping], { "mcp-protocol-version": MODERN }],
    ["it is too long", Array.from({ length: 51 }, () => ping)],
  ];
  for (const [reason, batch, headers] of refusals) {
    const answer = await mcp.post(batch, headers);
    assert.deepEqual([answer.status, answer.body.error.code], [400, -32600], reason);
    assert.equal("id" in answer.body, false, reason);
  }
});

test("what is not a JSON-RPC message is refused, with the id when it can be read and without one when not", async (t) => {
  const mcp: McpServer = await startMcp(t);
  const faults: readonly [Json, number, (string | number)?][] = [
    ["{", -32700],
    [new Uint8Array([0x22, 0xff, 0x22]), -32700],
    ["null", -32600],
    ["1", -32600],
    [{ id: 4, method: "ping" }, -32600, 4],
    [{ jsonrpc: "1.0", id: "x", method: "ping" }, -32600, "x"],
    [{ jsonrpc: "2.0", id: 4, method: 1 }, -32600, 4],
    [{ jsonrpc: "2.0", id: 4, method: "ping", params: [] }, -32600, 4],
    [{ jsonrpc: "2.0", id: null, method: "ping" }, -32600],
    [{ jsonrpc: "2.0", id: 1.5, method: "ping" }, -32600],
    ['{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}', -32600],
    [{ jsonrpc: "2.0", id: 4 }, -32600, 4],
    [{ jsonrpc: "2.0", id: 4, result: {}, error: {} }, -32600, 4],
  ];
  for (const [body, code, id] of faults) {
    const answer = await mcp.post(body);
    assert.deepEqual([answer.status, answer.body.error.code, answer.body.id], [400, code, id], JSON.stringify(body));
    assert.equal("id" in answer.body, id !== undefined, JSON.stringify(body));
  }
});
