import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { grantKind } from "../../shared/state/records.ts";
import { createClock, DAY, SECOND } from "../support/clock.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { connect, DEVELOPMENT_GPT, isAlive, postForm, refresh, registerClient } from "../support/oauth.mts";

const clock = createClock();
let host: TestHost;
before(async () => {
  host = await startPlainHost({ clock });
});
after(() => host.close());

test("a public client gets a new refresh token at each use", async () => {
  const { client, refreshToken } = await connect(host.url);
  const first = await refresh(host.url, client, refreshToken);
  assert.equal(first.status, 200);
  assert.notEqual(first.body.refresh_token, refreshToken);
  const second = await refresh(host.url, client, first.body.refresh_token);
  assert.equal(second.status, 200);
  assert.equal(await isAlive(host.url, second.body.access_token), true);
});

test("a lost reply is given again within 30 seconds, the same", async () => {
  const { client, refreshToken } = await connect(host.url);
  const lost = await refresh(host.url, client, refreshToken);
  clock.advance(20 * SECOND);
  const again = await refresh(host.url, client, refreshToken);
  assert.equal(again.body.access_token, lost.body.access_token);
  assert.equal(again.body.refresh_token, lost.body.refresh_token);
  assert.equal(again.body.expires_in, lost.body.expires_in - 20);
  const narrowed = await refresh(host.url, client, refreshToken, { scope: "openid" });
  assert.equal(narrowed.body.refresh_token, lost.body.refresh_token);
  assert.equal(narrowed.body.scope, "openid");
  assert.notEqual(narrowed.body.access_token, lost.body.access_token);
});

test("the window of a lost reply does not slide", async () => {
  const { client, refreshToken } = await connect(host.url);
  const lost = await refresh(host.url, client, refreshToken);
  clock.advance(20 * SECOND);
  assert.equal((await refresh(host.url, client, refreshToken)).status, 200);
  clock.advance(11 * SECOND);
  assert.equal((await refresh(host.url, client, refreshToken)).body.error, "invalid_grant");
  assert.equal(await isAlive(host.url, lost.body.access_token), false);
});

test("a superseded token more than 30 seconds later is a theft and ends the grant", async () => {
  const { client, refreshToken } = await connect(host.url);
  const rotated = await refresh(host.url, client, refreshToken);
  clock.advance(31 * SECOND);
  assert.equal((await refresh(host.url, client, refreshToken)).body.error, "invalid_grant");
  assert.equal((await refresh(host.url, client, rotated.body.refresh_token)).body.error, "invalid_grant");
  assert.equal(await isAlive(host.url, rotated.body.access_token), false);
});

test("once the new token was used, the old one is refused but kills nothing within the window", async () => {
  const { client, refreshToken } = await connect(host.url);
  const first = await refresh(host.url, client, refreshToken);
  const second = await refresh(host.url, client, first.body.refresh_token);
  assert.equal((await refresh(host.url, client, refreshToken)).body.error, "invalid_grant");
  assert.equal(await isAlive(host.url, second.body.access_token), true);
  assert.equal((await refresh(host.url, client, second.body.refresh_token)).status, 200);
});

test("who knows a grant's id cannot end it with an invented refresh token", async () => {
  const { client, refreshToken, accessToken } = await connect(host.url);
  const [subject, grant] = refreshToken.split(".");
  const invented = `${subject}.${grant}.${"f".repeat(22)}.${"s".repeat(43)}`;
  clock.advance(60 * SECOND);
  assert.equal((await refresh(host.url, client, invented)).body.error, "invalid_grant");
  assert.equal(await isAlive(host.url, accessToken), true);
});

test("another client can neither use nor end a refresh token", async () => {
  const { refreshToken, accessToken } = await connect(host.url);
  const other = await registerClient(host.url);
  assert.equal((await refresh(host.url, other, refreshToken)).body.error, "invalid_grant");
  await postForm(`${host.url}/oauth/revoke`, { token: refreshToken, client_id: other.id });
  await postForm(`${host.url}/oauth/revoke`, { token: accessToken, client_id: other.id });
  assert.equal(await isAlive(host.url, accessToken), true);
});

