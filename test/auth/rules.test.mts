import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { sha256 } from "../../shared/hash.ts";
import { clientStateKind, subjectStateKind } from "../../shared/state/records.ts";
import { createPerson, shownCode } from "../../tools/person.mts";
import { createClock, DAY, MINUTE, SECOND } from "../support/clock.mts";
import { startPlainHost } from "../support/host.mts";
import {
  authorizationUrl,
  connect,
  DEVELOPMENT_CLIENT,
  DEVELOPMENT_GPT,
  isAlive,
  pkce,
  postForm,
  redeem,
  refresh,
} from "../support/oauth.mts";

const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };

test("an old tab releases nothing for an account it did not show, nor after a sign-out", async (context) => {
  const host = await startPlainHost({});
  context.after(() => host.close());
  const person = createPerson("ann@example.com");
  const start = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  const signInAs = async (page: typeof start, email: string) => {
    const code = await person.submit(page, /\/email$/, { email });
    return person.submit(code, /\/code$/, { code: shownCode(code) });
  };
  const shownAnn = await signInAs(start, "ann@example.com");
  const shownBob = await signInAs(await person.submit(shownAnn, /\/switch$/), "bob@example.com");
  assert.equal((await person.submit(shownAnn, /\/consent$/, { decision: "allow" })).status, 409);
  const other = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  await person.submit(other, /\/switch$/);
  const afterSignOut = await person.submit(shownBob, /\/consent$/, { decision: "allow" });
  assert.equal(afterSignOut.leaves, undefined);
  assert.match(afterSignOut.html, /action="[^"]*\/email"/);
});

test("a code that expired does not come back with another Allow", async (context) => {
  const clock = createClock();
  const host = await startPlainHost({ clock });
  context.after(() => host.close());
  const person = createPerson("ann@example.com");
  await connect(host.url, { person });
  const { verifier, challenge } = pkce();
  const consent = await person.open(
    authorizationUrl(host.url, DEVELOPMENT_CLIENT, { code_challenge: challenge, code_challenge_method: "S256" }),
  );
  const first = await person.submit(consent, /\/consent$/, { decision: "allow" });
  clock.advance(61 * SECOND);
  assert.equal((await person.submit(consent, /\/consent$/, { decision: "allow" })).status, 410);
  const reply = await redeem(host.url, DEVELOPMENT_CLIENT, first.leaves?.searchParams.get("code") ?? "", { code_verifier: verifier });
  assert.equal(reply.body.error, "invalid_grant");
});

test("who is disabled or cut off can neither redeem nor refresh", async (context) => {
  const clock = createClock();
  const host = await startPlainHost({ clock });
  context.after(() => host.close());
  const { store } = host.service;
  for (const lock of [() => ({ disabled: true }), () => ({ disabled: false, notBefore: clock() + MINUTE })]) {
    for (const whose of ["subject", "client"] as const) {
      const { client, refreshToken, accessToken } = await connect(host.url, { email: `${whose}@example.com` });
      const subject = String(JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString()).sub);
      const [kind, id] = whose === "subject" ? ([subjectStateKind, subject] as const) : ([clientStateKind, sha256(client.id)] as const);
      await store.create(kind, { id }, lock(), null);
      clock.advance(11 * SECOND);
      const refused = await refresh(host.url, client, refreshToken);
      assert.ok(["invalid_grant", "invalid_client"].includes(refused.body.error), `${whose} ${JSON.stringify(refused.body)}`);
      await store.take(kind, { id });
      clock.advance(11 * SECOND);
    }
  }
});

test("who is enabled again goes on with what they had, though they tried meanwhile", async (context) => {
  const clock = createClock();
  const host = await startPlainHost({ clock });
  context.after(() => host.close());
  const { store } = host.service;
  for (const whose of ["subject", "client"] as const) {
    const { refreshToken, accessToken } = await connect(host.url, { client: DEVELOPMENT_GPT, email: `${whose}@example.com` });
    const subject = String(JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString()).sub);
    const [kind, id] =
      whose === "subject" ? ([subjectStateKind, subject] as const) : ([clientStateKind, sha256(DEVELOPMENT_GPT.id)] as const);
    clock.advance(11 * SECOND);
    await store.create(kind, { id }, { disabled: true }, null);
    assert.notEqual((await refresh(host.url, DEVELOPMENT_GPT, refreshToken)).status, 200, whose);
    await store.take(kind, { id });
    assert.notEqual((await refresh(host.url, DEVELOPMENT_GPT, refreshToken)).status, 200, `${whose}: this process has not heard of it`);
    clock.advance(11 * SECOND);
    assert.equal((await refresh(host.url, DEVELOPMENT_GPT, refreshToken)).status, 200, whose);
  }
});

