import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { sha256 } from "../../../shared/hash.ts";
import { clientStateKind, grantKind } from "../../../shared/state/records.ts";
import { createClock, HOUR, SECOND } from "../../support/clock.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { connect, isAlive, postForm, refresh, registerClient, type TokenReply } from "../../support/oauth.mts";

const SECRET = "a-secret-of-at-least-thirty-two-characters";
const clock = createClock();
const keys = await generateKeyPair("ES256", { extractable: true });
const machine = { client_secret: SECRET, grant_types: ["client_credentials"] };
let host: TestHost;
before(async () => {
  const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: "m", alg: "ES256" }] };
  const clients = [
    { client_id: "nightly", ...machine, scope: "todos:read todos:write openid", resources: ["mcp", "actions"] },
    { client_id: "everything", ...machine },
    { client_id: "signing", grant_types: ["client_credentials"], token_endpoint_auth_method: "private_key_jwt", jwks, scope: "todos:read" },
    { client_id: "web", client_secret: SECRET, redirect_uris: ["https://app.example/cb"] },
  ];
  host = await startPlainHost({
    clock,
    env: { OAUTH_CLIENTS_JSON: JSON.stringify(clients), SCOPE_RULES: '{"todos:write":["editors"]}' },
  });
});
after(() => host.close());

function ask(clientId: string, fields: Readonly<Record<string, string | undefined>> = {}): Promise<TokenReply> {
  const credentials = { client_id: clientId, client_secret: SECRET };
  return postForm(`${host.url}/oauth/token`, { grant_type: "client_credentials", ...credentials, ...fields });
}

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;

async function call(token: string, name: string, input: object = {}): Promise<{ readonly status: number; readonly text: string }> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: input } });
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream", authorization: `Bearer ${token}` };
  const reply = await fetch(`${host.url}/mcp`, { method: "POST", body, headers });
  return { status: reply.status, text: await reply.text() };
}

test("a machine gets an access token in its own name, without a refresh token or an ID token", async () => {
  const reply = await ask("nightly");
  assert.equal(reply.status, 200);
  assert.deepEqual(Object.keys(reply.body).sort(), ["access_token", "expires_in", "scope", "token_type"]);
  assert.equal(reply.headers.get("cache-control"), "no-store");
  const claims = claimsOf(reply.body.access_token);
  assert.equal(claims["sub"], "client:nightly");
  assert.equal(claims["client_id"], "nightly");
  assert.equal(claims["aud"], `${host.url}/mcp`);
  assert.match(String(claims["gid"]), /^cc:/);
  assert.equal(reply.body.scope, "todos:read todos:write");
});

test("its scopes are the client's and those of capabilities; asked for others it is refused", async () => {
  assert.equal((await ask("nightly", { scope: "todos:read" })).body.scope, "todos:read");
  for (const scope of ["openid", "todos:read profile", "nothing"]) {
    assert.equal((await ask("nightly", { scope })).body.error, "invalid_scope", scope);
  }
});

test("a scope that is kept for groups of people is a machine's only where its own list names it", async () => {
  assert.match((await ask("nightly")).body.scope, /todos:write/);
  assert.doesNotMatch((await ask("everything")).body.scope, /todos:write/);
  assert.equal((await ask("everything", { scope: "todos:write" })).body.error, "invalid_scope");
});

test("Basic and a signed assertion prove it as well, and nothing does not", async () => {
  const basic = `Basic ${Buffer.from(`nightly:${SECRET}`).toString("base64")}`;
  const byHeader = await postForm(`${host.url}/oauth/token`, { grant_type: "client_credentials" }, { authorization: basic });
  assert.equal(byHeader.status, 200);
  const now = Math.floor(clock() / 1000);
  const assertion = await new SignJWT({ iss: "signing", sub: "signing", aud: host.url, jti: "one", iat: now, exp: now + 60 })
    .setProtectedHeader({ alg: "ES256", kid: "m" })
    .sign(keys.privateKey);
  const bySignature = await postForm(`${host.url}/oauth/token`, {
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion,
  });
  assert.equal(bySignature.status, 200, JSON.stringify(bySignature.body));
  assert.equal(claimsOf(bySignature.body.access_token)["sub"], "client:signing");
  for (const client_secret of [undefined, "wrong"]) {
    const refused = await ask("nightly", { client_secret });
    assert.equal(refused.status, 401);
    assert.equal(refused.body.error, "invalid_client");
  }
});

test("a client that is not registered for the grant is refused, a public one above all", async () => {
  assert.equal((await ask("web")).body.error, "unauthorized_client");
  const open = await registerClient(host.url);
  assert.equal((await ask(open.id, { client_secret: undefined })).body.error, "unauthorized_client");
});

