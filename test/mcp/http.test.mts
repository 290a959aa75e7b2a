import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { Unavailable } from "../../shared/state/store.ts";
import { startMcp } from "./server.mts";

const PING = { jsonrpc: "2.0", id: 1, method: "ping" };
const METADATA = 'resource_metadata="http://localhost:4000/.well-known/oauth-protected-resource/mcp"';

test("a method that this endpoint does not have is 405 and told what is allowed", async (t) => {
  const mcp = await startMcp(t);
  for (const method of ["HEAD", "PUT", "PATCH", "OPTIONS"]) {
    const { status, headers } = await mcp.request(method);
    assert.deepEqual([status, headers.get("allow")], [405, "POST, GET, DELETE"], method);
  }
});

test("without a token the answer is a challenge that says where to sign in and for what, and no error", async (t) => {
  const mcp = await startMcp(t, { verify: "real" });
  for (const { status, headers } of [await mcp.post(PING), await mcp.request("GET"), await mcp.modern("server/discover")]) {
    assert.equal(status, 401);
    const challenge = headers.get("www-authenticate") ?? "";
    assert.equal(challenge, `Bearer ${METADATA}, scope="openid profile email knowledge:read todos:read todos:write"`);
  }
});

test("a method that never meant anything here is 405 even without a token", async (t) => {
  const mcp = await startMcp(t, { verify: "real" });
  assert.equal((await mcp.request("PUT")).status, 405);
});

test("a token that is not ours is told to be invalid", async (t) => {
  const mcp = await startMcp(t, { verify: "real" });
  for (const authorization of ["Bearer abc", "Bearer a.b.c", "Basic YTpi", "Bearer"]) {
    const { status, headers, text } = await mcp.post(PING, { authorization });
    assert.equal(status, 401);
    const challenge = headers.get("www-authenticate") ?? "";
    assert.ok(challenge.startsWith(`Bearer ${METADATA}, error="invalid_token", error_description="`), challenge);
    assert.doesNotMatch(challenge, /offline_access/);
    assert.equal("jsonrpc" in JSON.parse(text), false);
  }
});

test("when it cannot be told whether a token is alive the answer is 503 and not 401", async (t) => {
  const mcp = await startMcp(t, {
    verify: async () => {
      throw new Unavailable("the disk is on fire");
    },
  });
  const { status, headers, text } = await mcp.post(PING, { authorization: "Bearer abc" });
  assert.deepEqual([status, headers.get("retry-after"), headers.get("www-authenticate")], [503, "2", null]);
  assert.doesNotMatch(text, /fire/);
});

test("a fault of ours before the message is read is an internal error without its cause", async (t) => {
  const mcp = await startMcp(t, {
    verify: async () => {
      throw new Error("the secret cause");
    },
  });
  const { status, body, text, headers } = await mcp.post(PING);
  assert.deepEqual([status, body.error.code, "id" in body], [500, -32603, false]);
  assert.equal(body.error.data.requestId, headers.get("x-request-id"));
  assert.doesNotMatch(text, /secret/);
});

test("a body that is not announced as JSON is 415", async (t) => {
  const mcp = await startMcp(t);
  for (const type of [undefined, "text/plain", "application/jsonp", "application/x-www-form-urlencoded", "text/json"]) {
    assert.equal((await mcp.post(JSON.stringify(PING), { "content-type": type })).status, 415, type);
  }
  for (const type of ["application/json; charset=utf-8", "Application/JSON", "application/json ;charset=UTF-8"]) {
    assert.equal((await mcp.post(PING, { "content-type": type })).status, 200, type);
  }
});

test("a body over 4 MB is 413", async (t) => {
  const mcp = await startMcp(t);
  const status = await new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": String(4 * 1024 * 1024 + 1) };
    const sent = request(mcp.url, { method: "POST", headers }, (response) => resolve(response.resume().statusCode));
    sent.on("error", reject).flushHeaders();
  });
  assert.equal(status, 413);
});

test("a page of another origin and a request for another host are 403, whatever their token", async (t) => {
  const mcp = await startMcp(t);
  assert.equal((await mcp.post(PING, { origin: "https://evil.example" })).status, 403);
  assert.equal((await mcp.post(PING, { origin: "http://localhost:6274" })).status, 200);
  const status = await new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", host: "evil.example" };
    const sent = request(mcp.url, { method: "POST", headers }, (response) => resolve(response.resume().statusCode));
    sent.on("error", reject).end(JSON.stringify(PING));
  });
  assert.equal(status, 403);
});

test("session and resumption headers are ignored and never echoed", async (t) => {
  const mcp = await startMcp(t);
  const { status, headers } = await mcp.modern("tools/list", {}, { headers: { "mcp-session-id": "abc", "last-event-id": "1" } });
  assert.deepEqual([status, headers.get("mcp-session-id")], [200, null]);
});

test("every answer has the request's id in its header", async (t) => {
  const mcp = await startMcp(t);
  for (const { headers } of [await mcp.post(PING), await mcp.post("{"), await mcp.request("PUT")]) assert.ok(headers.get("x-request-id"));
});
