import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { createPerson, type OpenPage, type Person, shownCode } from "../../tools/person.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, DEVELOPMENT_CLIENT, pkce } from "../support/oauth.mts";
import { codeIn, type MailServer, startMailServer } from "../support/smtp.mts";

let server: MailServer;
let host: TestHost;
before(async () => {
  server = await startMailServer();
  host = await startPlainHost({
    env: {
      SMTP_URL: `smtp://127.0.0.1:${server.port}`,
      MAIL_FROM: "Portico <portico@example.com>",
      ALLOWED_EMAIL_DOMAINS: "example.com",
    },
  });
});
after(async () => {
  await host.close();
  await server.close();
});

const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };

async function askFor(email: string, person = createPerson(email)): Promise<{ readonly person: Person; readonly page: OpenPage }> {
  const start = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  return { person, page: await person.submit(start, /\/email$/, { email }) };
}

test("with a mail server the code comes by mail, and no page shows it", async () => {
  const { person, page } = await askFor("Ann@Example.com");
  assert.throws(() => shownCode(page));
  const mail = await server.next();
  assert.deepEqual(mail.to, ["ann@example.com"]);
  assert.equal(mail.from, "portico@example.com");
  const consent = await person.submit(page, /\/code$/, { code: codeIn(mail) });
  assert.match(consent.html, /action="[^"]*\/consent"/);
});

test("a mail is a proper message in plain text and as a page that loads nothing, and asks no machine to answer", async () => {
  await askFor("proper@example.com");
  const mail = await server.next();
  const code = codeIn(mail);
  assert.equal(mail.headers.get("subject"), `Your sign-in code: ${code}`);
  assert.equal(mail.headers.get("from"), "Portico <portico@example.com>");
  assert.equal(mail.headers.get("to"), "proper@example.com");
  assert.match(mail.headers.get("content-type") ?? "", /^multipart\/alternative/);
  assert.match(mail.headers.get("message-id") ?? "", /^<[0-9a-f-]{36}@example\.com>$/);
  assert.ok(Math.abs(Date.parse(mail.headers.get("date") ?? "") - Date.now()) < 60_000);
  assert.equal(mail.headers.get("auto-submitted"), "auto-generated");
  assert.equal(mail.headers.has("x-mailer"), false);
  assert.match(mail.text, /10 minutes, once, in the browser that asked/);
  assert.ok(mail.html.includes(`user-select:all">${code}</p>`), "one click or tap takes the whole code");
  assert.doesNotMatch(mail.html, /<(img|link|script|iframe|a)\b|url\(|@import|https?:/i);
  for (const line of mail.raw.split("\r\n")) assert.ok(line.length <= 998, "RFC 5322 §2.1.1");
});

test("two mails differ in code and Message-ID only, whoever they are for", async () => {
  await askFor("first@example.com");
  const first = await server.next();
  await askFor("second.person+tag@example.com");
  const second = await server.next();
  const rest = (mail: typeof first) => [mail.text, mail.html].map((version) => version.replaceAll(codeIn(mail), "CODE"));
  assert.deepEqual(rest(first), rest(second));
  assert.notEqual(codeIn(first), codeIn(second));
  assert.notEqual(first.headers.get("message-id"), second.headers.get("message-id"));
});

test("a code from the mail works in the browser that asked for it, once, and in no other", async () => {
  const { person, page } = await askFor("own@example.com");
  const code = codeIn(await server.next());
  const { person: other, page: otherPage } = await askFor("own@example.com");
  await server.next();
  assert.equal((await other.submit(otherPage, /\/code$/, { code })).status, 400, "not in another sign-in");
  const thief = createPerson("own@example.com");
  assert.equal((await thief.submit(page, /\/code$/, { code })).status, 403, "nor for one who knows the page's address");
  assert.match((await person.submit(page, /\/code$/, { code })).html, /action="[^"]*\/consent"/);
  const again = await person.submit(page, /\/code$/, { code });
  assert.match(again.url.pathname, /^\/oauth\/interaction\/[^/]+$/, "the step is done");
});

test("with a new code the one before is worth nothing", async () => {
  const { person, page } = await askFor("twice@example.com");
  const first = codeIn(await server.next());
  const resent = await person.submit(page, /\/restart$/, { restart: "resend" });
  const second = codeIn(await server.next());
  assert.equal((await person.submit(resent, /\/code$/, { code: first })).status, 400);
  assert.match((await person.submit(resent, /\/code$/, { code: second })).html, /action="[^"]*\/consent"/);
});

test("nobody is mailed who may not enter", async () => {
  const count = server.mails.length;
  await askFor("eve@elsewhere.example");
  await askFor("ann@example.com");
  await server.next();
  assert.equal(server.mails.length, count + 1);
});

test("one connection carries mail after mail, and is closed when the service stops", async () => {
  assert.equal(server.connections(), 1);
  assert.equal(server.open(), 1);
  await host.close();
  await until(() => server.open() === 0);
});

/** Looks until it is so, for ten seconds. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, "it did not come to be so");
    await setImmediate();
  }
}
