import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createPerson, type OpenPage, type Person } from "../../../tools/person.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { authorizationUrl, pkce, registerClient, type TestClient } from "../../support/oauth.mts";
import { connectUpstream, signInUpstream, startUpstream, type TestUpstream, UPSTREAM_CLIENT, walk } from "../../support/upstream.mts";
import { ANN } from "./setting.mts";

const TRUSTED: TestClient = { id: "trusted-app", secret: "s".repeat(40), redirectUri: "https://app.example.com/callback" };
const FIXED: TestClient = { id: "fixed-app", secret: "f".repeat(40), redirectUri: "https://fixed.example.com/callback" };

const upstreams = new Map<string, TestUpstream>();
let host: TestHost;
before(async () => {
  const more: Readonly<Record<string, object>> = {
    one: { name: "One & Only" },
    two: { preset: "keycloak" },
    corp: { domains: ["corp.example.com"] },
    fixed: { clients: [FIXED.id, TRUSTED.id] },
  };
  const entries = [];
  for (const [id, members] of Object.entries(more)) {
    const upstream = await startUpstream();
    upstream.people.set("ann", ANN);
    upstream.people.set("eve", { sub: "eve", email: "eve@corp.example.com", email_verified: true });
    upstreams.set(id, upstream);
    entries.push({ id, issuer: upstream.issuer, client_id: UPSTREAM_CLIENT.id, client_secret: UPSTREAM_CLIENT.secret, ...members });
  }
  const clients = [FIXED, TRUSTED].map(({ id, secret, redirectUri }) => ({
    client_id: id,
    client_secret: secret,
    redirect_uris: [redirectUri],
    trusted: id === TRUSTED.id,
  }));
  host = await startPlainHost({
    env: {
      UPSTREAMS_JSON: JSON.stringify(entries),
      OAUTH_CLIENTS_JSON: JSON.stringify(clients),
      ALLOWED_EMAIL_DOMAINS: "example.com corp.example.com",
      SMTP_URL: "smtp://127.0.0.1:9",
      MAIL_FROM: "portico@example.com",
    },
  });
  for (const [id, upstream] of upstreams) await upstream.open({ redirect_uris: [`${host.url}/oauth/callback/${id}`] });
});
after(async () => {
  await host?.close();
  for (const upstream of upstreams.values()) await upstream.close();
});

const at = (id: string) => upstreams.get(id) as TestUpstream;

async function open(person: Person, client?: TestClient, parameters: Readonly<Record<string, string>> = {}): Promise<OpenPage> {
  const { challenge } = pkce();
  const asking = client ?? (await registerClient(host.url));
  return person.open(authorizationUrl(host.url, asking, { code_challenge: challenge, code_challenge_method: "S256", ...parameters }));
}

const buttonsOf = ({ html }: OpenPage) =>
  [...html.matchAll(/name="provider" value="([a-z]+)">([^<]+)</g)].map(([, id, words]) => [id, words]);

test("the page offers each provider by name, and the e-mail code beside them", async () => {
  const page = await open(createPerson(""));
  assert.deepEqual(buttonsOf(page), [
    ["one", "Continue with One &amp; Only"],
    ["two", "Continue with Keycloak"],
  ]);
  assert.match(page.html, /name="email"/);
});

test("the same name at two providers is two people, and so is the same address by e-mail", async () => {
  const subjects = [];
  for (const provider of ["one", "two", "one"]) {
    const { reply } = await connectUpstream(host.url, at(provider), createPerson(""), "ann", { provider });
    subjects.push(JSON.parse(Buffer.from(reply.body.access_token.split(".")[1], "base64url").toString()).sub);
  }
  assert.equal(subjects[0], subjects[2]);
  assert.notEqual(subjects[0], subjects[1]);
});

