import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, loadConfig } from "../../../shared/config.ts";
import { createPerson } from "../../../tools/person.mts";
import { createClock, HOUR, MINUTE, SECOND } from "../../support/clock.mts";
import { startPlainHost } from "../../support/host.mts";
import { authorizationUrl, connect, DEVELOPMENT_CLIENT, isAlive, pkce, redeem, refresh } from "../../support/oauth.mts";

test("codes, access tokens, refresh tokens and grants live as long as the configuration says", async (context) => {
  const clock = createClock();
  const env = { LIFETIME_CODE: "20", LIFETIME_ACCESS_TOKEN: "120", LIFETIME_REFRESH_IDLE: "3600", LIFETIME_REFRESH: "9000" };
  const host = await startPlainHost({ clock, env });
  context.after(() => host.close());
  const { client, reply, refreshToken } = await connect(host.url);
  assert.equal(reply.body.expires_in, 120);
  clock.advance(121 * SECOND);
  assert.equal(await isAlive(host.url, reply.body.access_token), false);
  let current = refreshToken;
  for (let count = 0; count < 4; count++) {
    const { status, body } = await refresh(host.url, client, current);
    assert.equal(status, 200);
    current = body.refresh_token;
    clock.advance(35 * MINUTE);
  }
  const last = await refresh(host.url, client, current);
  assert.ok(last.body.expires_in <= 120);
  clock.advance(15 * MINUTE);
  assert.equal((await refresh(host.url, client, last.body.refresh_token)).body.error, "invalid_grant", "after 9,000 seconds in all");
  const idle = await connect(host.url);
  clock.advance(HOUR);
  assert.equal((await refresh(host.url, idle.client, idle.refreshToken)).body.error, "invalid_grant");
  const { verifier, challenge } = pkce();
  const url = authorizationUrl(host.url, DEVELOPMENT_CLIENT, { code_challenge: challenge, code_challenge_method: "S256" });
  const code = (await createPerson("ann@example.com").authorize(url)).searchParams.get("code") ?? "";
  clock.advance(20 * SECOND);
  assert.equal((await redeem(host.url, DEVELOPMENT_CLIENT, code, { code_verifier: verifier })).body.error, "invalid_grant");
});

test("lifetimes that contradict each other are named, all of them", () => {
  const env = {
    NODE_ENV: "test",
    LIFETIME_KEY_LEAD: "10",
    LIFETIME_ACCESS_TOKEN: "7200",
    LIFETIME_REFRESH_IDLE: "3600",
    LIFETIME_REFRESH: "3600",
  };
  assert.throws(
    () => loadConfig({ ...env, LIFETIME_CODE: "1", LIFETIME_SESSION: "soon" }),
    (error: ConfigError) => {
      const named = ["LIFETIME_CODE", "LIFETIME_SESSION", "LIFETIME_KEY_LEAD", "LIFETIME_REFRESH_IDLE"];
      assert.deepEqual(error.faults.map((fault) => fault.split(":")[0]).sort(), named.sort());
      return error instanceof ConfigError;
    },
  );
});
