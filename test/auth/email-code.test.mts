import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createPerson, type OpenPage, shownCode } from "../../tools/person.mts";
import { createClock, DAY, MINUTE } from "../support/clock.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, DEVELOPMENT_CLIENT, pkce } from "../support/oauth.mts";

const clock = createClock();
let host: TestHost;
before(async () => {
  host = await startPlainHost({ clock, env: { ALLOWED_EMAIL_DOMAINS: "example.com" } });
});
after(() => host.close());

const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };

async function codePage(email = "ann@example.com") {
  const person = createPerson(email);
  const start = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  return { person, page: await person.submit(start, /\/email$/, { email }) };
}

function isConsent(page: OpenPage): boolean {
  return /action="[^"]*\/consent"/.test(page.html);
}

test("a code works in any case and with or without its dash", async () => {
  for (const change of [(code: string) => code.toLowerCase(), (code: string) => ` ${code.replace("-", " ")} `]) {
    const { person, page } = await codePage();
    assert.ok(isConsent(await person.submit(page, /\/code$/, { code: change(shownCode(page)) })));
  }
});

test("a code can be tried five times, then a new one is needed", async () => {
  const { person, page } = await codePage("five@example.com");
  for (let attempt = 0; attempt < 5; attempt++) {
    const wrong = await person.submit(page, /\/code$/, { code: "2222-2222" });
    assert.equal(wrong.status, 400);
  }
  const spent = await person.submit(page, /\/code$/, { code: shownCode(page) });
  assert.equal(spent.status, 429);
  const start = await person.submit(spent, /\/restart$/);
  const next = await person.submit(start, /\/email$/, { email: "five@example.com" });
  assert.ok(isConsent(await person.submit(next, /\/code$/, { code: shownCode(next) })));
});

test("parallel guesses count one by one", async () => {
  const { person, page } = await codePage("parallel@example.com");
  const guesses = await Promise.all(Array.from({ length: 20 }, () => person.submit(page, /\/code$/, { code: "2222-2222" })));
  assert.equal(guesses.filter((guess) => guess.status === 400).length, 5);
});

test("a code is too old after ten minutes", async () => {
  const { person, page } = await codePage();
  clock.advance(10 * MINUTE + 1);
  assert.equal((await person.submit(page, /\/code$/, { code: shownCode(page) })).status, 410);
});

test("a code works once", async () => {
  const { person, page } = await codePage();
  assert.ok(isConsent(await person.submit(page, /\/code$/, { code: shownCode(page) })));
  const { person: other, page: second } = await codePage();
  assert.equal((await other.submit(second, /\/code$/, { code: shownCode(page) })).status, 400);
});

test("an address that may not enter sees the same page and no code of its works", async () => {
  const allowed = await codePage("ann@example.com");
  const refused = await codePage("eve@elsewhere.example");
  assert.equal(refused.page.status, allowed.page.status);
  const strip = (html: string) => html.replace(/\/oauth\/interaction\/[\w-]+/g, "").replace(/[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}/g, "");
  assert.ok(strip(allowed.page.html).includes("ann@example.com"));
  assert.ok(refused.page.html.includes("eve@elsewhere.example"));
  assert.throws(() => shownCode(refused.page));
  assert.equal((await refused.person.submit(refused.page, /\/code$/, { code: "ABCD-EFGH" })).status, 400);
});

test("what is no e-mail address is refused on the page", async () => {
  const person = createPerson("x");
  const start = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  for (const email of [
    "",
    "ann",
    "ann@",
    "@example.com",
    "a b@example.com",
    "ann@example.com\r\nBcc: eve@example.com",
    `${"a".repeat(300)}@example.com`,
  ]) {
    assert.equal((await person.submit(start, /\/email$/, { email })).status, 400, email);
  }
});

test("one sign-in can ask for five codes", async () => {
  const person = createPerson("ann@example.com");
  const start = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  for (let count = 0; count < 5; count++) assert.equal((await person.submit(start, /\/email$/, { email: "ann@example.com" })).status, 200);
  assert.equal((await person.submit(start, /\/email$/, { email: "ann@example.com" })).status, 429);
});

test("strangers who guess use up the address for unknown browsers, and not for a browser that has signed in with it", async () => {
  const email = "target@example.com";
  const owner = createPerson(email);
  await owner.authorize(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  const statuses: number[] = [];
  for (let stranger = 0; stranger < 3; stranger++) {
    const { person, page } = await codePage(email);
    for (let guess = 0; guess < 4; guess++) statuses.push((await person.submit(page, /\/code$/, { code: "2222-2222" })).status);
  }
  assert.deepEqual(statuses, [...Array(10).fill(400), 429, 429]);
  const signInIn = async (person: typeof owner) => {
    const start = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, { ...PROTECTED, prompt: "login" }));
    const page = await person.submit(start, /\/email$/, { email });
    return person.submit(page, /\/code$/, { code: shownCode(page) });
  };
  assert.equal((await signInIn(createPerson(email))).status, 429, "also with the right code");
  assert.ok(isConsent(await signInIn(owner)));
  clock.advance(DAY);
  assert.ok(isConsent(await signInIn(createPerson(email))));
});

test("right codes are not counted among the wrong ones", async () => {
  for (let count = 0; count < 12; count++) {
    const { person, page } = await codePage("often@example.com");
    assert.ok(isConsent(await person.submit(page, /\/code$/, { code: shownCode(page) })));
  }
});

test("a flood of codes for an address leaves its owner's browser its own", async () => {
  const email = "flooded@example.com";
  const owner = createPerson(email);
  await owner.authorize(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  let last = 200;
  for (let count = 0; count < 21; count++) last = (await codePage(email)).page.status;
  assert.equal(last, 429);
  assert.equal((await codePage("flooded+elsewhere@example.com")).page.status, 429, "it is the same mailbox");
  const start = await owner.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, { ...PROTECTED, prompt: "login" }));
  assert.equal((await owner.submit(start, /\/email$/, { email })).status, 200);
});

test("the code is not shown when a proxy or tunnel stands in front", async () => {
  const person = createPerson("ann@example.com");
  const start = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  for (const header of ["x-forwarded-for", "forwarded", "x-forwarded-host"]) {
    const reply = await fetch(`${start.url}/email`, {
      method: "POST",
      body: new URLSearchParams({ email: "ann@example.com" }),
      headers: { cookie: person.cookies(start.url), [header]: "203.0.113.7" },
    });
    const html = await reply.text();
    assert.equal(reply.status, 200);
    assert.doesNotMatch(html, /[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}/, header);
  }
});
