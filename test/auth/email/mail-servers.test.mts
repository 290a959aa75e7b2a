import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createPerson } from "../../../tools/person.mts";
import { spawnService } from "../../support/host.mts";
import { authorizationUrl, DEVELOPMENT_CLIENT, pkce } from "../../support/oauth.mts";
import { codeIn, type MailServer, type MailServerSettings, startMailServer } from "../../support/smtp.mts";

const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };
const LOGIN = { user: "portico@example.com", password: "p:ss/w@rd %" };
const CREDENTIALS = `${encodeURIComponent(LOGIN.user)}:${encodeURIComponent(LOGIN.password)}@`;

interface Situation {
  readonly server: MailServer;
  /** Asks for a code and sends what the page answered. */
  ask(email?: string): Promise<{ readonly status: number; enter(code: string): Promise<string> }>;
  says(pattern: RegExp): Promise<void>;
  output(): string;
  stop(): Promise<unknown>;
}

/** @param url From the server's port to SMTP_URL. */
async function situation(context: TestContext, settings: MailServerSettings, url: (port: number) => string): Promise<Situation> {
  const server = await startMailServer(settings);
  const service = await spawnService({ env: { SMTP_URL: url(server.port), MAIL_FROM: "portico@example.com", LOG_LEVEL: "info" } });
  context.after(async () => {
    await service.stop();
    await server.close();
  });
  return {
    server,
    async ask(email = "quiet.person@example.com") {
      const person = createPerson(email);
      const start = await person.open(authorizationUrl(service.url, DEVELOPMENT_CLIENT, PROTECTED));
      const page = await person.submit(start, /\/email$/, { email });
      return { status: page.status, enter: async (code) => (await person.submit(page, /\/code$/, { code })).html };
    },
    says: service.says,
    output: service.output,
    stop: service.stop,
  };
}

async function arrives({ server, ask }: Situation): Promise<Awaited<ReturnType<MailServer["next"]>>> {
  const { enter } = await ask();
  const mail = await server.next();
  assert.match(await enter(codeIn(mail)), /action="[^"]*\/consent"/);
  return mail;
}

test("smtps with a user and a password of every kind of character", async (context) => {
  const there = await situation(
    context,
    { secure: true, login: LOGIN },
    (port) => `smtps://${CREDENTIALS}localhost:${port}?tls.rejectUnauthorized=false`,
  );
  const mail = await arrives(there);
  assert.equal(mail.secure, true);
  assert.equal(mail.user, LOGIN.user);
  assert.doesNotMatch(there.output(), /quiet\.person|p:ss/);
});

test("smtp goes on to TLS before it says who it is", async (context) => {
  const there = await situation(
    context,
    { startTls: true, login: LOGIN },
    (port) => `smtp://${CREDENTIALS}localhost:${port}?tls.rejectUnauthorized=false`,
  );
  const mail = await arrives(there);
  assert.equal(mail.secure, true);
  assert.equal(mail.user, LOGIN.user);
});

test("a server whose certificate nobody vouches for is sent neither password nor code", async (context) => {
  const there = await situation(context, { secure: true, login: LOGIN }, (port) => `smtps://${CREDENTIALS}localhost:${port}`);
  assert.equal((await there.ask()).status, 200);
  await there.says(/"level":"error".*a sign-in code could not be mailed/);
  assert.equal(there.server.mails.length, 0);
});

test("a connection that must be encrypted and is not carries nothing", async (context) => {
  const there = await situation(context, { login: LOGIN }, (port) => `smtp://${CREDENTIALS}localhost:${port}?requireTLS=true`);
  assert.equal((await there.ask()).status, 200);
  await there.says(/a sign-in code could not be mailed"/);
  assert.equal(there.server.mails.length, 0);
});

test("a wrong password is not tried twice, and the person sees the same page", async (context) => {
  const there = await situation(context, { login: LOGIN }, (port) => `smtp://somebody:wrong@localhost:${port}`);
  assert.equal((await there.ask()).status, 200);
  await there.says(/"fault":"EAUTH","responseCode":535.*a sign-in code could not be mailed"/);
  assert.equal(there.server.connections(), 1);
  assert.doesNotMatch(there.output(), /quiet\.person|wrong/);
});

test("a refusal for now is tried once more, one for good is not, and no log line has the address", async (context) => {
  const answers = ["451 not now", undefined, "550 no such person", "451 not now", "451 not now"];
  const there = await situation(context, { onRecipient: (count) => answers[count - 1] }, (port) => `smtp://127.0.0.1:${port}`);
  await arrives(there);
  assert.match(there.output(), /"level":"warn".*"responseCode":451.*is tried again/);
  assert.equal((await there.ask()).status, 200);
  await there.says(/"level":"error".*"responseCode":550/);
  assert.equal((await there.ask()).status, 200);
  await there.says(/"level":"error".*"responseCode":451/);
  assert.equal(there.server.mails.length, 1);
  assert.doesNotMatch(there.output(), /quiet\.person/);
});

test("a server that hangs up at first is called once more", async (context) => {
  const there = await situation(
    context,
    { onConnect: (count) => (count === 1 ? "421 too busy" : undefined) },
    (port) => `smtp://127.0.0.1:${port}`,
  );
  await arrives(there);
  assert.equal(there.server.connections(), 2);
});

test("a server that says nothing keeps nobody waiting but the mail, and that not for ever", async (context) => {
  const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
  const there = await situation(context, { onConnect: () => released }, (port) => `smtp://127.0.0.1:${port}?greetingTimeout=300`);
  assert.equal((await there.ask()).status, 200);
  await there.says(/"level":"warn".*"fault":"ETIMEDOUT".*is tried again/);
  await there.says(/"level":"error".*"fault":"ETIMEDOUT"/);
  release(undefined);
});

test("a service that stops hands over what is under way and closes its connection", async (context) => {
  const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  const there = await situation(
    context,
    {
      onRecipient: () => {
        reach();
        return released;
      },
    },
    (port) => `smtp://127.0.0.1:${port}`,
  );
  assert.equal((await there.ask()).status, 200);
  await reached;
  const stopped = there.stop();
  release(undefined);
  const mail = await there.server.next();
  assert.deepEqual(mail.to, ["quiet.person@example.com"]);
  assert.deepEqual(await stopped, { code: 0, signal: null });
});

test("a service that stops does not wait for a server that says nothing", async (context) => {
  const { promise: never, resolve } = Promise.withResolvers<undefined>();
  const there = await situation(context, { onConnect: () => never }, (port) => `smtp://127.0.0.1:${port}`);
  assert.equal((await there.ask()).status, 200);
  const startedAt = performance.now();
  assert.deepEqual(await there.stop(), { code: 0, signal: null });
  assert.ok(performance.now() - startedAt < 8_000);
  resolve(undefined);
});