test("a scope that SCOPE_RULES takes away is gone at the next refresh, and comes back with the rule's end", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "portico-rules-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const env = { STATE_URL: `sqlite:${join(folder, "state.db")}`, PUBLIC_URL: "http://localhost:9" };
  const first = await startPlainHost({ env });
  const { client, ...connected } = await connect(first.url, { parameters: { scope: "todos:read todos:write" } });
  await first.close();
  let { refreshToken } = connected;
  for (const [SCOPE_RULES, scope] of [
    ['{"todos:write":["editors"]}', "todos:read"],
    ["{}", "todos:read todos:write"],
    ['{"todos:write":["editors"],"todos:read":["editors"]}', undefined],
  ] as const) {
    const host = await startPlainHost({ env: { ...env, SCOPE_RULES } });
    const { body } = await refresh(host.url, client, refreshToken);
    await host.close();
    assert.equal(body.scope, scope);
    if (scope === undefined) assert.equal(body.error, "invalid_scope");
    else refreshToken = body.refresh_token;
  }
});

test("of one person's grants for one client the fifty most recently used live", async (context) => {
  const clock = createClock();
  const host = await startPlainHost({ clock });
  context.after(() => host.close());
  const person = createPerson("ann@example.com");
  const grants = [];
  for (let count = 0; count < 50; count++) {
    clock.advance(SECOND);
    grants.push(await connect(host.url, { person, client: DEVELOPMENT_CLIENT }));
  }
  clock.advance(MINUTE);
  const kept = await refresh(host.url, DEVELOPMENT_CLIENT, grants[0]?.refreshToken ?? "");
  await connect(host.url, { person, client: DEVELOPMENT_CLIENT });
  assert.equal(await isAlive(host.url, kept.body.access_token), true);
  assert.equal(await isAlive(host.url, grants[1]?.accessToken ?? ""), false);
  assert.equal(await isAlive(host.url, grants[2]?.accessToken ?? ""), true);
});

test("a client with a secret that is used each week stays connected beyond its idle life", async (context) => {
  const clock = createClock();
  const host = await startPlainHost({ clock });
  context.after(() => host.close());
  let { refreshToken } = await connect(host.url, { client: DEVELOPMENT_GPT });
  for (let week = 0; week < 10; week++) {
    clock.advance(7 * DAY);
    const reply = await refresh(host.url, DEVELOPMENT_GPT, refreshToken);
    assert.equal(reply.status, 200, `after ${week + 1} weeks`);
    refreshToken = reply.body.refresh_token;
  }
});

test("seventeen revoked access tokens end their grant", async (context) => {
  const host = await startPlainHost({});
  context.after(() => host.close());
  const { client, refreshToken } = await connect(host.url, { client: DEVELOPMENT_GPT });
  for (let count = 0; count < 17; count++) {
    const { body } = await refresh(host.url, client, refreshToken);
    await postForm(`${host.url}/oauth/revoke`, { token: body.access_token, client_id: client.id, client_secret: client.secret });
    const alive = (await refresh(host.url, client, refreshToken)).status === 200;
    assert.equal(alive, count < 16, `after ${count + 1}`);
  }
});

test("who may no longer enter is out at the next refresh", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "portico-admission-"));
  const env = { STATE_URL: `sqlite:${join(folder, "state.db")}`, PUBLIC_URL: "http://localhost:9" };
  const before = await startPlainHost({ env });
  const { client, refreshToken } = await connect(before.url, { email: "eve@example.com" });
  await before.close();
  const host = await startPlainHost({ env: { ...env, ALLOWED_EMAILS: "ann@example.com" } });
  context.after(async () => {
    await host.close();
    rmSync(folder, { recursive: true });
  });
  assert.equal((await refresh(host.url, client, refreshToken)).body.error, "invalid_grant");
});

test("a scope with a rule is granted to members of its groups only", async (context) => {
  const host = await startPlainHost({ env: { SCOPE_RULES: '{"todos:write":["editors"]}' } });
  context.after(() => host.close());
  const { reply } = await connect(host.url, { parameters: { scope: "todos:read todos:write" } });
  assert.equal(reply.body.scope, "todos:read");
  const none = await createPerson("ann@example.com").authorize(
    authorizationUrl(host.url, DEVELOPMENT_CLIENT, { ...PROTECTED, scope: "todos:write" }),
  );
  assert.equal(none.searchParams.get("error"), "access_denied");
});