test("a resource is one of the client's own, and its token is worth nothing on the other surface", async () => {
  assert.equal((await ask("everything", { resource: `${host.url}/actions` })).body.error, "invalid_target");
  assert.equal((await ask("nightly", { resource: "https://elsewhere.example/mcp" })).body.error, "invalid_target");
  const reply = await ask("nightly", { resource: `${host.url}/actions` });
  assert.equal(claimsOf(reply.body.access_token)["aud"], `${host.url}/actions`);
  assert.equal((await call(reply.body.access_token, "list_todos")).status, 401);
});

test("a machine calls capabilities with records of its own, and has no profile", async () => {
  const { access_token: token } = (await ask("nightly")).body;
  assert.match((await call(token, "create_todo", { title: "rotate the logs" })).text, /rotate the logs/);
  const person = await connect(host.url, { parameters: { scope: "openid todos:read" } });
  assert.doesNotMatch((await call(person.accessToken, "list_todos")).text, /rotate the logs/);
  assert.match((await call(token, "list_todos")).text, /rotate the logs/);
  const userinfo = await fetch(`${host.url}/oauth/userinfo`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(userinfo.status, 403);
});

test("however often it asks, there is one standing grant for a client and resource, and it does not expire", async () => {
  for (let count = 0; count < 3; count++) await ask("nightly");
  await Promise.all(Array.from({ length: 20 }, () => ask("nightly")));
  const { entries } = await host.service.store.list(grantKind, "client:nightly");
  assert.deepEqual(entries.map(({ value }) => value.resource).sort(), [`${host.url}/actions`, `${host.url}/mcp`]);
  assert.ok(entries.every(({ expiresAt, id }) => expiresAt === null && id.startsWith("cc:")));
});

test("disabling the client ends its tokens within ten seconds and gives it no new ones", async () => {
  const { access_token: token } = (await ask("everything")).body;
  assert.equal((await call(token, "list_todos")).status, 200);
  await host.service.store.create(clientStateKind, { id: sha256("everything") }, { disabled: true }, null);
  clock.advance(10 * SECOND);
  assert.equal((await call(token, "list_todos")).status, 401);
  assert.equal((await ask("everything")).body.error, "invalid_client");
  await host.service.store.take(clientStateKind, { id: sha256("everything") });
});

test("a grant that was ended stands again for new tokens, and those from before stay dead", async () => {
  const { access_token: old } = (await ask("nightly")).body;
  for (let count = 0; count < 17; count++) {
    const { access_token: token } = (await ask("nightly")).body;
    await postForm(`${host.url}/oauth/revoke`, { token, client_id: "nightly", client_secret: SECRET });
  }
  assert.equal((await call(old, "list_todos")).status, 401);
  const { access_token: renewed } = (await ask("nightly")).body;
  assert.equal((await call(renewed, "list_todos")).status, 200);
  assert.equal((await call(old, "list_todos")).status, 401);
  clock.advance(10 * SECOND);
  assert.equal((await call(old, "list_todos")).status, 401);
  assert.equal((await call(renewed, "list_todos")).status, 200);
});

test("a revoked access token of a machine is dead alone, and only the machine can revoke it", async () => {
  const [one, two] = [(await ask("nightly")).body.access_token, (await ask("nightly")).body.access_token];
  await postForm(`${host.url}/oauth/revoke`, { token: one, client_id: "everything", client_secret: SECRET });
  assert.equal((await call(one, "list_todos")).status, 200);
  await postForm(`${host.url}/oauth/revoke`, { token: one, client_id: "nightly", client_secret: SECRET });
  assert.equal((await call(one, "list_todos")).status, 401);
  assert.equal((await call(two, "list_todos")).status, 200);
  clock.advance(HOUR);
  assert.equal((await call(two, "list_todos")).status, 401);
});

test("no person is ever named as a machine is, and no refresh token leads to a machine's grant", async () => {
  const { accessToken, refreshToken } = await connect(host.url);
  assert.match(String(claimsOf(accessToken)["sub"]), /^[A-Za-z0-9_-]{22}$/);
  const [, , family, secret] = refreshToken.split(".");
  const { gid } = claimsOf((await ask("nightly")).body.access_token);
  const client = { id: "nightly", secret: SECRET, redirectUri: "" };
  const reply = await refresh(host.url, client, `client:nightly.${gid}.${family}.${secret}`);
  assert.ok(["invalid_grant", "unauthorized_client"].includes(reply.body.error));
  assert.equal(await isAlive(host.url, accessToken), true);
});
