import assert from "node:assert/strict";
import { test } from "node:test";
import { type UpstreamLogin, upstreamLoginKind } from "../../../auth/identity/upstream/login.ts";
import { changeLock } from "../../../shared/bearer/locks.ts";
import { subjectStateKind } from "../../../shared/state/records.ts";
import { createPerson, type OpenPage, type Person, shownCode } from "../../../tools/person.mts";
import { createClock, MINUTE } from "../../support/clock.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { authorizationUrl, connect, pkce, refresh, registerClient } from "../../support/oauth.mts";
import { connectUpstream, signInUpstream } from "../../support/upstream.mts";
import { withUpstream } from "./setting.mts";

const subjectOf = (token: string): string => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).sub;

const isSignedIn = (person: Person, { url }: TestHost) => /_session=/.test(person.cookies(url));

const setDisabled = ({ service }: TestHost, subject: string, disabled: boolean) =>
  changeLock(service.store, subjectStateKind, subject, (lock) => ({ ...lock, disabled }));

async function begin({ url }: TestHost, person: Person): Promise<OpenPage> {
  const parameters = { code_challenge: pkce().challenge, code_challenge_method: "S256" };
  return person.open(authorizationUrl(url, await registerClient(url), parameters));
}

async function loginsOf({ service }: TestHost, subject: string): Promise<UpstreamLogin[]> {
  return (await service.store.list(upstreamLoginKind, subject)).entries.map(({ value }) => value);
}

test("a person who was switched off is told so after a sign-in upstream, and nothing is kept of it", async () => {
  await withUpstream({}, async ({ host, upstream }) => {
    const subject = subjectOf((await connectUpstream(host.url, upstream, createPerson(""), "ann")).reply.body.access_token);
    await setDisabled(host, subject, true);
    const kept = (await loginsOf(host, subject)).length;
    const person = createPerson("");
    const page = await signInUpstream(person, await begin(host, person), upstream, "ann");
    assert.equal(page.status, 403);
    assert.match(page.html, /switched off here/);
    assert.doesNotMatch(page.html, /\/consent"/);
    assert.equal(isSignedIn(person, host), false);
    assert.equal((await loginsOf(host, subject)).length, kept);
    // The page is whole: somebody else goes on, and they too once they may.
    await setDisabled(host, subject, false);
    assert.match((await signInUpstream(person, page, upstream, "ann")).html, /\/consent"/);
  });
});

test("a person who was switched off is told so after the right code by e-mail", async () => {
  const host = await startPlainHost();
  try {
    await setDisabled(host, subjectOf((await connect(host.url, { email: "ann@example.com" })).accessToken), true);
    const person = createPerson("ann@example.com");
    const asked = await person.submit(await begin(host, person), /\/email$/, { email: "ann@example.com" });
    const page = await person.submit(asked, /\/code$/, { code: shownCode(asked) });
    assert.equal(page.status, 403);
    assert.match(page.html, /switched off here/);
    assert.equal(isSignedIn(person, host), false);
  } finally {
    await host.close();
  }
});

test("a sign-out everywhere ends the sign-in at the provider here: its refresh token is gone, and a check under way brings nothing back", async () => {
  const clock = createClock();
  const settings = { configuration: { rotateRefreshToken: true } };
  await withUpstream({ clock, settings }, async ({ host, upstream }) => {
    const person = createPerson("");
    const { client, reply } = await connectUpstream(host.url, upstream, person, "ann");
    const subject = subjectOf(reply.body.access_token);
    clock.advance(16 * MINUTE);
    let goOn: (() => void) | undefined;
    let arrived: (() => void) | undefined;
    const isAsked = new Promise<void>((done) => {
      arrived = done;
    });
    upstream.alter = async (answer) => {
      if (answer.path !== "/token") return undefined;
      arrived?.();
      await new Promise<void>((done) => {
        goOn = done;
      });
      return undefined;
    };
    const underWay = refresh(host.url, client, reply.body.refresh_token);
    await isAsked;
    await person.submit(await person.open(`${host.url}/account`), /sign-out-everywhere$/);
    goOn?.();
    assert.equal((await underWay).body.error, "invalid_grant");
    const [login, ...others] = await loginsOf(host, subject);
    assert.deepEqual(others, []);
    assert.ok(login?.endedAt !== undefined);
    assert.equal(login.box, undefined);
    // The person may come again.
    upstream.alter = undefined;
    clock.advance(MINUTE);
    assert.match((await signInUpstream(person, await begin(host, person), upstream, "ann")).html, /\/consent"/);
  });
});
