import assert from "node:assert/strict";
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import { after, before, test } from "node:test";
import { createPerson } from "../../tools/person.mts";
import { createClock, SECOND } from "../support/clock.mts";
import { startDynalite, stateUrl } from "../support/dynamodb.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import {
  authorizationUrl,
  connect,
  DEVELOPMENT_CLIENT,
  pkce,
  redeem,
  refresh,
  registerClient,
  type TestClient,
} from "../support/oauth.mts";

/** What the service asks of a remote store is what it costs: money, and milliseconds for whoever waits. */
const STATE_KEYS = JSON.stringify({ keys: [{ kty: "oct", kid: "test", k: Buffer.alloc(32, 1).toString("base64url") }] });
const clock = createClock();
let dynamo: Awaited<ReturnType<typeof startDynalite>>;
let host: TestHost;
let requests: string[] = [];
before(async () => {
  dynamo = await startDynalite();
  host = await startPlainHost({ clock, env: { STATE_URL: stateUrl(dynamo), STATE_KEYS_JSON: STATE_KEYS, SWEEP_INTERVAL: "0" } });
  subscribe("http.client.request.start", (message) => {
    const { request } = message as { request: ClientRequest };
    requests.push(String(request.getHeader("x-amz-target")).replace(/^.*\./, ""));
  });
});
after(async () => {
  await host.close();
  await dynamo.close();
});

async function counted<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly sent: readonly string[] }> {
  requests = [];
  const result = await work();
  return { result, sent: requests };
}

async function obtainCode(client: TestClient) {
  const { verifier, challenge } = pkce();
  const url = authorizationUrl(host.url, client, { code_challenge: challenge, code_challenge_method: "S256" });
  const answer = await createPerson("ann@example.com").authorize(url);
  return () => redeem(host.url, client, answer.searchParams.get("code") ?? "", { code_verifier: verifier });
}

function callTool(accessToken: string): Promise<number> {
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    authorization: `Bearer ${accessToken}`,
  };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "auth_session" } });
  return fetch(`${host.url}/mcp`, { method: "POST", headers, body }).then(async (reply) => {
    await reply.text();
    return reply.status;
  });
}

test("a verified tools/call costs one read with a cold cache and none with a warm one", async () => {
  const { accessToken } = await connect(host.url);
  await callTool(accessToken);
  clock.advance(11 * SECOND);
  const cold = await counted(() => callTool(accessToken));
  assert.equal(cold.result, 200);
  assert.deepEqual(cold.sent, ["BatchGetItem"]);
  const warm = await counted(() => callTool(accessToken));
  assert.equal(warm.result, 200);
  assert.deepEqual(warm.sent, []);
});

test("a code exchange costs one read and one write, and one write more at a dynamic client's first use", async () => {
  clock.advance(11 * SECOND);
  const registered = await counted(await obtainCode(DEVELOPMENT_CLIENT));
  assert.equal(registered.result.status, 200);
  assert.deepEqual(registered.sent, ["BatchGetItem", "PutItem"]);
  const client = await registerClient(host.url);
  const first = await counted(await obtainCode(client));
  assert.equal(first.result.status, 200);
  assert.deepEqual(first.sent, ["BatchGetItem", "PutItem", "PutItem"]);
  const second = await counted(await obtainCode(client));
  assert.equal(second.result.status, 200);
  assert.deepEqual(second.sent, ["BatchGetItem", "PutItem"]);
});

test("a refresh costs one read and one write", async () => {
  const { client, refreshToken } = await connect(host.url);
  let current = refreshToken;
  for (const wait of [0, 11 * SECOND]) {
    clock.advance(wait);
    const { result, sent } = await counted(() => refresh(host.url, client, current));
    assert.equal(result.status, 200);
    assert.deepEqual(sent, ["BatchGetItem", "PutItem"]);
    current = result.body.refresh_token;
  }
});