test("fifty parallel refreshes give a public client one pair", async () => {
  const { client, refreshToken } = await connect(host.url);
  const replies = await Promise.all(Array.from({ length: 50 }, () => refresh(host.url, client, refreshToken)));
  assert.deepEqual([...new Set(replies.map((reply) => reply.status))], [200]);
  assert.equal(new Set(replies.map((reply) => reply.body.refresh_token)).size, 1);
  assert.equal(new Set(replies.map((reply) => reply.body.access_token)).size, 1);
  assert.equal(await isAlive(host.url, replies[0]?.body.access_token), true);
});

test("fifty parallel refreshes give a client with a secret fifty access tokens and its own refresh token", async () => {
  const { client, refreshToken } = await connect(host.url, { client: DEVELOPMENT_GPT });
  const replies = await Promise.all(Array.from({ length: 50 }, () => refresh(host.url, client, refreshToken)));
  assert.deepEqual([...new Set(replies.map((reply) => reply.status))], [200]);
  assert.deepEqual([...new Set(replies.map((reply) => reply.body.refresh_token))], [refreshToken]);
  assert.equal(new Set(replies.map((reply) => reply.body.access_token)).size, 50);
});

test("a client with a secret gets a new refresh token after 70 % of its idle life", async () => {
  const { client, refreshToken } = await connect(host.url, { client: DEVELOPMENT_GPT });
  clock.advance(20 * DAY);
  assert.equal((await refresh(host.url, client, refreshToken)).body.refresh_token, refreshToken);
  clock.advance(2 * DAY);
  const rotated = await refresh(host.url, client, refreshToken);
  assert.notEqual(rotated.body.refresh_token, refreshToken);
  clock.advance(20 * DAY);
  assert.equal((await refresh(host.url, client, rotated.body.refresh_token)).status, 200);
});

test("a refresh token that lies idle for 30 days is dead", async () => {
  const { client, refreshToken } = await connect(host.url);
  clock.advance(31 * DAY);
  assert.equal((await refresh(host.url, client, refreshToken)).body.error, "invalid_grant");
});

test("no grant lives longer than 180 days", async () => {
  const { client, refreshToken } = await connect(host.url);
  let current = refreshToken;
  for (let month = 0; month < 7; month++) {
    clock.advance(25 * DAY);
    const reply = await refresh(host.url, client, current);
    assert.equal(reply.status, 200, `after ${(month + 1) * 25} days`);
    current = reply.body.refresh_token;
  }
  clock.advance(6 * DAY);
  assert.equal((await refresh(host.url, client, current)).body.error, "invalid_grant");
});

test("a narrower scope narrows the access token and never the grant", async () => {
  const { client, refreshToken } = await connect(host.url, { parameters: { scope: "openid todos:read todos:write" } });
  const narrow = await refresh(host.url, client, refreshToken, { scope: "todos:read" });
  assert.equal(narrow.body.scope, "todos:read");
  assert.equal("id_token" in narrow.body, false);
  const whole = await refresh(host.url, client, narrow.body.refresh_token);
  assert.equal(whole.body.scope, "openid todos:read todos:write");
  assert.equal((await refresh(host.url, client, whole.body.refresh_token, { scope: "profile" })).body.error, "invalid_scope");
});

test("an ID token from a refresh has the same subject and time of sign-in and no nonce", async () => {
  const { client, refreshToken, reply } = await connect(host.url, { parameters: { scope: "openid", nonce: "once" } });
  clock.advance(5 * SECOND);
  const refreshed = await refresh(host.url, client, refreshToken);
  const before = payload(reply.body.id_token);
  const after = payload(refreshed.body.id_token);
  for (const claim of ["iss", "sub", "aud", "auth_time"]) assert.equal(after[claim], before[claim]);
  assert.notEqual(after["iat"], before["iat"]);
  assert.equal("nonce" in after, false);
});

