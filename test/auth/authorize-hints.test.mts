import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createPerson, type OpenPage, type Person, shownCode } from "../../tools/person.mts";
import { createClock, HOUR, MINUTE } from "../support/clock.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, connect, DEVELOPMENT_CLIENT, pkce, registerClient } from "../support/oauth.mts";

const clock = createClock();
const REMEMBERED = {
  id: "web-app",
  secret: "a-secret-of-at-least-thirty-two-characters",
  redirectUri: "https://app.example.com/callback",
};
let host: TestHost;
before(async () => {
  const clients = [
    { client_id: REMEMBERED.id, client_secret: REMEMBERED.secret, redirect_uris: [REMEMBERED.redirectUri], require_pkce: false },
  ];
  host = await startPlainHost({ clock, env: { OAUTH_CLIENTS_JSON: JSON.stringify(clients) } });
});
after(() => host.close());

const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };

function ask(person: Person, parameters: Readonly<Record<string, string | undefined>>, client = REMEMBERED): Promise<OpenPage> {
  return person.open(authorizationUrl(host.url, client, { ...PROTECTED, ...parameters }));
}

/** Where a request ended: a form's last step, an error, or "code". */
function endOf(page: OpenPage): string {
  if (page.leaves) return page.leaves.searchParams.get("error") ?? "code";
  return /action="[^"]*\/(email|code|consent)"/.exec(page.html)?.[1] ?? String(page.status);
}

async function signIn(page: OpenPage, person: Person, email: string): Promise<OpenPage> {
  const code = await person.submit(page, /\/email$/, { email });
  return person.submit(code, /\/code$/, { code: shownCode(code) });
}

test("prompt and max_age decide what someone is asked who is signed in and has consented before", async () => {
  const person = createPerson("ann@example.com");
  await person.authorize(authorizationUrl(host.url, REMEMBERED, { ...PROTECTED }));
  clock.advance(10 * MINUTE);
  const cases: [Record<string, string>, string][] = [
    [{}, "code"],
    [{ prompt: "none" }, "code"],
    [{ prompt: "consent" }, "consent"],
    [{ prompt: "login" }, "email"],
    [{ prompt: "select_account" }, "email"],
    [{ prompt: "login consent" }, "email"],
    [{ prompt: "create" }, "code"],
    [{ prompt: "none consent" }, "invalid_request"],
    [{ max_age: "3600" }, "code"],
    [{ max_age: "60" }, "email"],
    [{ max_age: "0" }, "email"],
    [{ max_age: "60", prompt: "none" }, "login_required"],
    [{ max_age: "0", prompt: "none" }, "login_required"],
    [{ max_age: "-1" }, "invalid_request"],
    [{ ui_locales: "de-AT de", acr_values: "1", display: "popup", claims: "{}" }, "code"],
  ];
  for (const [parameters, end] of cases) assert.equal(endOf(await ask(person, parameters)), end, JSON.stringify(parameters));
});

test("max_age 0 asks for a new sign-in also in the very moment of the last one", async () => {
  const person = createPerson("max@example.com");
  await person.authorize(authorizationUrl(host.url, REMEMBERED, PROTECTED));
  assert.equal(endOf(await ask(person, { max_age: "0" })), "email");
});

test("login with consent shows the consent page after the sign-in; login alone goes on", async () => {
  const person = createPerson("ann@example.com");
  await person.authorize(authorizationUrl(host.url, REMEMBERED, PROTECTED));
  assert.equal(endOf(await signIn(await ask(person, { prompt: "login" }), person, "ann@example.com")), "code");
  assert.equal(endOf(await signIn(await ask(person, { prompt: "login consent" }), person, "ann@example.com")), "consent");
});

test("a login_hint that is an e-mail address is filled in, another is left out", async () => {
  const filled = await ask(createPerson("x"), { login_hint: "Ann@Example.com" });
  assert.match(filled.html, /name="email"[^>]* value="ann@example\.com"/);
  for (const hint of ["sub-12345", '"><script>alert(1)</script>@example.com', `${"a".repeat(400)}@example.com`]) {
    const page = await ask(createPerson("x"), { login_hint: hint });
    assert.match(page.html, /name="email"[^>]* value=""/);
    assert.doesNotMatch(page.html, /<script>alert/);
  }
});

