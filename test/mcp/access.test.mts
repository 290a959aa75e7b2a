import assert from "node:assert/strict";
import { test } from "node:test";
import { type Json, startMcp } from "./server.mts";

const MIXED = { verify: "real", env: { MCP_ACCESS: "mixed" } } as const;
const CHALLENGE = "mcp/www_authenticate";

test("where strangers may come in they connect, list and use what is public, in both eras", async (t) => {
  const mcp = await startMcp(t, MIXED);
  const handshake = await mcp.legacy("initialize", { protocolVersion: "2025-11-25", capabilities: {} });
  assert.deepEqual([handshake.status, handshake.headers.get("mcp-session-id")], [200, null]);
  assert.equal((await mcp.modern("server/discover")).status, 200);
  for (const ask of [mcp.legacy, mcp.modern]) {
    assert.ok((await ask("tools/list")).body.result.tools.some(({ name }: Json) => name === "create_todo"));
    assert.equal((await ask("tools/call", { name: "health_check", arguments: {} })).body.result.structuredContent.status, "ok");
  }
});

test("where everyone must sign in, what is public needs a token too", async (t) => {
  const mcp = await startMcp(t, { verify: "real" });
  assert.equal((await mcp.modern("tools/call", { name: "health_check", arguments: {} })).status, 401);
});

test("a stranger who calls what is not public is asked to sign in: by HTTP, and by a result", async (t) => {
  const mcp = await startMcp(t, MIXED);
  for (const ask of [mcp.legacy, mcp.modern]) {
    const { status, headers, body } = await ask("tools/call", { name: "list_todos", arguments: {} });
    const challenge = headers.get("www-authenticate") ?? "";
    assert.equal(status, 401);
    assert.match(
      challenge,
      /^Bearer resource_metadata="[^"]+\/mcp".*, scope="openid profile email knowledge:read todos:read todos:write"$/,
    );
    assert.equal(body.result.isError, true);
    assert.equal(body.result.content[0].type, "text");
    const [shown] = body.result._meta[CHALLENGE];
    assert.match(shown, /resource_metadata="[^"]+", error="[^"]+", error_description="[^"]+"/);
  }
});

test("a token that is presented must be good, wherever it is", async (t) => {
  const mcp = await startMcp(t, MIXED);
  const { status, headers } = await mcp.modern("server/discover", {}, { headers: { authorization: "Bearer abc" } });
  assert.equal(status, 401);
  assert.match(headers.get("www-authenticate") ?? "", /error="invalid_token"/);
});

test("a stranger has no streams and no sessions", async (t) => {
  const mcp = await startMcp(t, MIXED);
  for (const method of ["GET", "DELETE"]) assert.equal((await mcp.request(method, { "mcp-session-id": "x" })).status, 405, method);
  assert.equal((await mcp.legacy("resources/subscribe", { uri: "test://x" })).status, 400);
});

test("too few scopes are a 403 that names all that are needed, by HTTP and by a result", async (t) => {
  const mcp = await startMcp(t, { scopes: ["openid"] });
  for (const ask of [mcp.legacy, mcp.modern]) {
    const { status, headers, body } = await ask("tools/call", { name: "create_todo", arguments: { title: "x" } });
    assert.equal(status, 403);
    assert.match(headers.get("www-authenticate") ?? "", /error="insufficient_scope".*scope="todos:write"/);
    assert.match(body.result._meta[CHALLENGE][0], /insufficient_scope/);
  }
});

test("every tool says how it is secured", async (t) => {
  for (const [settings, health] of [
    [MIXED, [{ type: "noauth" }]],
    [{}, [{ type: "oauth2", scopes: [] }]],
  ] as const) {
    const mcp = await startMcp(t, settings);
    const { tools } = (await mcp.modern("tools/list")).body.result;
    const of = (name: string) => tools.find((tool: Json) => tool.name === name);
    assert.deepEqual(of("health_check").securitySchemes, health);
    assert.deepEqual(of("create_todo").securitySchemes, [{ type: "oauth2", scopes: ["todos:write"] }]);
    for (const tool of tools) assert.deepEqual(tool._meta.securitySchemes, tool.securitySchemes);
  }
});

test("tools that a token cannot use are hidden where the configuration says so", async (t) => {
  const hiding = await startMcp(t, { scopes: ["todos:read"], env: { MCP_LISTED_TOOLS: "granted" } });
  const names = (await hiding.modern("tools/list")).body.result.tools.map(({ name }: Json) => name);
  assert.deepEqual(names, ["health_check", "list_todos", "get_todo"]);
});