test("over https cookies are Secure, bound to the host, and the weak name is not read", async (context) => {
  const host = await startPlainHost({ env: { PUBLIC_URL: "https://portico.example" } });
  context.after(() => host.close());
  const url = authorizationUrl(
    host.url,
    { ...DEVELOPMENT_CLIENT, id: await webClient(host.url), redirectUri: "https://app.example/cb" },
    PROTECTED,
  );
  const response = await fetch(url, { redirect: "manual" });
  const cookie = response.headers.getSetCookie()[0] ?? "";
  assert.match(cookie, /^__Host-portico_browser=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=/);
  const secret = /=([\w-]{43})/.exec(cookie)?.[1];
  const page = `${host.url}${response.headers.get("location")}`;
  const open = (name: string) => fetch(page, { headers: { cookie: `${name}=${secret}` } });
  assert.equal((await open("__Host-portico_browser")).status, 200);
  for (const weak of ["portico_browser", "portico_4000_browser", `portico_${new URL(host.url).port}_browser`]) {
    assert.equal((await open(weak)).status, 403, weak);
  }
});

test("the development code is not shown, and no Custom GPT registered, where the public URL is not this machine or a proxy shows itself", async (context) => {
  const host = await startPlainHost({ env: { PUBLIC_URL: "https://portico.example" } });
  context.after(() => host.close());
  for (const header of ["via", "x-real-ip", "x-forwarded-proto", "cf-connecting-ip"]) {
    const body = new URLSearchParams({ callback_url: "https://chatgpt.com/aip/g-x/oauth/callback" });
    const reply = await fetch(`${host.url}/setup/custom-gpt`, { method: "POST", body, headers: { [header]: "203.0.113.7" } });
    assert.equal(reply.status, 403, header);
  }
  const person = createPerson("ann@example.com");
  const client = { id: await webClient(host.url), redirectUri: "https://app.example/cb" };
  const start = await person.open(authorizationUrl(host.url, client, PROTECTED));
  const page = await person.submit(start, /\/email$/, { email: "ann@example.com" });
  assert.throws(() => shownCode(page));
});

test("nobody's mailbox is flooded: twenty codes for an address in an hour, whoever asks", async (context) => {
  const host = await startPlainHost({});
  context.after(() => host.close());
  const statuses = [];
  for (let count = 0; count < 21; count++) {
    const person = createPerson("ann@example.com");
    const start = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
    statuses.push((await person.submit(start, /\/email$/, { email: "ann@example.com" })).status);
  }
  assert.deepEqual([...new Set(statuses.slice(0, 20))], [200]);
  assert.equal(statuses[20], 429);
});

test("a step that is none is a 404, also under the names every object has", async (context) => {
  const host = await startPlainHost({});
  context.after(() => host.close());
  const person = createPerson("ann@example.com");
  const page = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  for (const step of ["constructor", "toString", "__proto__", "valueOf", "nothing"]) {
    const reply = await fetch(`${page.url}/${step}`, {
      method: "POST",
      body: new URLSearchParams(),
      headers: { cookie: person.cookies(page.url) },
    });
    assert.equal(reply.status, 404, step);
  }
});

test("a repeated parameter is told to a proved client, and to the person when it decides where to go", async (context) => {
  const host = await startPlainHost({});
  context.after(() => host.close());
  const person = createPerson("ann@example.com");
  const repeat = (name: string) => {
    const url = authorizationUrl(host.url, DEVELOPMENT_CLIENT, { ...PROTECTED, scope: "openid", resource: `${host.url}/mcp` });
    url.searchParams.append(name, url.searchParams.get(name) ?? "");
    return person.open(url);
  };
  assert.equal((await repeat("scope")).leaves?.searchParams.get("error"), "invalid_request");
  assert.equal((await repeat("resource")).leaves?.searchParams.get("error"), "invalid_target");
  for (const name of ["client_id", "redirect_uri", "state"]) assert.equal((await repeat(name)).status, 400, name);
});

test("an authorization request that is too long for an address is refused before it becomes one", async (context) => {
  const host = await startPlainHost({});
  context.after(() => host.close());
  const reply = await fetch(`${host.url}/oauth/authorize`, {
    method: "POST",
    body: new URLSearchParams({ state: "x".repeat(20_000) }),
    redirect: "manual",
  });
  assert.equal(reply.status, 413);
});

async function webClient(url: string): Promise<string> {
  const response = await fetch(`${url}/oauth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ redirect_uris: ["https://app.example/cb"], token_endpoint_auth_method: "none" }),
  });
  return ((await response.json()) as { client_id: string }).client_id;
}
