import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { decodeJwt } from "jose";
import { createClock, MINUTE } from "../../support/clock.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { connect, DEVELOPMENT_GPT, refresh } from "../../support/oauth.mts";

const clock = createClock();
let host: TestHost;
before(async () => {
  host = await startPlainHost({ clock });
});
after(() => host.close());

async function ask(
  token: string,
  init: RequestInit = {},
): Promise<{ readonly response: Response; readonly body: Record<string, unknown> }> {
  const response = await fetch(`${host.url}/oauth/userinfo`, { ...init, headers: { authorization: `Bearer ${token}` } });
  return { response, body: (await response.json()) as Record<string, unknown> };
}

test("userinfo answers GET and POST with the claims that the scopes allow", async () => {
  for (const [scope, claims] of [
    ["openid", ["sub"]],
    ["openid email", ["email", "email_verified", "sub"]],
    ["openid profile email", ["email", "email_verified", "sub"]],
  ] as const) {
    const { accessToken } = await connect(host.url, { parameters: { scope } });
    for (const method of ["GET", "POST"]) {
      const { response, body } = await ask(accessToken, { method });
      assert.equal(response.status, 200);
      assert.deepEqual(Object.keys(body).sort(), claims, scope);
      assert.equal(body["sub"], decodeJwt(accessToken).sub);
      assert.equal(response.headers.get("cache-control"), "no-store");
    }
  }
});

test("it takes a token of either surface, and none without openid", async () => {
  const actions = await connect(host.url, { client: DEVELOPMENT_GPT, parameters: { scope: "openid email" } });
  assert.equal((await ask(actions.accessToken)).body["email"], "ann@example.com");
  const without = await connect(host.url, { parameters: { scope: "todos:read" } });
  const { response, body } = await ask(without.accessToken);
  assert.equal(response.status, 403);
  assert.equal(body["error"], "insufficient_scope");
  assert.match(response.headers.get("www-authenticate") ?? "", /error="insufficient_scope".*scope="openid"/);
});

test("a token in the form or the query is none (RFC 6750 §2.2 is not supported)", async () => {
  const { accessToken } = await connect(host.url, { parameters: { scope: "openid" } });
  const form = await fetch(`${host.url}/oauth/userinfo`, { method: "POST", body: new URLSearchParams({ access_token: accessToken }) });
  const query = await fetch(`${host.url}/oauth/userinfo?access_token=${accessToken}`);
  for (const response of [form, query]) {
    assert.equal(response.status, 401);
    assert.doesNotMatch(response.headers.get("www-authenticate") ?? "", /error=/);
    await response.body?.cancel();
  }
  const put = await fetch(`${host.url}/oauth/userinfo`, { method: "PUT" });
  assert.equal(put.status, 405);
  assert.equal(put.headers.get("allow"), "GET, POST");
});

test("an ID token is bound to its access token, and one from a refresh to the new one", async () => {
  const { client, reply, refreshToken } = await connect(host.url, { parameters: { scope: "openid", nonce: "n" } });
  clock.advance(MINUTE);
  const refreshed = await refresh(host.url, client, refreshToken);
  for (const { body } of [reply, refreshed]) {
    const expected = createHash("sha256").update(body.access_token).digest().subarray(0, 16).toString("base64url");
    assert.equal(decodeJwt(body.id_token)["at_hash"], expected);
  }
  const [first, second] = [decodeJwt(reply.body.id_token), decodeJwt(refreshed.body.id_token)];
  assert.equal(first["auth_time"], second["auth_time"]);
  assert.deepEqual([first["nonce"], second["nonce"]], ["n", undefined]);
});
