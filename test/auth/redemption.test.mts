import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { createPerson } from "../../tools/person.mts";
import { createClock, MINUTE, SECOND } from "../support/clock.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import {
  authorizationUrl,
  connect,
  DEVELOPMENT_GPT,
  isAlive,
  pkce,
  postForm,
  redeem,
  registerClient,
  type TestClient,
} from "../support/oauth.mts";

const clock = createClock();
let host: TestHost;
before(async () => {
  host = await startPlainHost({ clock });
});
after(() => host.close());

async function obtainCode(client: TestClient, parameters: Readonly<Record<string, string | undefined>> = {}) {
  const { verifier, challenge } = pkce();
  const protection = client.secret === undefined ? { code_challenge: challenge, code_challenge_method: "S256" } : {};
  const answer = await createPerson("ann@example.com").authorize(authorizationUrl(host.url, client, { ...protection, ...parameters }));
  return { code: answer.searchParams.get("code") ?? "", verifier };
}

test("a code gives an access token, a refresh token, the scope and an ID token", async () => {
  const { reply, client } = await connect(host.url, { parameters: { scope: "openid todos:read", nonce: "n-1" } });
  assert.equal(reply.headers.get("cache-control"), "no-store");
  assert.equal(reply.body.token_type, "Bearer");
  assert.equal(reply.body.expires_in, 3600);
  assert.equal(reply.body.scope, "openid todos:read");
  const access = payload(reply.body.access_token);
  assert.equal(access["aud"], `${host.url}/mcp`);
  assert.equal(access["iss"], host.url);
  assert.equal(access["client_id"], client.id);
  assert.deepEqual(Object.keys(access).sort(), ["aud", "client_id", "exp", "gid", "iat", "iss", "jti", "scope", "sub"]);
  assert.equal(header(reply.body.access_token)["typ"], "at+jwt");
  const id = payload(reply.body.id_token);
  assert.equal(id["aud"], client.id);
  assert.equal(id["nonce"], "n-1");
  assert.equal(id["sub"], access["sub"]);
});

test("an independent library verifies both tokens by the published keys", async () => {
  const { reply, client } = await connect(host.url, { parameters: { scope: "openid" } });
  const keys = createRemoteJWKSet(new URL(`${host.url}/.well-known/jwks.json`));
  const currentDate = new Date(clock());
  const access = await jwtVerify(reply.body.access_token, keys, {
    issuer: host.url,
    audience: `${host.url}/mcp`,
    typ: "at+jwt",
    currentDate,
  });
  assert.equal(access.protectedHeader.alg, "RS256");
  const id = await jwtVerify(reply.body.id_token, keys, { issuer: host.url, audience: client.id, typ: "JWT", currentDate });
  assert.equal(id.payload.sub, access.payload.sub);
});

test("an ID token is no access token", async () => {
  const { reply } = await connect(host.url, { parameters: { scope: "openid" } });
  assert.equal(await isAlive(host.url, reply.body.access_token), true);
  assert.equal(await isAlive(host.url, reply.body.id_token), false);
});

test("without openid there is no ID token", async () => {
  const { reply } = await connect(host.url, { parameters: { scope: "todos:read" } });
  assert.equal("id_token" in reply.body, false);
});

test("a faulty request neither burns the code nor ends the grant", async () => {
  const client = await registerClient(host.url);
  const other = await registerClient(host.url);
  const { code, verifier } = await obtainCode(client);
  const faults = [
    await redeem(host.url, client, code, { code_verifier: pkce().verifier }),
    await redeem(host.url, client, code, {}),
    await redeem(host.url, client, code, { code_verifier: verifier, redirect_uri: "http://127.0.0.1:7777/other" }),
    await redeem(host.url, client, `${code.slice(0, -1)}${code.endsWith("A") ? "B" : "A"}`, { code_verifier: verifier }),
    await redeem(host.url, other, code, { code_verifier: verifier }),
  ];
  for (const fault of faults) {
    assert.equal(fault.status, 400);
    assert.equal(fault.body.error, "invalid_grant");
  }
  const elsewhere = await redeem(host.url, client, code, { code_verifier: verifier, resource: `${host.url}/actions` });
  assert.equal(elsewhere.body.error, "invalid_target");
  const reply = await redeem(host.url, client, code, { code_verifier: verifier });
  assert.equal(reply.status, 200);
  assert.equal(await isAlive(host.url, reply.body.access_token), true);
});

test("the right code a second time ends the grant", async () => {
  const client = await registerClient(host.url);
  const { code, verifier } = await obtainCode(client);
  const first = await redeem(host.url, client, code, { code_verifier: verifier });
  assert.equal(await isAlive(host.url, first.body.access_token), true);
  const second = await redeem(host.url, client, code, { code_verifier: verifier });
  assert.equal(second.body.error, "invalid_grant");
  assert.equal(await isAlive(host.url, first.body.access_token), false);
});