test("a refresh may only repeat the grant's resource", async () => {
  const { client, refreshToken } = await connect(host.url);
  assert.equal((await refresh(host.url, client, refreshToken, { resource: `${host.url}/actions` })).body.error, "invalid_target");
  assert.equal((await refresh(host.url, client, refreshToken, { resource: `${host.url}/mcp` })).status, 200);
});

test("a revoked refresh token ends its grant", async () => {
  const { client, refreshToken, accessToken } = await connect(host.url);
  const reply = await postForm(`${host.url}/oauth/revoke`, { token: refreshToken, client_id: client.id, token_type_hint: "access_token" });
  assert.equal(reply.status, 200);
  assert.equal(await isAlive(host.url, accessToken), false);
  assert.equal((await refresh(host.url, client, refreshToken)).body.error, "invalid_grant");
});

test("a revoked access token ends alone", async () => {
  const { client, refreshToken, accessToken } = await connect(host.url);
  assert.equal((await postForm(`${host.url}/oauth/revoke`, { token: accessToken, client_id: client.id })).status, 200);
  assert.equal(await isAlive(host.url, accessToken), false);
  const next = await refresh(host.url, client, refreshToken);
  assert.equal(await isAlive(host.url, next.body.access_token), true);
});

test("revoking what is unknown answers 200, and nothing at all is a fault", async () => {
  const { client } = await connect(host.url);
  assert.equal((await postForm(`${host.url}/oauth/revoke`, { token: "unknown", client_id: client.id })).status, 200);
  assert.equal((await postForm(`${host.url}/oauth/revoke`, { client_id: client.id })).body.error, "invalid_request");
});

test("a client that did not register for the refresh grant gets no refresh token and may not use one", async () => {
  const client = await registerClient(host.url, { grant_types: ["authorization_code"] });
  const { reply } = await connect(host.url, { client });
  assert.equal("refresh_token" in reply.body, false);
  assert.equal((await refresh(host.url, client, "a.b.c.d")).body.error, "unauthorized_client");
});

test("a lost reply is not given to who proves itself in another way, and that kills nothing", async () => {
  const { client, refreshToken } = await connect(host.url, { client: DEVELOPMENT_GPT });
  clock.advance(22 * DAY);
  const lost = await refresh(host.url, client, refreshToken);
  assert.notEqual(lost.body.refresh_token, refreshToken);
  const basic = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString("base64")}`;
  const fields = { grant_type: "refresh_token", refresh_token: refreshToken };
  const otherwise = await postForm(`${host.url}/oauth/token`, fields, { authorization: basic });
  assert.equal(otherwise.body.error, "invalid_grant");
  const again = await refresh(host.url, client, refreshToken);
  assert.equal(again.body.refresh_token, lost.body.refresh_token);
  assert.equal(again.body.access_token, lost.body.access_token);
});

test("a grant that was made with a secret is not refreshed by who proves itself with less", async () => {
  const { client, refreshToken, accessToken } = await connect(host.url, { client: DEVELOPMENT_GPT });
  const [owner, id] = refreshToken.split(".");
  const key = { owner: owner ?? "", id: id ?? "" };
  const entry = await host.service.store.get(grantKind, key);
  assert.ok(entry);
  const withKey = { ...entry.value, authMethod: "private_key_jwt" };
  await host.service.store.replace(grantKind, key, entry.version, withKey, entry.expiresAt);
  assert.equal((await refresh(host.url, client, refreshToken)).body.error, "invalid_grant");
  assert.equal((await refresh(host.url, { ...client, secret: "" }, refreshToken)).body.error, "invalid_client");
  assert.equal(await isAlive(host.url, accessToken), true);
});

function payload(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}