test("an id_token_hint names the one person who can go on", async () => {
  const ann = createPerson("ann@example.com");
  const { reply } = await connect(host.url, { client: REMEMBERED, person: ann });
  const idToken = String(reply.body.id_token);
  clock.advance(2 * HOUR);
  assert.equal(endOf(await ask(ann, { id_token_hint: idToken, prompt: "none" })), "code", "an expired one is still a hint");

  const bob = createPerson("bob@example.com");
  await bob.authorize(authorizationUrl(host.url, REMEMBERED, PROTECTED));
  assert.equal(endOf(await ask(bob, { id_token_hint: idToken, prompt: "none" })), "login_required");
  const page = await ask(bob, { id_token_hint: idToken });
  assert.equal(endOf(page), "email");
  const refused = await signIn(page, bob, "bob@example.com");
  assert.equal(refused.status, 400);
  assert.match(refused.html, /asks for another account/);
  assert.equal(endOf(await signIn(refused, bob, "ann@example.com")), "code");
});

test("what is no ID token of ours for this client decides nothing", async () => {
  const ann = createPerson("ann@example.com");
  const { reply, accessToken } = await connect(host.url, { client: REMEMBERED, person: ann });
  const idToken = String(reply.body.id_token);
  const [header = "", payload = ""] = idToken.split(".");
  const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url")}.${payload}.`;
  const foreign = (await connect(host.url, { person: ann })).reply.body.id_token;
  for (const hint of ["x", unsigned, `${header}.${payload}.${"A".repeat(342)}`, accessToken, foreign, `${idToken}${"x".repeat(5000)}`]) {
    assert.equal(endOf(await ask(ann, { id_token_hint: hint })), "code");
    assert.equal(endOf(await ask(ann, { id_token_hint: hint, prompt: "none" })), "login_required");
  }
});

test("who is signed in is known: a missing consent is told to every client, a faulty request of a stranger's is not", async () => {
  const stranger = await registerClient(host.url, { redirect_uris: ["https://somewhere.example/callback"] });
  const person = createPerson("ann@example.com");
  await person.authorize(authorizationUrl(host.url, stranger, PROTECTED));
  const silent = await person.open(authorizationUrl(host.url, stranger, { ...PROTECTED, prompt: "none" }));
  assert.equal(endOf(silent), "consent_required");
  assert.equal(silent.leaves?.searchParams.get("state"), "xyz");
  assert.equal(silent.leaves?.searchParams.get("iss"), host.url);
  const faulty = await person.open(authorizationUrl(host.url, stranger, { ...PROTECTED, response_type: "token" }));
  assert.equal(faulty.leaves, undefined);
  const unknown = await createPerson("bob@example.com").open(authorizationUrl(host.url, stranger, { ...PROTECTED, prompt: "none" }));
  assert.equal(unknown.leaves, undefined, "nobody is signed in");
});

test("the consent page marks what is new since the last consent, for every kind of client", async () => {
  const stranger = await registerClient(host.url);
  const person = createPerson("ann@example.com");
  await person.authorize(authorizationUrl(host.url, stranger, { ...PROTECTED, scope: "todos:read" }));
  const again = await person.open(authorizationUrl(host.url, stranger, { ...PROTECTED, scope: "todos:read" }));
  assert.equal(endOf(again), "consent", "it only marks, it does not consent");
  assert.doesNotMatch(again.html, />new</);
  const more = await person.open(authorizationUrl(host.url, stranger, { ...PROTECTED, scope: "todos:read todos:write" }));
  assert.deepEqual(more.html.match(/<span>[^<]*<span class="badge accent">new<\/span><\/span> <code>[^<]*/g)?.length, 1);
  assert.match(more.html, />new<\/span><\/span> <code>todos:write</);
});

test("clients that guess the endpoints at the origin find them", async () => {
  const atRoot = (page: string) =>
    new URL(String(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED)).replace("/oauth/authorize", page));
  assert.equal(endOf(await createPerson("ann@example.com").open(atRoot("/authorize"))), "email");
  const posted = await fetch(`${host.url}/authorize`, { method: "POST", body: new URLSearchParams({ a: "b" }), redirect: "manual" });
  assert.equal(posted.headers.get("location"), "/oauth/authorize?a=b");
  for (const path of ["/token", "/revoke", "/register"]) {
    const reply = await fetch(host.url + path, { method: "POST", body: new URLSearchParams({ a: "b" }) });
    const twin = await fetch(`${host.url}/oauth${path}`, { method: "POST", body: new URLSearchParams({ a: "b" }) });
    assert.equal(reply.status, twin.status, path);
    assert.deepEqual(await reply.json(), await twin.json(), path);
  }
});
