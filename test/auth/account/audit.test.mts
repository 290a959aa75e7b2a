import assert from "node:assert/strict";
import { test } from "node:test";
import { createPerson, shownCode } from "../../../tools/person.mts";
import { spawnService } from "../../support/host.mts";
import { authorizationUrl, connect, DEVELOPMENT_CLIENT, pkce } from "../../support/oauth.mts";

const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };

test("what people do leaves one audit line each, with the request's id and without address, code or cookie", async (context) => {
  const service = await spawnService({ env: { LOG_LEVEL: "info", SMTP_URL: "smtp://127.0.0.1:9", MAIL_FROM: "portico@example.com" } });
  context.after(() => service.stop());
  const stranger = createPerson("quiet.person@example.com");
  const start = await stranger.open(authorizationUrl(service.url, DEVELOPMENT_CLIENT, PROTECTED));
  const code = await stranger.submit(start, /\/email$/, { email: "quiet.person@example.com" });
  await stranger.submit(code, /\/code$/, { code: "2222-2222" });
  await stranger.open(authorizationUrl(service.url, DEVELOPMENT_CLIENT, { ...PROTECTED, response_type: "token" }));
  await service.says(/"event":"refusal"/);
  const output = service.output();
  assert.deepEqual(eventsOf(output), [
    ["sign_in_failed", "wrong_code"],
    ["refusal", "unsupported_response_type"],
  ]);
  for (const secret of [
    "quiet.person",
    "2222",
    ...stranger
      .cookies(service.url)
      .split(/[=;]/)
      .filter((text) => text.length > 30),
  ]) {
    assert.ok(!output.includes(secret), secret);
  }
});

test("sign-in, consent, refusal of consent, disconnecting and every way of signing out are told apart", async (context) => {
  const service = await spawnService({ env: { LOG_LEVEL: "info" } });
  context.after(() => service.stop());
  const person = createPerson("ann@example.com");
  await connect(service.url, { person, client: DEVELOPMENT_CLIENT });
  await person.authorize(authorizationUrl(service.url, DEVELOPMENT_CLIENT, PROTECTED), "deny");
  const account = await person.open(`${service.url}/account`);
  await person.submit(account, /\/disconnect$/);
  await person.submit(await person.open(authorizationUrl(service.url, DEVELOPMENT_CLIENT, PROTECTED)), /\/switch$/);
  const page = await person.open(`${service.url}/account`);
  const code = await person.submit(page, /\/email$/, { email: "ann@example.com" });
  const own = await person.submit(code, /\/code$/, { code: shownCode(code) });
  await person.submit(own, /\/sign-out-everywhere$/);
  await service.says(/"reason":"everywhere"/);
  const events = eventsOf(service.output()).filter(([event]) => event !== "issue");
  assert.deepEqual(events, [
    ["sign_in", undefined],
    ["consent", undefined],
    ["consent_denied", undefined],
    ["revoke", "account"],
    ["sign_out", "account_switched"],
    ["sign_in", undefined],
    ["sign_out", "everywhere"],
  ]);
});

interface Line {
  readonly msg?: string;
  readonly event?: string;
  readonly reason?: string;
  readonly request?: string;
}

/** The audit lines, each of which names its request. */
function eventsOf(output: string): (readonly [string | undefined, string | undefined])[] {
  const lines = output.split("\n").filter((line) => line.startsWith("{"));
  const audited = lines.map((line) => JSON.parse(line) as Line).filter((line) => line.msg === "audit");
  for (const { request } of audited) assert.match(request ?? "", /^[\w-]{12}$/);
  return audited.map(({ event, reason }) => [event, reason]);
}