test("of fifty parallel redemptions of one code one gets tokens", async () => {
  const client = await registerClient(host.url);
  const { code, verifier } = await obtainCode(client);
  const replies = await Promise.all(Array.from({ length: 50 }, () => redeem(host.url, client, code, { code_verifier: verifier })));
  assert.equal(replies.filter((reply) => reply.status === 200).length, 1);
  assert.ok(replies.every((reply) => [200, 400, 503].includes(reply.status)));
});

test("a code is dead after a minute", async () => {
  const client = await registerClient(host.url);
  const { code, verifier } = await obtainCode(client);
  clock.advance(61 * SECOND);
  const reply = await redeem(host.url, client, code, { code_verifier: verifier });
  assert.equal(reply.body.error, "invalid_grant");
});

test("a verifier without a challenge is refused, and a challenge is held to even where none is asked", async () => {
  const plain = await obtainCode(DEVELOPMENT_GPT);
  assert.equal((await redeem(host.url, DEVELOPMENT_GPT, plain.code, { code_verifier: plain.verifier })).body.error, "invalid_grant");
  assert.equal((await redeem(host.url, DEVELOPMENT_GPT, plain.code)).status, 200);
  const { verifier, challenge } = pkce();
  const bound = await obtainCode(DEVELOPMENT_GPT, { code_challenge: challenge, code_challenge_method: "S256" });
  assert.equal((await redeem(host.url, DEVELOPMENT_GPT, bound.code)).body.error, "invalid_grant");
  assert.equal((await redeem(host.url, DEVELOPMENT_GPT, bound.code, { code_verifier: verifier })).status, 200);
});

test("a Custom GPT must repeat its redirect_uri", async () => {
  const { code } = await obtainCode(DEVELOPMENT_GPT);
  assert.equal((await redeem(host.url, DEVELOPMENT_GPT, code, { redirect_uri: undefined })).body.error, "invalid_grant");
  assert.equal((await redeem(host.url, DEVELOPMENT_GPT, code)).status, 200);
});

test("a confidential client needs its secret, in the header or in the body", async () => {
  const { code } = await obtainCode(DEVELOPMENT_GPT);
  const wrong = await redeem(host.url, { ...DEVELOPMENT_GPT, secret: "wrong" }, code);
  assert.equal(wrong.status, 401);
  assert.equal(wrong.body.error, "invalid_client");
  const none = await redeem(host.url, { id: DEVELOPMENT_GPT.id, redirectUri: DEVELOPMENT_GPT.redirectUri }, code);
  assert.equal(none.body.error, "invalid_client");
  const basic = `Basic ${Buffer.from(`${encodeURIComponent(DEVELOPMENT_GPT.id)}:${encodeURIComponent(DEVELOPMENT_GPT.secret ?? "")}`).toString("base64")}`;
  const fields = { grant_type: "authorization_code", code, redirect_uri: DEVELOPMENT_GPT.redirectUri };
  const both = await postForm(`${host.url}/oauth/token`, { ...fields, client_secret: DEVELOPMENT_GPT.secret }, { authorization: basic });
  assert.equal(both.body.error, "invalid_request");
  const badBasic = await postForm(`${host.url}/oauth/token`, fields, { authorization: "Basic eDp5" });
  assert.equal(badBasic.status, 401);
  assert.match(badBasic.headers.get("www-authenticate") ?? "", /^Basic /);
  assert.equal((await postForm(`${host.url}/oauth/token`, fields, { authorization: basic })).status, 200);
});

test("faults of the token endpoint are RFC 6749 JSON, whatever they are", async () => {
  const url = `${host.url}/oauth/token`;
  const cases: [RequestInit, number, string][] = [
    [{ method: "GET" }, 405, "invalid_request"],
    [{ method: "POST", body: "{}", headers: { "content-type": "application/json" } }, 415, "invalid_request"],
    [{ method: "POST", body: new URLSearchParams("grant_type=password&client_id=x") }, 400, "unsupported_grant_type"],
    [{ method: "POST", body: new URLSearchParams("client_id=x") }, 400, "invalid_request"],
    [{ method: "POST", body: new URLSearchParams("grant_type=refresh_token&grant_type=x") }, 400, "invalid_request"],
    [{ method: "POST", body: new URLSearchParams("grant_type=refresh_token&refresh_token=x&client_id=nobody") }, 401, "invalid_client"],
    [{ method: "POST", body: new URLSearchParams({ grant_type: "refresh_token", x: "x".repeat(70_000) }) }, 413, "invalid_request"],
  ];
  for (const [init, status, error] of cases) {
    const response = await fetch(url, init);
    const body = (await response.json()) as { error: string; error_description: string };
    assert.equal(response.status, status);
    assert.equal(body.error, error);
    assert.ok(body.error_description.length > 0);
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.ok(response.headers.get("x-request-id"));
  }
});

test("an access token ends after an hour", async () => {
  const { accessToken } = await connect(host.url);
  clock.advance(59 * MINUTE);
  assert.equal(await isAlive(host.url, accessToken), true);
  clock.advance(2 * MINUTE);
  assert.equal(await isAlive(host.url, accessToken), false);
});

function payload(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

function header(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString());
}
