import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createPerson, type Person } from "../../../tools/person.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { connect, DEVELOPMENT_CLIENT, isAlive } from "../../support/oauth.mts";

let host: TestHost;
before(async () => {
  host = await startPlainHost({ env: { LOOPBACK_FETCH: "on" } });
});
after(() => host.close());

const DONE = "/oauth/end_session/done";

function endSession(person: Person, parameters: Readonly<Record<string, string>> = {}) {
  return person.open(`${host.url}/oauth/end_session?${new URLSearchParams(parameters)}`);
}

async function isSignedIn(person: Person): Promise<boolean> {
  return (await person.open(`${host.url}/account`)).url.pathname === "/account";
}

async function signedIn(email: string) {
  const person = createPerson(email);
  const { reply, accessToken } = await connect(host.url, { person, client: DEVELOPMENT_CLIENT });
  return { person, accessToken, idToken: String(reply.body.id_token) };
}

test("an ID token of the person who is signed in ends the session at once, and no app's access", async () => {
  const { person, accessToken, idToken } = await signedIn("ann@example.com");
  const page = await endSession(person, { id_token_hint: idToken, client_id: DEVELOPMENT_CLIENT.id });
  assert.equal(page.url.pathname, DONE);
  assert.equal(await isSignedIn(person), false);
  assert.equal(await isAlive(host.url, accessToken), true);
  assert.equal((await endSession(person, { id_token_hint: idToken })).url.pathname, DONE, "twice is as good as once");
});

test("without a hint, or with one that proves nothing, the person is asked first", async () => {
  const { person, accessToken } = await signedIn("ann@example.com");
  const { idToken: eves } = await signedIn("eve@example.com");
  for (const hint of [undefined, "x", accessToken, eves]) {
    const page = await endSession(person, hint === undefined ? {} : { id_token_hint: hint });
    assert.match(page.html, /<h1>Sign out\?<\/h1>/);
    assert.ok(page.html.includes("ann@example.com"));
    assert.equal(await isSignedIn(person), true);
  }
  const done = await person.submit(await endSession(person), /\/confirm$/);
  assert.equal(done.url.pathname, DONE);
  assert.equal(await isSignedIn(person), false);
});

test("a sign-out can be posted, and from another site is asked like any other", async () => {
  const { person } = await signedIn("ann@example.com");
  const posted = await fetch(`${host.url}/oauth/end_session`, {
    method: "POST",
    body: new URLSearchParams({ state: "s" }),
    headers: { origin: "https://app.example" },
    redirect: "manual",
  });
  assert.equal(posted.status, 303);
  assert.equal(posted.headers.get("location"), "/oauth/end_session?state=s");
  const cookie = person.cookies(host.url);
  for (const headers of [
    { cookie, origin: "https://evil.example" },
    { cookie, origin: host.url },
  ]) {
    const forged = await fetch(`${host.url}/oauth/end_session/confirm`, { method: "POST", body: new URLSearchParams(), headers });
    assert.equal(forged.status, 403);
  }
  assert.equal(await isSignedIn(person), true);
});

test("nobody is sent to an address that the client did not register for it", async () => {
  const { person, idToken } = await signedIn("ann@example.com");
  const page = await endSession(person, {
    id_token_hint: idToken,
    post_logout_redirect_uri: DEVELOPMENT_CLIENT.redirectUri,
    state: "s",
  });
  assert.equal(page.leaves, undefined);
  assert.equal(page.url.pathname, DONE);
  const anonymous = await endSession(createPerson("x"), { post_logout_redirect_uri: "https://evil.example/", client_id: "nobody" });
  assert.equal(anonymous.leaves, undefined);
});

test("whoever signs out is signed out, also when the client's document cannot be had", async () => {
  for (const clientId of ["http://localhost:1/client.json", `${host.url}/health`]) {
    const { person } = await signedIn("ann@example.com");
    const page = await endSession(person, { client_id: clientId, post_logout_redirect_uri: "https://app.example/" });
    assert.equal((await person.submit(page, /\/confirm$/)).url.pathname, DONE);
    assert.equal(await isSignedIn(person), false);
  }
});

test("two clients in one request are refused", async () => {
  const { person, idToken } = await signedIn("ann@example.com");
  assert.equal((await endSession(person, { id_token_hint: idToken, client_id: "another" })).status, 400);
  assert.equal(await isSignedIn(person), true);
});
