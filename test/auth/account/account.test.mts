import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createPerson, type OpenPage, type Person, shownCode } from "../../../tools/person.mts";
import { createClock, DAY, MINUTE, SECOND } from "../../support/clock.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import {
  authorizationUrl,
  connect,
  DEVELOPMENT_CLIENT,
  DEVELOPMENT_GPT,
  isAlive,
  pkce,
  refresh,
  registerClient,
} from "../../support/oauth.mts";

const clock = createClock();
let host: TestHost;
before(async () => {
  host = await startPlainHost({ clock });
});
after(() => host.close());

/** Opens the account page, signing in where it asks for it. */
async function accountOf(person: Person, email: string): Promise<OpenPage> {
  return signIn(await person.open(`${host.url}/account`), person, email);
}

async function signIn(page: OpenPage, person: Person, email: string): Promise<OpenPage> {
  if (!/action="[^"]*\/email"/.test(page.html)) return page;
  const code = await person.submit(page, /\/email$/, { email });
  return person.submit(code, /\/code$/, { code: shownCode(code) });
}

const callMcp = (accessToken: string) =>
  fetch(`${host.url}/mcp`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${accessToken}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
  }).then((reply) => reply.status);
const callActions = (accessToken: string) =>
  fetch(`${host.url}/actions/session`, { headers: { authorization: `Bearer ${accessToken}` } }).then((reply) => reply.status);

test("whoever is not signed in proves who they are first, without any client, and lands on their page", async () => {
  const person = createPerson("new@example.com");
  const page = await person.open(`${host.url}/account`);
  assert.match(page.url.pathname, /^\/oauth\/interaction\//);
  assert.doesNotMatch(page.html, /class="client"/);
  const account = await signIn(page, person, "new@example.com");
  assert.equal(account.url.pathname, "/account");
  assert.ok(account.html.includes("new@example.com"));
  assert.ok(account.html.includes("No app is connected"));
  const done = await person.open(page.url);
  assert.equal(done.url.pathname, "/account", "the sign-in is over and leads there");
});

test("the sign-in of the account page gives no consent and no code", async () => {
  const person = createPerson("new@example.com");
  const page = await person.open(`${host.url}/account`);
  for (const step of ["consent", "switch"]) {
    const reply = await fetch(`${page.url}/${step}`, {
      method: "POST",
      body: new URLSearchParams({ decision: "allow" }),
      headers: { cookie: person.cookies(page.url), origin: host.url },
    });
    assert.equal(reply.status, 404, step);
  }
});

test("apps are grouped by client, with host, scopes in words, first use and last token", async () => {
  const person = createPerson("ann@example.com");
  const client = await registerClient(host.url, { client_name: "Notes & more", redirect_uris: ["https://notes.example/cb"] });
  await connect(host.url, { person, client, parameters: { scope: "todos:read" } });
  const firstUse = new Date(clock()).toISOString();
  clock.advance(DAY / 4);
  await connect(host.url, { person, client, parameters: { scope: "todos:read todos:write" } });
  await connect(host.url, { person, client: DEVELOPMENT_GPT });
  const lastAccess = new Date(clock()).toISOString();
  const page = await accountOf(person, "ann@example.com");
  const apps = page.html.split('<li class="card">').slice(1);
  assert.equal(apps.length, 2);
  const notes = apps.find((app) => app.includes("notes.example")) ?? "";
  assert.ok(notes.includes("Notes &amp; more") && notes.includes("unverified"));
  assert.ok(notes.includes("add, change and delete your to-dos"));
  assert.match(notes, /<dt>Connections<\/dt><dd>2</);
  assert.deepEqual(
    [...notes.matchAll(/datetime="([^"]+)"/g)].map(([, time = ""]) => time.slice(0, 16)),
    [firstUse.slice(0, 16), lastAccess.slice(0, 16)],
  );
  assert.ok(!page.html.includes("bob"));
});

test("disconnecting one app ends all its installs on every surface at once and leaves the others", async () => {
  const person = createPerson("one@example.com");
  const client = await registerClient(host.url);
  const installs = [await connect(host.url, { person, client }), await connect(host.url, { person, client })];
  const gpt = await connect(host.url, { person, client: DEVELOPMENT_GPT });
  const other = await connect(host.url, { email: "two@example.com", client });
  assert.equal(await callActions(gpt.accessToken), 200);
  const page = await person.submit(await accountOf(person, "one@example.com"), /\/disconnect$/, { client_id: client.id });
  assert.equal(page.url.search, "?done=disconnected");
  assert.match(page.html, /role="status">The app is disconnected/);
  for (const { accessToken, refreshToken } of installs) {
    assert.equal(await isAlive(host.url, accessToken), false);
    assert.equal(await callMcp(accessToken), 401);
    assert.equal((await refresh(host.url, client, refreshToken)).body.error, "invalid_grant");
  }
  assert.equal(await callActions(gpt.accessToken), 200);
  assert.equal(await isAlive(host.url, other.accessToken), true, "another person's install of the same app goes on");
  await person.submit(page, /\/disconnect$/, { client_id: DEVELOPMENT_GPT.id });
  assert.equal(await callActions(gpt.accessToken), 401);
});

test("a disconnected app that was remembered has to ask again", async () => {
  await host.close();
  const client = { id: "web-app", secret: "a-secret-of-at-least-thirty-two-characters", redirectUri: "https://app.example.com/cb" };
  const registered = { client_id: client.id, client_secret: client.secret, redirect_uris: [client.redirectUri], require_pkce: false };
  host = await startPlainHost({ clock, env: { OAUTH_CLIENTS_JSON: JSON.stringify([registered]) } });
  const person = createPerson("ann@example.com");
  await connect(host.url, { person, client });
  const silent = authorizationUrl(host.url, client, { prompt: "none" });
  assert.ok((await person.open(silent)).leaves?.searchParams.get("code"));
  await person.submit(await accountOf(person, "ann@example.com"), /\/disconnect$/, { client_id: client.id });
  assert.equal((await person.open(silent)).leaves?.searchParams.get("error"), "consent_required");
});

test("signing out ends the session here and no app's access", async () => {
  const person = createPerson("ann@example.com");
  const { accessToken } = await connect(host.url, { person });
  const page = await accountOf(person, "ann@example.com");
  const cookie = person.cookies(host.url);
  const out = await person.submit(page, /\/sign-out$/);
  assert.equal(out.url.pathname, "/oauth/end_session/done");
  assert.ok(out.html.includes("You are signed out"));
  assert.equal(await isAlive(host.url, accessToken), true);
  const stolen = await fetch(`${host.url}/account`, { headers: { cookie }, redirect: "manual" });
  assert.equal(stolen.status, 303, "the old cookie opens nothing");
});

test("signing out everywhere ends every session and every token within ten seconds, and the person can come back", async () => {
  const here = createPerson("ann@example.com");
  const there = createPerson("ann@example.com");
  const first = await connect(host.url, { person: here });
  const second = await connect(host.url, { person: there, client: DEVELOPMENT_GPT });
  const page = await accountOf(here, "ann@example.com");
  clock.advance(SECOND);
  await here.submit(page, /\/sign-out-everywhere$/);
  clock.advance(10 * SECOND + 1);
  assert.equal(await callMcp(first.accessToken), 401);
  assert.equal(await callActions(second.accessToken), 401);
  assert.equal((await refresh(host.url, second.client, second.refreshToken)).body.error, "invalid_grant");
  assert.match((await there.open(`${host.url}/account`)).html, /action="[^"]*\/email"/);
  const again = await accountOf(here, "ann@example.com");
  assert.ok(again.html.includes("No app is connected"));
  const back = await connect(host.url, { person: here });
  assert.equal(await isAlive(host.url, back.accessToken), true);
});

test("forms of another site, of another session and of nobody do nothing", async () => {
  const person = createPerson("ann@example.com");
  const { accessToken, client } = await connect(host.url, { person });
  const page = await accountOf(person, "ann@example.com");
  const token = /name="token" value="([^"]+)"/.exec(page.html)?.[1] ?? "";
  const eve = await accountOf(createPerson("eve@example.com"), "eve@example.com");
  const eves = /name="token" value="([^"]+)"/.exec(eve.html)?.[1] ?? "";
  const post = (fields: Record<string, string>, headers: Record<string, string>) =>
    fetch(`${host.url}/account/disconnect`, {
      method: "POST",
      body: new URLSearchParams({ client_id: client.id, ...fields }),
      headers,
      redirect: "manual",
    }).then((reply) => reply.status);
  const cookie = person.cookies(host.url);
  for (const origin of ["https://evil.example", "null", "https://chatgpt.com"])
    assert.equal(await post({ token }, { cookie, origin }), 403);
  assert.equal(await post({ token: eves }, { cookie, origin: host.url }), 403);
  assert.equal(await post({}, { cookie, origin: host.url }), 403);
  assert.equal(await post({ token }, { origin: host.url }), 303, "to the sign-in");
  assert.equal(await isAlive(host.url, accessToken), true);
  assert.equal(await post({ token }, { cookie, origin: host.url }), 303);
  assert.equal(await isAlive(host.url, accessToken), false);
});

