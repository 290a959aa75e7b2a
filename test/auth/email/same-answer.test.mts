import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { codeIn, type MailServer, startMailServer } from "../../support/smtp.mts";
import { type Asked, createVisitor } from "./visitor.mts";

/** Which operations on the state a piece of work needs, in order: what its time is made of. */
let operations: string[] = [];
let server: MailServer;
let host: TestHost;
/** Held back until the page is there: a page that waited for the mail would never come. */
let answered = Promise.withResolvers<undefined>();
before(async () => {
  server = await startMailServer({ onRecipient: () => answered.promise });
  host = await startPlainHost({
    env: {
      TRUSTED_PROXIES: "1",
      ALLOWED_EMAILS: "ann@example.com",
      SMTP_URL: `smtp://127.0.0.1:${server.port}`,
      MAIL_FROM: "portico@example.com",
    },
  });
  const store = host.service.store as unknown as Record<string, (kind: { readonly name: string }, ...rest: unknown[]) => unknown>;
  for (const name of ["get", "create", "replace", "take", "increment", "list"]) {
    const operation = store[name];
    store[name] = (kind, ...rest) => {
      operations.push(`${name} ${kind.name}`);
      return operation?.(kind, ...rest);
    };
  }
});
after(async () => {
  await host.close();
  await server.close();
});

async function seen<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly did: readonly string[] }> {
  operations = [];
  const result = await work();
  return { result, did: operations };
}

/** What a page says, without what is new each time. */
function wordsOf({ status, html }: Asked, email: string): readonly [number, string] {
  return [status, html.replaceAll(email, "EMAIL").replace(/\/oauth\/interaction\/[\w-]+/g, "/oauth/interaction/ID")];
}

test("asking and typing look the same and do the same work, whether the address may enter or not", async () => {
  const allowed = await seen(() => createVisitor(host.url, "203.0.113.1").ask("ann@example.com"));
  const refused = await seen(() => createVisitor(host.url, "203.0.113.2").ask("eve@example.com"));
  assert.equal(allowed.result.status, 200);
  assert.deepEqual(wordsOf(refused.result, "eve@example.com"), wordsOf(allowed.result, "ann@example.com"));
  assert.ok(allowed.did.length > 0);
  assert.deepEqual(refused.did, allowed.did);
  answered.resolve(undefined);
  const mail = await server.next();
  assert.deepEqual(mail.to, ["ann@example.com"]);

  const wrong = await seen(() => allowed.result.enter("2222-2222"));
  const vain = await seen(() => refused.result.enter("2222-2222"));
  assert.equal(vain.result.status, wrong.result.status);
  assert.deepEqual(vain.did, wrong.did);
  assert.equal((await refused.result.enter(codeIn(mail))).status, 400, "another's code is none of theirs");
  assert.equal((await allowed.result.enter(codeIn(mail))).status, 303);
});

test("the page is there while the mail server still holds the message back", async () => {
  answered = Promise.withResolvers<undefined>();
  const { status } = await createVisitor(host.url, "203.0.113.3").ask("ann@example.com");
  assert.equal(status, 200);
  const { length } = server.mails;
  answered.resolve(undefined);
  await server.next();
  assert.equal(server.mails.length, length + 1);
});
