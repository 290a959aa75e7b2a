import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createPerson, type Person } from "../../../tools/person.mts";
import { createClock, HOUR } from "../../support/clock.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { authorizationUrl, pkce, type TestClient } from "../../support/oauth.mts";
import { connectUpstream, signInUpstream, startUpstream, type TestUpstream, UPSTREAM_CLIENT } from "../../support/upstream.mts";
import { ANN, withUpstream } from "./setting.mts";

const APP: TestClient = { id: "app", secret: "a".repeat(40), redirectUri: "https://app.example.com/callback" };
const BACK = "https://app.example.com/bye";

const clock = createClock();
let upstream: TestUpstream;
let host: TestHost;
before(async () => {
  upstream = await startUpstream();
  upstream.people.set("ann", ANN);
  const client = { client_id: APP.id, client_secret: APP.secret, redirect_uris: [APP.redirectUri], post_logout_redirect_uris: [BACK] };
  host = await startPlainHost({
    clock,
    env: {
      UPSTREAM_OIDC_ISSUER_URL: upstream.issuer,
      UPSTREAM_OIDC_CLIENT_ID: UPSTREAM_CLIENT.id,
      UPSTREAM_OIDC_CLIENT_SECRET: UPSTREAM_CLIENT.secret,
      OAUTH_CLIENTS_JSON: JSON.stringify([client]),
    },
  });
  await upstream.open({
    redirect_uris: [`${host.url}/oauth/callback/upstream`],
    post_logout_redirect_uris: [`${host.url}/oauth/end_session/done`],
  });
});
after(async () => {
  await host?.close();
  await upstream?.close();
});

async function signedIn(): Promise<Person> {
  const person = createPerson("");
  const { challenge } = pkce();
  const parameters = { code_challenge: challenge, code_challenge_method: "S256", resource: `${host.url}/mcp` };
  await signInUpstream(person, await person.open(authorizationUrl(host.url, APP, parameters)), upstream, "ann");
  return person;
}

/** Says yes at the provider. @returns Where that leads. */
async function confirmUpstream(person: Person, url: URL | string): Promise<URL> {
  const asked = await person.open(url);
  const done = await person.submit(asked, /session\/end/, { logout: "yes" });
  return done.leaves as URL;
}

test("signing out on one's own page signs out at the provider too, without any token on the way", async () => {
  const person = await signedIn();
  const left = await person.submit(await person.open(`${host.url}/account`), /\/account\/sign-out$/);
  assert.equal(left.leaves?.origin, upstream.issuer);
  assert.equal(left.leaves?.searchParams.get("client_id"), UPSTREAM_CLIENT.id);
  assert.equal(left.leaves?.searchParams.get("id_token_hint"), null);
  const back = await confirmUpstream(person, left.leaves ?? "");
  assert.equal(back.href.split("?")[0], `${host.url}/oauth/end_session/done`);
  assert.match((await person.open(back)).html, /You are signed out/);
  // The provider asks again who it is.
  const page = await person.open(`${host.url}/account`);
  const sent = await person.submit(page, /\/upstream$/, { provider: "upstream" });
  assert.match((await person.open(sent.leaves ?? "")).url.pathname, /^\/interaction\//);
});

test("a client's logout goes by the provider and on to the client, with the client's state", async () => {
  const person = await signedIn();
  const way = new URLSearchParams({ client_id: APP.id, post_logout_redirect_uri: BACK, state: "af0ifjsldkj" });
  const page = await person.open(`${host.url}/oauth/end_session?${way}`);
  const left = await person.submit(page, /end_session\/confirm/);
  assert.equal(left.leaves?.origin, upstream.issuer);
  const back = await confirmUpstream(person, left.leaves ?? "");
  const last = await person.open(back);
  assert.equal(last.leaves?.href, `${BACK}?state=af0ifjsldkj`);
  // Not for ever, and nobody else's.
  clock.advance(HOUR);
  assert.match((await person.open(back)).html, /You are signed out/);
  for (const state of ["x", "https://evil.example", `${back.searchParams.get("state")}x`]) {
    const forged = await person.open(`${host.url}/oauth/end_session/done?${new URLSearchParams({ state })}`);
    assert.equal(forged.leaves, undefined);
    assert.match(forged.html, /You are signed out/);
  }
});

test("a provider that is down, or that has no such place, keeps nobody signed in here", async () => {
  await withUpstream({ entry: { logout: false } }, async (running) => {
    const person = createPerson("");
    await connectUpstream(running.host.url, running.upstream, person, "ann");
    const left = await person.submit(await person.open(`${running.host.url}/account`), /\/account\/sign-out$/);
    assert.match(left.html, /You are signed out/);
  });
  const clockOfDown = createClock();
  await withUpstream({ clock: clockOfDown }, async (running) => {
    const person = createPerson("");
    await connectUpstream(running.host.url, running.upstream, person, "ann");
    running.upstream.alter = (answer) => (answer.path.startsWith("/.well-known") ? { ...answer, status: 503 } : undefined);
    clockOfDown.advance(2 * HOUR);
    const left = await person.submit(await person.open(`${running.host.url}/account`), /\/account\/sign-out$/);
    assert.equal(left.leaves?.origin, running.upstream.issuer);
    assert.doesNotMatch(person.cookies(running.host.url), /_session=/);
  });
});
