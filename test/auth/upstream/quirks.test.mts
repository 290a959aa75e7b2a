import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { createPerson } from "../../../tools/person.mts";
import { createClock, HOUR, MINUTE } from "../../support/clock.mts";
import { authorizationUrl, pkce, registerClient } from "../../support/oauth.mts";
import { addToCallback, allOf, changeJson, connectUpstream, signInUpstream, UPSTREAM_CLIENT, walk } from "../../support/upstream.mts";
import { type Running, type Setting, withUpstream } from "./setting.mts";

async function profileOf({ host, upstream }: Running): Promise<Record<string, unknown>> {
  const { reply } = await connectUpstream(host.url, upstream, createPerson(""), "ann", { parameters: { scope: "openid email profile" } });
  assert.equal(reply.status, 200);
  const userinfo = await fetch(`${host.url}/oauth/userinfo`, { headers: { authorization: `Bearer ${reply.body.access_token}` } });
  return (await userinfo.json()) as Record<string, unknown>;
}

/** Ann comes to the sign-in page and goes to the provider. */
async function comeIn({ host, upstream }: Running) {
  const person = createPerson("");
  const { challenge } = pkce();
  const client = await registerClient(host.url);
  const page = await person.open(authorizationUrl(host.url, client, { code_challenge: challenge, code_challenge_method: "S256" }));
  return signInUpstream(person, page, upstream, "ann");
}

test("Google's extra parameters in the answer mean nothing, and it may leave refresh token, end of session and name out", async () => {
  await withUpstream({ settings: { configuration: { issueRefreshToken: () => false } }, entry: { preset: "google" } }, async (running) => {
    running.upstream.alter = allOf(
      addToCallback({ scope: "email openid", authuser: "0", hd: "example.com", prompt: "consent" }),
      changeJson(
        "/.well-known/openid-configuration",
        ({ end_session_endpoint: _no, authorization_response_iss_parameter_supported: __, ...rest }) => rest,
      ),
      running.upstream.resign(({ name: _name, ...claims }) => claims),
      changeJson("/me", ({ name: _name, ...claims }) => claims),
    );
    const { name, email_verified } = await profileOf(running);
    assert.deepEqual([name, email_verified], [undefined, true]);
    const asked = running.upstream.sent.get("/auth");
    assert.equal(asked?.get("access_type"), "offline");
    assert.equal(asked?.get("prompt"), "consent");
  });
});

test("Entra never says email_verified: its own tenant's word is taken, any other provider's is not", async () => {
  const setting: Setting = { ann: { email_verified: undefined } };
  await withUpstream({ ...setting, entry: { preset: "entra" } }, async (running) => {
    assert.equal((await profileOf(running))["email_verified"], true);
  });
  await withUpstream({ ...setting, entry: { preset: "entra", missing_email_verified: "refuse" } }, async (running) => {
    const page = await comeIn(running);
    assert.equal(page.status, 403);
    assert.match(page.html, /may not enter/);
  });
  await withUpstream(setting, async (running) => assert.equal((await comeIn(running)).status, 403));
});

test("an issuer for all tenants becomes the tenant's own, and only listed tenants come in", async () => {
  const [ours, theirs] = ["7c2e0f6a", "0badf00d"];
  await withUpstream({ entry: { tenants: [ours], missing_email_verified: "trust" } }, async (running) => {
    const { upstream } = running;
    const template = `${upstream.issuer}/{tenantid}/v2.0`;
    const asTenant = (tid: string) =>
      allOf(
        changeJson("/.well-known/openid-configuration", (body) => ({
          ...body,
          issuer: template,
          authorization_response_iss_parameter_supported: false,
        })),
        (answer) => removeIss(answer),
        upstream.resign((claims) => ({ ...claims, tid, iss: template.replace("{tenantid}", tid) })),
      );
    upstream.alter = asTenant(ours);
    assert.equal((await profileOf(running))["email"], "ann@example.com");
    upstream.alter = asTenant(theirs);
    assert.equal((await comeIn(running)).status, 400);
    // A tenant that says it is another.
    upstream.alter = allOf(
      asTenant(theirs),
      upstream.resign((claims) => ({ ...claims, tid: ours })),
    );
    assert.equal((await comeIn(running)).status, 400);
  });
});

test("an issuer for one tenant is not asked when tenants are listed: it would let all of that one in", async () => {
  await withUpstream({ entry: { tenants: ["7c2e0f6a"] } }, async (running) => {
    assert.equal((await comeIn(running)).status, 400);
    assert.ok(!running.upstream.calls.includes("POST /token"));
  });
});

