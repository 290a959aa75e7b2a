import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createPerson, type Person } from "../../tools/person.mts";
import { createClock, DAY } from "../support/clock.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, pkce } from "../support/oauth.mts";

const WEB = { id: "web", secret: "a-secret-of-at-least-thirty-two-characters", redirectUri: "https://app.example/cb" };
const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };
const clock = createClock();

async function startWith(context: TestContext, env: Readonly<Record<string, string>> = {}): Promise<TestHost> {
  const clients = [{ client_id: WEB.id, client_secret: WEB.secret, redirect_uris: [WEB.redirectUri] }];
  const host = await startPlainHost({ clock, env: { OAUTH_CLIENTS_JSON: JSON.stringify(clients), ...env } });
  context.after(() => host.close());
  return host;
}

/** What a client without a page is told: "code", or an error. */
async function silently(person: Person, { url }: TestHost, parameters: Readonly<Record<string, string>> = {}): Promise<string> {
  const { leaves } = await person.open(authorizationUrl(url, WEB, { ...PROTECTED, prompt: "none", ...parameters }));
  return leaves?.searchParams.get("error") ?? (leaves?.searchParams.has("code") ? "code" : "a page");
}

test("a consent ends 180 days after the page that asked for it, however often the page was left out", async (context) => {
  const host = await startWith(context);
  const person = createPerson("ann@example.com");
  for (let month = 0; month < 6; month++) {
    await person.authorize(authorizationUrl(host.url, WEB, PROTECTED));
    assert.equal(await silently(person, host), "code", `after ${month} months`);
    clock.advance(30 * DAY);
  }
  // Signs in again, which the session's own end asks for, and no more.
  await person.authorize(authorizationUrl(host.url, WEB, PROTECTED), "deny");
  assert.equal(await silently(person, host), "consent_required");
});

test("what the rules keep from a person is not asked of their memory", async (context) => {
  const host = await startWith(context, { SCOPE_RULES: '{"todos:write":["editors"]}' });
  const person = createPerson("ann@example.com");
  assert.equal(await silently(person, host), "login_required");
  await person.authorize(authorizationUrl(host.url, WEB, PROTECTED));
  assert.equal(await silently(person, host), "code");
  assert.equal(await silently(person, host, { scope: "todos:write" }), "consent_required");
});