test("a page that was open through another sign-in is refused, so that nobody acts on another's account", async () => {
  const person = createPerson("ann@example.com");
  const page = await accountOf(person, "ann@example.com");
  const { challenge } = pkce();
  const login = authorizationUrl(host.url, DEVELOPMENT_CLIENT, {
    code_challenge: challenge,
    code_challenge_method: "S256",
    prompt: "login",
  });
  const code = await person.submit(await person.open(login), /\/email$/, { email: "bob@example.com" });
  await person.submit(code, /\/code$/, { code: shownCode(code) });
  assert.equal((await person.submit(page, /\/sign-out-everywhere$/)).status, 403);
});

test("an app whose registration is gone is still there to be disconnected", async () => {
  const person = createPerson("gone@example.com");
  const client = await registerClient(host.url, { client_name: "Gone", redirect_uris: ["https://gone.example/cb"] });
  const { accessToken } = await connect(host.url, { person, client });
  await host.service.store.take({ name: "client", codec: { parse: (value: unknown) => value } as never }, { id: client.id });
  const page = await accountOf(person, "gone@example.com");
  assert.ok(page.html.includes("gone.example"));
  await person.submit(page, /\/disconnect$/);
  assert.equal(await isAlive(host.url, accessToken), false);
});

test("the page names no notice that is not one of its own", async () => {
  const person = createPerson("ann@example.com");
  await accountOf(person, "ann@example.com");
  for (const name of ["constructor", "<b>", "__proto__", ""]) {
    const page = await person.open(`${host.url}/account?done=${encodeURIComponent(name)}`);
    assert.doesNotMatch(page.html, /role="status"/);
  }
  clock.advance(MINUTE);
});