test("an address of a provider's domain leads there with the address as a hint; any other gets a code", async () => {
  const person = createPerson("");
  const page = await open(person);
  const sent = await person.submit(page, /\/email$/, { email: "Eve@Corp.example.com" });
  assert.equal(sent.leaves?.origin, at("corp").issuer);
  assert.equal(sent.leaves?.searchParams.get("login_hint"), "eve@corp.example.com");
  assert.match((await walk(person, sent, at("corp").issuer, "eve", host.url)).html, /\/consent"/);
  const code = await createAndAsk("ann@example.com");
  assert.match(code.html, /Enter your code/);
});

async function createAndAsk(email: string): Promise<OpenPage> {
  const person = createPerson("");
  return person.submit(await open(person), /\/email$/, { email });
}

test("a provider of one domain vouches for no address of another", async () => {
  const person = createPerson("");
  const sent = await person.submit(await open(person), /\/email$/, { email: "eve@corp.example.com" });
  const page = await walk(person, sent, at("corp").issuer, "ann", host.url);
  assert.equal(page.status, 403);
});

test("a client that a provider is fixed for has that one alone, and no session from elsewhere counts for it", async () => {
  const person = createPerson("");
  await connectUpstream(host.url, at("one"), person, "ann", { provider: "one" });
  const page = await open(person, FIXED);
  assert.deepEqual(
    buttonsOf(page).map(([id]) => id),
    ["fixed"],
  );
  assert.doesNotMatch(page.html, /name="email"/);
  assert.equal((await person.submit(page, /\/upstream$/, { provider: "one" })).status, 400);
  const typed = await fetch(`${page.url.href}/email`, {
    method: "POST",
    headers: { cookie: person.cookies(host.url), origin: host.url },
    body: new URLSearchParams({ email: "ann@example.com" }),
  });
  assert.match(await typed.text(), /Nobody signs in here with this address/);
  assert.match((await signInUpstream(person, page, at("fixed"), "ann", "fixed")).html, /\/consent"/);
  // And the other way round: others are not offered it.
  const fresh = createPerson("");
  await signInUpstream(fresh, await open(fresh, FIXED), at("fixed"), "ann", "fixed");
  assert.equal(buttonsOf(await open(fresh)).length, 2);
});

test("the people of a trusted client go straight upstream, once, and still see consent", async () => {
  const person = createPerson("");
  const first = await open(person, TRUSTED, { resource: `${host.url}/mcp` });
  assert.equal(first.leaves?.origin, at("fixed").issuer);
  assert.match((await walk(person, first, at("fixed").issuer, "ann", host.url)).html, /\/consent"/);
});

test("whoever switches the account is asked upstream who they are", async () => {
  const person = createPerson("");
  const consent = await signInUpstream(person, await open(person), at("one"), "ann", "one");
  const page = await person.submit(consent, /\/switch$/);
  const sent = await person.submit(page, /\/upstream$/, { provider: "one" });
  assert.match(sent.leaves?.searchParams.get("prompt") ?? "", /select_account|login/);
});

test("who may not enter is told so, and can choose another account", async () => {
  at("one").people.set("mallory", { sub: "mallory", email: "mallory@example.org", email_verified: true });
  const person = createPerson("");
  const page = await signInUpstream(person, await open(person), at("one"), "mallory", "one");
  assert.equal(page.status, 403);
  assert.match(page.html, /may not enter here/);
  assert.doesNotMatch(person.cookies(host.url), /_session=/);
  assert.match((await signInUpstream(person, page, at("one"), "ann", "one")).html, /\/consent"/);
});

test("an unverified address opens nothing, however allowed it is", async () => {
  at("one").people.set("eve2", { sub: "eve2", email: "ann@example.com", email_verified: false });
  const person = createPerson("");
  assert.equal((await signInUpstream(person, await open(person), at("one"), "eve2", "one")).status, 403);
});

test("the client's id_token_hint means one person, and another at the provider does not pass for them", async () => {
  at("one").people.set("bob", { sub: "bob", email: "bob@example.com", email_verified: true });
  const { client, reply } = await connectUpstream(host.url, at("one"), createPerson(""), "ann", { provider: "one" });
  const person = createPerson("");
  const page = await open(person, client, { id_token_hint: reply.body.id_token });
  const refused = await signInUpstream(person, page, at("one"), "bob", "one");
  assert.match(refused.html, /asks for another account/);
  assert.match((await signInUpstream(person, refused, at("one"), "ann", "one")).html, /\/consent"/);
});
