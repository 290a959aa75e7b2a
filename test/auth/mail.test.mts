import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { SMTPServer } from "smtp-server";
import { createPerson, shownCode } from "../../tools/person.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, DEVELOPMENT_CLIENT, pkce } from "../support/oauth.mts";

interface Mail {
  readonly to: readonly string[];
  readonly text: string;
}

let smtp: SMTPServer;
let host: TestHost;
let waiting: ((mail: Mail) => void) | undefined;
before(async () => {
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData(stream, session, done) {
      let text = "";
      stream.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      stream.on("end", () => {
        waiting?.({ to: session.envelope.rcptTo.map(({ address }) => address), text });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => smtp.listen(0, "127.0.0.1", resolve));
  const { port } = smtp.server.address() as AddressInfo;
  host = await startPlainHost({ env: { SMTP_URL: `smtp://127.0.0.1:${port}`, MAIL_FROM: "Portico <portico@example.com>" } });
});
after(async () => {
  await host.close();
  await new Promise<void>((resolve) => smtp.close(resolve));
});

test("with a mail server the code comes by mail, and no page shows it", async () => {
  const { promise: arrived, resolve } = Promise.withResolvers<Mail>();
  waiting = resolve;
  const person = createPerson("ann@example.com");
  const protection = { code_challenge: pkce().challenge, code_challenge_method: "S256" };
  const start = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, protection));
  const page = await person.submit(start, /\/email$/, { email: "Ann@Example.com" });
  assert.throws(() => shownCode(page));
  const mail = await arrived;
  assert.deepEqual(mail.to, ["ann@example.com"]);
  const code = /^Subject: .*([2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4})/m.exec(mail.text)?.[1];
  const consent = await person.submit(page, /\/code$/, { code: code ?? "" });
  assert.match(consent.html, /action="[^"]*\/consent"/);
});
