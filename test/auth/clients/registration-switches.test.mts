import assert from "node:assert/strict";
import { test } from "node:test";
import { createClock, HOUR } from "../../support/clock.mts";
import { startPlainHost } from "../../support/host.mts";
import { connect, DEVELOPMENT_CLIENT, postForm, registerClient } from "../../support/oauth.mts";

const LIMITED = [
  { does: "one address registers so many clients in an hour", env: { REGISTRATION_LIMIT: "3" } },
  {
    does: "all addresses together register so many clients in an hour",
    env: { REGISTRATION_CEILING: "3", SHARED_EGRESS: "127.0.0.0/8 ::1/128" },
  },
] as const;
for (const { does, env } of LIMITED) {
  test(does, async (context) => {
    const clock = createClock();
    const limited = await startPlainHost({ clock, env });
    context.after(() => limited.close());
    clock.advance(HOUR - (clock() % HOUR));
    const statuses = [];
    for (let count = 0; count < 4; count++) statuses.push((await registerClient(limited.url)).reply.status);
    assert.deepEqual(statuses, [201, 201, 201, 429]);
    const refused = await registerClient(limited.url);
    assert.ok(Number(refused.reply.headers.get("retry-after")) > 0);
    clock.advance(HOUR);
    assert.equal((await registerClient(limited.url)).reply.status, 201);
  });
}

test("where registration is off nobody registers, and known clients go on", async (context) => {
  const closed = await startPlainHost({ env: { REGISTRATION: "off" } });
  context.after(() => closed.close());
  const { reply } = await registerClient(closed.url);
  assert.deepEqual([reply.status, reply.body.error], [404, "invalid_request"]);
  await connect(closed.url, { client: DEVELOPMENT_CLIENT });
});

test("methods that are not enabled cannot be registered, nor used by those who have them", async (context) => {
  const strict = await startPlainHost({ env: { CLIENT_AUTH_METHODS: "client_secret_basic private_key_jwt" } });
  context.after(() => strict.close());
  for (const method of ["none", "client_secret_post"]) {
    const { reply } = await registerClient(strict.url, { token_endpoint_auth_method: method });
    assert.deepEqual([reply.status, reply.body.error], [400, "invalid_client_metadata"], method);
  }
  const { reply } = await registerClient(strict.url, { token_endpoint_auth_method: undefined });
  assert.equal(reply.body.token_endpoint_auth_method, "client_secret_basic");
  const presented = { token: "x", client_id: DEVELOPMENT_CLIENT.id };
  const refused = await postForm(`${strict.url}/oauth/revoke`, presented);
  assert.equal(refused.body.error, "invalid_client");
});
