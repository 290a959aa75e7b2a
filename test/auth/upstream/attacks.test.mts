import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createPerson, type OpenPage, type Person } from "../../../tools/person.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { authorizationUrl, pkce, registerClient } from "../../support/oauth.mts";
import { signInUpstream, startUpstream, type TestUpstream, UPSTREAM_CLIENT } from "../../support/upstream.mts";
import { ANN } from "./setting.mts";

let one: TestUpstream;
let two: TestUpstream;
let host: TestHost;
before(async () => {
  [one, two] = [await startUpstream(), await startUpstream()];
  for (const upstream of [one, two]) upstream.people.set("ann", ANN);
  const entry = (id: string, { issuer }: TestUpstream) => ({
    id,
    issuer,
    client_id: UPSTREAM_CLIENT.id,
    client_secret: UPSTREAM_CLIENT.secret,
  });
  host = await startPlainHost({ env: { UPSTREAMS_JSON: JSON.stringify([entry("one", one), entry("two", two)]) } });
  await one.open({ redirect_uris: [`${host.url}/oauth/callback/one`] });
  await two.open({ redirect_uris: [`${host.url}/oauth/callback/two`] });
});
after(async () => {
  await host?.close();
  await one?.close();
  await two?.close();
});

async function signInPage(person: Person): Promise<OpenPage> {
  const { challenge } = pkce();
  const client = await registerClient(host.url);
  return person.open(authorizationUrl(host.url, client, { code_challenge: challenge, code_challenge_method: "S256" }));
}

/** Up to the answer of the provider, which the browser has not followed yet. */
async function answerFor(person: Person, page: OpenPage, upstream = one, id = "one"): Promise<URL> {
  const sent = await person.submit(page, /\/upstream$/, { provider: id });
  let at = await person.open(sent.leaves ?? "");
  if (!at.leaves) at = await person.submit(at, /interaction/, { login: "ann" });
  assert.equal(at.leaves?.pathname, `/oauth/callback/${id}`);
  assert.equal(new URL(sent.leaves ?? "").origin, upstream.issuer);
  return at.leaves as URL;
}

function isSignedIn(person: Person): boolean {
  return /_session=/.test(person.cookies(host.url));
}

const tokenRequests = (upstream: TestUpstream) => upstream.calls.filter((call) => call === "POST /token").length;