function removeIss(answer: Parameters<ReturnType<typeof addToCallback>>[0]) {
  const { location } = answer.headers;
  if (typeof location !== "string" || !location.includes("/oauth/callback/")) return undefined;
  const url = new URL(location);
  url.searchParams.delete("iss");
  return { ...answer, headers: { ...answer.headers, location: url.href } };
}

test("Auth0's issuer ends with a slash, and any other may, whether the operator writes it or not", async () => {
  for (const path of ["/", "/realms/one/", ""]) {
    for (const written of [(issuer: string) => issuer.replace(/\/$/, ""), (issuer: string) => `${issuer.replace(/\/$/, "")}/`]) {
      await withUpstream({ settings: { path }, written, entry: { preset: "auth0" } }, async (running) => {
        assert.equal((await profileOf(running))["name"], "Ann Example");
        // What is published holds, to the last character.
        running.upstream.alter = running.upstream.resign((claims) => ({ ...claims, iss: `${claims.iss}/` }));
        assert.equal((await comeIn(running)).status, 400);
      });
    }
  }
});

test("Keycloak's session_state and iss come along, and its groups are found in a member of a member", async () => {
  const ann = { realm_access: { roles: ["editors", "staff"] } };
  const configuration = { claims: { openid: ["sub", "realm_access"], email: ["email", "email_verified"], profile: ["name"] } };
  const entry = { preset: "keycloak", claims: { groups: "realm_access.roles" } };
  const env = { ALLOWED_EMAIL_DOMAINS: "", ALLOWED_GROUPS: "staff" };
  await withUpstream({ ann, settings: { configuration }, entry, env }, async (running) => {
    running.upstream.alter = addToCallback({ session_state: "f81d4fae" });
    assert.equal((await profileOf(running))["email"], "ann@example.com");
    assert.ok(!running.upstream.calls.includes("GET /me"));
  });
});

test("Cognito's booleans are text and its userinfo lacks what it lacks", async () => {
  const settings = { configuration: { conformIdTokenClaims: true } };
  await withUpstream({ settings, entry: { preset: "cognito" } }, async (running) => {
    running.upstream.alter = changeJson("/me", ({ sub, email }) => ({ sub, email, email_verified: "true", username: "ann" }));
    const { email, email_verified, name } = await profileOf(running);
    assert.deepEqual([email, email_verified, name], ["ann@example.com", true, undefined]);
    assert.ok(running.upstream.calls.includes("GET /me"));
  });
});

test("userinfo is asked only when the ID token leaves something out, and must be of the same person", async () => {
  await withUpstream({}, async (running) => {
    await profileOf(running);
    assert.ok(!running.upstream.calls.includes("GET /me"));
  });
  await withUpstream({ settings: { configuration: { conformIdTokenClaims: true } } }, async (running) => {
    assert.equal((await profileOf(running))["name"], "Ann Example");
    running.upstream.alter = changeJson("/me", (claims) => ({ ...claims, sub: "bob" }));
    assert.equal((await comeIn(running)).status, 400);
  });
});

