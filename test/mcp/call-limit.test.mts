import assert from "node:assert/strict";
import { test } from "node:test";
import { startMcp } from "./server.mts";

const call = { name: "auth_session", arguments: {} };

test("who calls too often is told to wait, and may go on after a while", async (t) => {
  let now = 1_900_000_000_000;
  const mcp = await startMcp(t, { env: { CALLS_PER_MINUTE: "8" }, clock: () => now });
  const isRefused = async () => (await mcp.modern("tools/call", call)).body.result.isError === true;
  assert.deepEqual([await isRefused(), await isRefused(), await isRefused()], [false, false, true]);
  const { result } = (await mcp.legacy("tools/call", call)).body;
  assert.match(result.content[0].text, /too many calls/i);
  // Listing is no call.
  assert.equal((await mcp.modern("tools/list")).status, 200);
  now += 7_500;
  assert.deepEqual([await isRefused(), await isRefused()], [false, true]);
});

test("strangers are counted by their network", async (t) => {
  const mcp = await startMcp(t, { verify: "real", env: { MCP_ACCESS: "mixed", CALLS_PER_MINUTE: "4" }, clock: () => 1_900_000_000_000 });
  const health = { name: "health_check", arguments: {} };
  assert.equal((await mcp.modern("tools/call", health)).body.result.isError ?? false, false);
  assert.equal((await mcp.modern("tools/call", health)).body.result.isError, true);
});
