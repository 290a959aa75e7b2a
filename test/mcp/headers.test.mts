import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { decodeValue } from "../../mcp/protocol/headers.ts";
import { META, MODERN, startMcp } from "./server.mts";

const CALL = { name: "health_check", arguments: {} };

test("a modern request whose headers contradict or omit what the body says is refused with a header mismatch", async (t) => {
  const mcp = await startMcp(t);
  const spoiled: readonly Readonly<Record<string, string | undefined>>[] = [
    { "mcp-protocol-version": "2025-11-25" },
    { "mcp-protocol-version": undefined },
    { "mcp-method": "tools/list" },
    { "mcp-method": "TOOLS/CALL" },
    { "mcp-method": undefined },
    { "mcp-name": "other_tool" },
    { "mcp-name": "Health_Check" },
    { "mcp-name": undefined },
    { "mcp-name": "=?base64?aGVhbHRoX2NoZWNr" },
    { "mcp-name": "=?base64?aGVhbHRoX2NoZWNr!?=" },
    { "mcp-name": "=?base64?b3RoZXI=?=" },
    { "mcp-name": "h\u00e9alth" },
  ];
  for (const headers of spoiled) {
    const answer = await mcp.modern("tools/call", CALL, { headers, id: "call" });
    assert.deepEqual([answer.status, answer.body.error.code, answer.body.id], [400, -32020, "call"], JSON.stringify(headers));
  }
});

test("a tool's name may come in base64", async (t) => {
  const mcp = await startMcp(t);
  const answer = await mcp.modern("tools/call", CALL, { headers: { "mcp-name": "=?base64?aGVhbHRoX2NoZWNr?=" } });
  assert.deepEqual([answer.status, answer.body.result.isError], [200, undefined]);
});

test("whitespace around a header's value and the case of its name mean nothing", async (t) => {
  const mcp = await startMcp(t);
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { ...CALL, _meta: META } });
  const headers = {
    "Content-Type": "application/json",
    "MCP-PROTOCOL-VERSION": ` ${MODERN} `,
    "Mcp-Method": "\ttools/call",
    "mCP-nAME": "  health_check  ",
  };
  const status = await new Promise((resolve, reject) => {
    const sent = request(mcp.url, { method: "POST", headers }, (response) => resolve(response.resume().statusCode));
    sent.on("error", reject).end(body);
  });
  assert.equal(status, 200);
});

test("the version is asked for before the method and the method before the name", async (t) => {
  const mcp = await startMcp(t);
  const none = { "mcp-protocol-version": undefined, "mcp-method": undefined, "mcp-name": undefined };
  assert.match((await mcp.modern("tools/call", CALL, { headers: none })).body.error.message, /MCP-Protocol-Version/);
  const version = { ...none, "mcp-protocol-version": MODERN };
  assert.match((await mcp.modern("tools/call", CALL, { headers: version })).body.error.message, /Mcp-Method/);
  const method = { ...version, "mcp-method": "tools/call" };
  assert.match((await mcp.modern("tools/call", CALL, { headers: method })).body.error.message, /Mcp-Name/);
});

test("headers are checked before it is told that a method does not exist", async (t) => {
  const mcp = await startMcp(t);
  const answer = await mcp.modern("no/such", {}, { headers: { "mcp-method": undefined } });
  assert.deepEqual([answer.status, answer.body.error.code], [400, -32020]);
});

test("legacy requests need none of the modern headers and are not held to them", async (t) => {
  const mcp = await startMcp(t);
  const answer = await mcp.legacy("tools/call", CALL, { "mcp-protocol-version": "2025-11-25", "mcp-name": "other" });
  assert.equal(answer.status, 200);
});

test("a value in base64 is decoded strictly, and everything else is literal", () => {
  const values: readonly [string, string | undefined][] = [
    ["plain", "plain"],
    ["", ""],
    ["=?base64?", "=?base64?"],
    ["plain?=", "plain?="],
    ["=?BASE64?YQ==?=", "=?BASE64?YQ==?="],
    ["=?base64??=", ""],
    ["=?base64?SGVsbG8sIOS4lueVjA==?=", "Hello, 世界"],
    ["=?base64?77u/YQ==?=", "\ufeffa"],
    ["=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", "=?base64?literal?="],
    ["=?base64?SGVsbG8?=", undefined],
    ["=?base64?SGVsbG9=?=", undefined],
    ["=?base64?SGVs bG8=?=", undefined],
    ["=?base64?SGVsbG8-?=", undefined],
    ["=?base64?/w==?=", undefined],
    ["h\u00e9", undefined],
  ];
  for (const [value, decoded] of values) assert.equal(decodeValue(value), decoded, value);
});
