import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createPerson, type OpenPage, type Person, shownCode } from "../../tools/person.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, connect, DEVELOPMENT_CLIENT, pkce } from "../support/oauth.mts";

let host: TestHost;
before(async () => {
  host = await startPlainHost({});
});
after(() => host.close());

const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };

function open(person: Person, parameters: Readonly<Record<string, string>> = {}): Promise<OpenPage> {
  return person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, { ...PROTECTED, ...parameters }));
}

async function signIn(page: OpenPage, person: Person, email: string): Promise<OpenPage> {
  const code = await person.submit(page, /\/email$/, { email });
  return person.submit(code, /\/code$/, { code: shownCode(code) });
}

test("two tabs that begin at once in a new browser both come to their end", async () => {
  const person = createPerson("ann@example.com");
  const [first, second] = await Promise.all([open(person, { state: "first" }), open(person, { state: "second" })]);
  assert.deepEqual([first.status, second.status], [200, 200]);
  const consents = [await signIn(first, person, "ann@example.com"), await signIn(second, person, "ann@example.com")];
  const answers = await Promise.all(consents.map((consent) => person.submit(consent, /\/consent$/, { decision: "allow" })));
  assert.deepEqual(
    answers.map(({ leaves }) => [leaves?.searchParams.get("state"), leaves?.searchParams.has("code")]),
    [
      ["first", true],
      ["second", true],
    ],
  );
});

test("the cookie of one transaction opens no other, and an attacker's link in the victim's browser stays the attacker's", async () => {
  const attacker = createPerson("eve@example.com");
  const theirs = await open(attacker);
  const victim = createPerson("ann@example.com");
  await open(victim);
  assert.equal((await victim.open(theirs.url)).status, 403);
  const own = /(portico_\d+_transaction_[\w-]+=[\w-]+)/.exec(attacker.cookies(host.url))?.[1] ?? "";
  const mine = await open(victim);
  const swapped = await fetch(mine.url, { headers: { cookie: own } });
  assert.equal(swapped.status, 403);
  const right = await fetch(theirs.url, { headers: { cookie: own } });
  assert.equal(right.status, 200);
});

test("signing in again in one tab leaves the same person's consent page in another tab good", async () => {
  const person = createPerson("ann@example.com");
  await connect(host.url, { person });
  const consent = await open(person);
  await signIn(await open(person, { prompt: "login" }), person, "ann@example.com");
  assert.ok((await person.submit(consent, /\/consent$/, { decision: "allow" })).leaves?.searchParams.get("code"));
});

test("an old tab of another account releases nothing and does not sign out who is signed in now", async () => {
  const person = createPerson("ann@example.com");
  const shownAnn = await signIn(await open(person), person, "ann@example.com");
  const shownBob = await signIn(await open(person, { prompt: "login" }), person, "bob@example.com");
  const old = await person.submit(shownAnn, /\/consent$/, { decision: "allow" });
  assert.equal(old.leaves, undefined);
  assert.match(old.html, /action="[^"]*\/email"/);
  const current = await person.submit(shownBob, /\/consent$/, { decision: "allow" });
  assert.ok(current.leaves?.searchParams.get("code"));
});

test("each sign-in makes a new session, and the one before it is over", async () => {
  const person = createPerson("ann@example.com");
  const sessionOf = () => /portico_\d+_session=[\w-]+/.exec(person.cookies(host.url))?.[0] ?? "none";
  const isSignedIn = async (cookie: string) =>
    (await fetch(`${host.url}/account`, { headers: { cookie }, redirect: "manual" })).status === 200;
  await signIn(await open(person), person, "ann@example.com");
  const first = sessionOf();
  assert.ok(await isSignedIn(first));
  await signIn(await open(person, { prompt: "login" }), person, "ann@example.com");
  assert.notEqual(sessionOf(), first);
  assert.ok(await isSignedIn(sessionOf()));
  assert.equal(await isSignedIn(first), false);
});

test("a session cookie that somebody planted becomes nobody's session", async () => {
  const port = new URL(host.url).port;
  const planted = `portico_${port}_session=${"p".repeat(43)}`;
  const person = createPerson("ann@example.com");
  const start = await open(person);
  const code = await person.submit(start, /\/email$/, { email: "ann@example.com" });
  const reply = await fetch(`${start.url}/code`, {
    method: "POST",
    body: new URLSearchParams({ code: shownCode(code) }),
    headers: { cookie: `${person.cookies(host.url)}; ${planted}`, origin: host.url },
    redirect: "manual",
  });
  const given = reply.headers.getSetCookie().find((cookie) => cookie.includes("_session=")) ?? "";
  assert.ok(given !== "" && !given.startsWith(planted));
  const fixed = await fetch(`${host.url}/account`, { headers: { cookie: planted }, redirect: "manual" });
  assert.equal(fixed.status, 303);
});
