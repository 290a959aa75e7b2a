import assert from "node:assert/strict";
import { test } from "node:test";
import { readApp } from "../../tools/encore/app.mts";
import { createCors } from "../../tools/encore/cors.mts";
import { PROJECT } from "../support/host.mts";

const { global_cors: settings } = readApp(PROJECT);
const cors = createCors(settings, ["https://inspector.example.com"]);

function allowedOrigin(origin: string, headers: Readonly<Record<string, string>>, method = "POST"): string | undefined {
  return cors.headersFor({ method, headers: { origin, ...headers } })["access-control-allow-origin"];
}

const TRUSTED = [
  "https://chatgpt.com",
  "https://claude.ai",
  "http://localhost",
  "http://localhost:6274",
  "https://127.0.0.1:8443",
  "http://[::1]:3000",
  "https://inspector.example.com",
];
for (const origin of TRUSTED) {
  test(`${origin} may send a token or a cookie`, () => {
    assert.equal(allowedOrigin(origin, { authorization: "Bearer x" }), origin);
    assert.equal(allowedOrigin(origin, { cookie: "a=b" }, "GET"), origin);
    assert.equal(allowedOrigin(origin, { "access-control-request-headers": "authorization,mcp-method" }, "OPTIONS"), origin);
  });
}

const STRANGERS = [
  "https://evil.example",
  "http://chatgpt.com",
  "https://chatgpt.com.evil.example",
  "http://localhost.evil.example",
  "null",
];
for (const origin of STRANGERS) {
  test(`${origin} may read what needs no credentials and nothing else`, () => {
    assert.equal(allowedOrigin(origin, {}, "GET"), origin);
    assert.equal(allowedOrigin(origin, { "access-control-request-headers": "content-type" }, "OPTIONS"), origin);
    assert.equal(allowedOrigin(origin, { authorization: "Bearer x" }), undefined);
    assert.equal(allowedOrigin(origin, { cookie: "a=b" }), undefined);
    assert.equal(allowedOrigin(origin, { "access-control-request-headers": "content-type, authorization" }, "OPTIONS"), undefined);
  });
}

test("a preflight is told the methods and the headers that it asked for: tools name headers of their own", () => {
  const asked = "authorization,mcp-session-id,mcp-param-region";
  const headers = cors.headersFor({
    method: "OPTIONS",
    headers: { origin: "https://claude.ai", "access-control-request-method": "DELETE", "access-control-request-headers": asked },
  });
  assert.equal(headers["access-control-allow-methods"], "DELETE");
  assert.equal(headers["access-control-allow-headers"], asked);
  assert.equal(headers["access-control-expose-headers"], undefined);
});

test("every other reply exposes the challenge and the session, origin or not", () => {
  const headers = cors.headersFor({ method: "GET", headers: {} });
  const exposed = headers["access-control-expose-headers"]?.split(",") ?? [];
  for (const name of ["www-authenticate", "mcp-session-id", "x-request-id"]) assert.ok(exposed.includes(name), name);
  assert.equal(headers["access-control-allow-origin"], undefined);
  assert.match(headers["vary"] ?? "", /origin/);
});