test("an answer opened in another browser, with cookies of its own or without, signs nobody in and redeems nothing", async () => {
  const attacker = createPerson("");
  const answer = await answerFor(attacker, await signInPage(attacker));
  const redeemed = tokenRequests(one);
  for (const visited of [false, true]) {
    const victim = createPerson("");
    if (visited) await signInPage(victim);
    const page = await victim.open(answer);
    assert.equal(page.status, 403);
    assert.equal(isSignedIn(victim), false);
  }
  assert.equal(tokenRequests(one), redeemed);
  assert.match((await attacker.open(answer)).html, /\/consent"/);
});

test("a code from one browser with the state of another is worth nothing", async () => {
  const [attacker, victim] = [createPerson(""), createPerson("")];
  const stolen = await answerFor(attacker, await signInPage(attacker));
  const own = await answerFor(victim, await signInPage(victim));
  own.searchParams.set("code", stolen.searchParams.get("code") ?? "");
  const page = await victim.open(own);
  assert.equal(page.status, 400);
  assert.equal(isSignedIn(victim), false);
});

test("an answer counts once: opened again it leads to where the sign-in stands, and redeems nothing", async () => {
  const person = createPerson("");
  const answer = await answerFor(person, await signInPage(person));
  const first = await person.open(answer);
  assert.match(first.html, /\/consent"/);
  const [redeemed, cookies] = [tokenRequests(one), person.cookies(host.url)];
  const again = await person.open(answer);
  assert.equal(again.url.pathname, first.url.pathname);
  assert.match(again.html, /\/consent"/);
  assert.equal(tokenRequests(one), redeemed);
  assert.equal(person.cookies(host.url), cookies);
});

test("of two answers at once, one counts", async () => {
  const person = createPerson("");
  const answer = await answerFor(person, await signInPage(person));
  const redeemed = tokenRequests(one);
  const pages = await Promise.all([person.open(answer), person.open(answer), person.open(answer)]);
  assert.equal(tokenRequests(one), redeemed + 1);
  assert.ok(pages.some((page) => /\/consent"/.test(page.html)));
});

test("going back and choosing again makes the earlier answer worthless, not the later", async () => {
  const person = createPerson("");
  const page = await signInPage(person);
  const early = await answerFor(person, page);
  const late = await answerFor(person, page, two, "two");
  assert.match((await person.open(early)).html, /Continue with/);
  assert.match((await person.open(late)).html, /\/consent"/);
});

test("a provider's answer at another provider's address is refused, whatever issuer it names", async () => {
  for (const iss of ["kept", "changed", "removed"]) {
    const person = createPerson("");
    const answer = await answerFor(person, await signInPage(person));
    answer.pathname = "/oauth/callback/two";
    if (iss === "changed") answer.searchParams.set("iss", two.issuer);
    if (iss === "removed") answer.searchParams.delete("iss");
    const redeemed = [tokenRequests(one), tokenRequests(two)];
    assert.match((await person.open(answer)).html, /Continue with/);
    assert.equal(isSignedIn(person), false);
    assert.deepEqual([tokenRequests(one), tokenRequests(two)], redeemed);
  }
});

test("an answer that names another issuer than its provider is refused before its code is used", async () => {
  const person = createPerson("");
  const answer = await answerFor(person, await signInPage(person));
  answer.searchParams.set("iss", two.issuer);
  const redeemed = tokenRequests(one);
  assert.equal((await person.open(answer)).status, 400);
  assert.equal(isSignedIn(person), false);
  assert.equal(tokenRequests(one), redeemed);
});

test("what was not begun here, or says something twice, is a page that leads nowhere", async () => {
  const person = createPerson("");
  const answer = await answerFor(person, await signInPage(person));
  const twice = new URL(answer);
  twice.searchParams.append("code", "another");
  const cases: readonly (readonly [URL | string, number])[] = [
    [twice, 400],
    [`${host.url}/oauth/callback/one`, 400],
    [`${host.url}/oauth/callback/one?code=x&state=x`, 400],
    [`${host.url}/oauth/callback/one?code=x&state=${"A".repeat(5000)}`, 400],
    [`${host.url}/oauth/callback/one?error=access_denied&error_uri=https%3A%2F%2Fevil.example`, 400],
    [`${host.url}/oauth/callback/none?${answer.searchParams}`, 404],
  ];
  for (const [url, status] of cases) {
    const page = await person.open(url);
    assert.equal(page.status, status, String(url));
    assert.equal(page.leaves, undefined);
    assert.doesNotMatch(page.html, /evil\.example/);
  }
  const posted = await fetch(answer, { method: "POST", headers: { cookie: person.cookies(host.url) } });
  assert.equal(posted.status, 405);
  assert.match((await person.open(answer)).html, /\/consent"/);
});

test("nobody is sent upstream by a link or another site's form, nor to a provider that is not listed", async () => {
  const person = createPerson("");
  const page = await signInPage(person);
  assert.equal(page.leaves, undefined);
  const action = `${page.url.href}/upstream`;
  assert.equal((await fetch(`${action}?provider=one`, { headers: { cookie: person.cookies(host.url) }, redirect: "manual" })).status, 404);
  const headers = { cookie: person.cookies(host.url), origin: "https://evil.example" };
  const crossSite = await fetch(action, { method: "POST", headers, body: new URLSearchParams({ provider: "one" }), redirect: "manual" });
  assert.equal(crossSite.status, 403);
  assert.equal((await person.submit(page, /\/upstream$/, { provider: "three" })).status, 400);
});

test("a stranger's client never rides on the sign-in of another: consent is asked each time", async () => {
  const person = createPerson("");
  assert.match((await signInUpstream(person, await signInPage(person), one, "ann", "one")).html, /\/consent"/);
  const second = await signInPage(person);
  assert.match(second.html, /\/consent"/);
  assert.equal(second.leaves, undefined);
});