for (const alg of ["RS256", "PS256", "ES256", "EdDSA"]) {
  test(`an ID token may be signed with ${alg}, and the key may change at any moment`, async () => {
    await withUpstream({ settings: { alg } }, async (running) => {
      await profileOf(running);
      const { host, upstream } = running;
      const person = createPerson("");
      const client = await registerClient(host.url);
      const { challenge } = pkce();
      const page = await person.open(authorizationUrl(host.url, client, { code_challenge: challenge, code_challenge_method: "S256" }));
      const atProvider = await person.submit(page, /\/upstream$/, { provider: "upstream" });
      await upstream.rotate();
      assert.match((await walk(person, atProvider, upstream.issuer, "ann", host.url)).html, /\/consent"/);
    });
  });
}

test("an ID token without a kid is verified by whichever key fits", async () => {
  await withUpstream({}, async (running) => {
    const { upstream } = running;
    upstream.alter = upstream.resign((claims) => claims, { kid: undefined });
    const published = await (await fetch(`${upstream.issuer}/jwks`)).json();
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
    upstream.alter = allOf(upstream.alter, (answer) =>
      answer.path === "/jwks"
        ? { ...answer, body: JSON.stringify({ keys: [{ ...other, kid: "other", use: "sig" }, ...(published as { keys: [] }).keys] }) }
        : undefined,
    );
    await profileOf(running);
  });
});

test("several audiences need the one that the token was made for", async () => {
  await withUpstream({}, async (running) => {
    const { upstream } = running;
    const audience = [UPSTREAM_CLIENT.id, "another"];
    upstream.alter = upstream.resign((claims) => ({ ...claims, aud: audience, azp: UPSTREAM_CLIENT.id }));
    await profileOf(running);
    upstream.alter = upstream.resign((claims) => ({ ...claims, aud: audience }));
    assert.equal((await comeIn(running)).status, 400);
    upstream.alter = upstream.resign((claims) => ({ ...claims, aud: audience, azp: "another" }));
    assert.equal((await comeIn(running)).status, 400);
  });
});

test("clocks may differ by a minute and no more", async () => {
  await withUpstream({}, async (running) => {
    const { upstream } = running;
    const now = Math.floor(Date.now() / 1000);
    upstream.alter = upstream.resign((claims) => ({ ...claims, iat: now - 100, exp: now - 50 }));
    await profileOf(running);
    upstream.alter = upstream.resign((claims) => ({ ...claims, iat: now - 100, exp: now - 70 }));
    assert.equal((await comeIn(running)).status, 400);
  });
});

test("each way to authenticate is one that the provider takes", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k1", use: "sig", alg: "ES256" }] } as never;
  const private_key = { ...privateKey.export({ format: "jwk" }), kid: "k1" };
  const ways: readonly (readonly [string, Setting])[] = [
    ["client_secret_post", { entry: { token_endpoint_auth_method: "client_secret_post" } }],
    ["client_secret_basic", { entry: { token_endpoint_auth_method: "client_secret_basic" } }],
    ["private_key_jwt", { entry: { client_secret: undefined, private_key } }],
    ["none", { entry: { client_secret: undefined, token_endpoint_auth_method: "none" } }],
  ];
  for (const [method, setting] of ways) {
    const client = {
      token_endpoint_auth_method: method as "none",
      ...(method === "private_key_jwt" ? { jwks, token_endpoint_auth_signing_alg: "ES256" as const } : {}),
    };
    await withUpstream(setting, async (running) => {
      await running.upstream.open({ redirect_uris: [`${running.host.url}/oauth/callback/upstream`], ...client });
      assert.equal((await profileOf(running))["email"], "ann@example.com", method);
    });
  }
});

test("what the operator and the client want of the sign-in is passed on", async () => {
  const entry = { max_age: 3600, parameters: { prompt: "consent", acr_values: "phr" } };
  await withUpstream({ entry, settings: { configuration: { acrValues: ["phr"] } } }, async (running) => {
    const { host, upstream } = running;
    const parameters = { prompt: "login", max_age: "600", login_hint: "ann@example.com" };
    await connectUpstream(host.url, upstream, createPerson(""), "ann", { parameters });
    const asked = upstream.sent.get("/auth");
    assert.equal(asked?.get("prompt"), "consent login");
    assert.equal(asked?.get("max_age"), "600");
    assert.equal(asked?.get("login_hint"), "ann@example.com");
    assert.equal(asked?.get("acr_values"), "phr");
    // A provider that does not heed it.
    upstream.alter = upstream.resign((claims) => ({ ...claims, auth_time: Math.floor(Date.now() / 1000) - 2 * 3600 }));
    assert.equal((await comeIn(running)).status, 400);
    upstream.alter = upstream.resign(({ auth_time: _no, ...claims }) => claims);
    assert.equal((await comeIn(running)).status, 400);
  });
});

test("discovery is kept for an hour, and for a day when it cannot be had again", async () => {
  const clock = createClock();
  await withUpstream({ clock }, async (running) => {
    const { upstream } = running;
    const asked = () => upstream.calls.filter((call) => call.endsWith("openid-configuration")).length;
    await profileOf(running);
    await profileOf(running);
    assert.equal(asked(), 1);
    clock.advance(HOUR + MINUTE);
    upstream.alter = (answer) =>
      answer.path.startsWith("/.well-known") || answer.path === "/jwks" ? { ...answer, status: 500 } : undefined;
    // The provider's clock is the real one, ours an hour ahead.
    const { resign } = upstream;
    const later = (hours: number) => resign((claims) => ({ ...claims, exp: (claims.exp ?? 0) + hours * 3600 }));
    upstream.alter = allOf(upstream.alter, later(2));
    await profileOf(running);
    clock.advance(24 * HOUR);
    upstream.alter = allOf(upstream.alter, later(30));
    const page = await comeIn(running);
    assert.equal(page.status, 503);
    assert.match(page.html, /does not answer right now/);
  });
});
