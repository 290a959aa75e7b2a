import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createPerson } from "../../tools/person.mts";
import { startDynalite, stateUrl } from "../support/dynamodb.mts";
import { type FaultyLine, startProxy } from "../support/dynamodb-proxy.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, connect, pkce, redeem, refresh, registerClient } from "../support/oauth.mts";

const STATE_KEYS_JSON = JSON.stringify({ keys: [{ kty: "oct", kid: "test", k: Buffer.alloc(32, 1).toString("base64url") }] });
let dynamo: Awaited<ReturnType<typeof startDynalite>>;
let line: FaultyLine;
let host: TestHost;
before(async () => {
  dynamo = await startDynalite();
  line = await startProxy(dynamo.endpoint);
  host = await startPlainHost({ env: { STATE_URL: stateUrl(dynamo, line.endpoint), STATE_KEYS_JSON, SWEEP_INTERVAL: "0" } });
});
after(async () => {
  await host.close();
  await line.close();
  await dynamo.close();
});

test("a throttled store is a 503 with a time to wait, and nobody loses a login by it", async () => {
  const { client, refreshToken } = await connect(host.url);
  line.choose = () => "throttled";
  const throttled = await refresh(host.url, client, refreshToken);
  line.choose = () => undefined;
  assert.equal(throttled.status, 503);
  assert.equal(throttled.body.error, "temporarily_unavailable");
  assert.match(throttled.headers.get("retry-after") ?? "", /^\d+$/);
  assert.equal((await refresh(host.url, client, refreshToken)).status, 200);
});

test("a code exchange whose answer from the store is lost after the commit is done, once", async () => {
  const client = await registerClient(host.url);
  const { verifier, challenge } = pkce();
  const url = authorizationUrl(host.url, client, { code_challenge: challenge, code_challenge_method: "S256" });
  const code = (await createPerson("ann@example.com").authorize(url)).searchParams.get("code") ?? "";
  line.choose = (operation) => (operation === "PutItem" && !line.calls.includes("GetItem") ? "cut after" : undefined);
  line.calls.length = 0;
  const reply = await redeem(host.url, client, code, { code_verifier: verifier });
  line.choose = () => undefined;
  assert.equal(reply.status, 200);
  assert.equal((await refresh(host.url, client, reply.body.refresh_token)).status, 200);
});
