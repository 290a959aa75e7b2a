import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { algorithmsOf } from "../../shared/client-keys.ts";
import { repeatedNames } from "../../shared/http/form.ts";
import { createPerson } from "../../tools/person.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, connect, DEVELOPMENT_CLIENT, pkce, postForm } from "../support/oauth.mts";
import { makeKey, startClientSite } from "./clients/client-site.mts";

/** What a review tried against the whole of the authorization server. */

const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };

let host: TestHost;
before(async () => {
  host = await startPlainHost({});
});
after(() => host?.close());

test("an address that only begins like a registered one, or has more in it, gets no code", async () => {
  const { redirectUri } = DEVELOPMENT_CLIENT;
  for (const other of [
    `${redirectUri}/more`,
    `${redirectUri}?more`,
    `${redirectUri}#more`,
    `${redirectUri}%2f..%2f`,
    `${redirectUri};more`,
    redirectUri.replace("callback", "x/../callback"),
    redirectUri.replace("127.0.0.1", "127.0.0.1@evil.example"),
    redirectUri.replace("127.0.0.1:5555", "127.0.0.1.evil.example:5555"),
    redirectUri.replace("127.0.0.1", "127.0.0.1."),
    redirectUri.replace("127.0.0.1", "127.1"),
    redirectUri.replace("127.0.0.1", "①27.0.0.1"),
    redirectUri.replace("http:", "https:"),
    redirectUri.replace(":5555", ":05555"),
    redirectUri.replace(":5555", ":"),
    `${host.url}/callback`,
  ]) {
    const page = await createPerson("ann@example.com").open(
      authorizationUrl(host.url, { ...DEVELOPMENT_CLIENT, redirectUri: other }, PROTECTED),
    );
    assert.deepEqual([page.status, page.leaves], [400, undefined], other);
  }
});

test("an answer is one address with the state as one value, and names its issuer (mix-up)", async () => {
  const state = `x\r\nset-cookie: a=b&code=other&iss=https://evil.example#"><script>`;
  for (const decision of ["allow", "deny"] as const) {
    const url = authorizationUrl(host.url, DEVELOPMENT_CLIENT, { ...PROTECTED, state });
    const { origin, pathname, hash, searchParams } = await createPerson("ann@example.com").authorize(url, decision);
    assert.equal(origin + pathname + hash, DEVELOPMENT_CLIENT.redirectUri);
    assert.deepEqual([searchParams.getAll("state"), searchParams.getAll("iss")], [[state], [host.url]]);
  }
});

test("tokens are had by the three grants there are, and nobody may ask what another's token is", async () => {
  for (const type of ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "__proto__", "constructor"]) {
    const fields = { grant_type: type, client_id: DEVELOPMENT_CLIENT.id, username: "ann@example.com", password: "x" };
    assert.equal((await postForm(`${host.url}/oauth/token`, fields)).body.error, "unsupported_grant_type", type);
  }
  for (const type of ["token", "id_token", "code token", "none"]) {
    const page = await createPerson("x").open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, { ...PROTECTED, response_type: type }));
    assert.equal(page.leaves?.searchParams.get("error"), "unsupported_response_type", type);
  }
  for (const path of ["/oauth/introspect", "/introspect"]) {
    assert.equal((await fetch(host.url + path, { method: "POST" })).status, 404, path);
  }
  const metadata = (await (await fetch(`${host.url}/.well-known/oauth-authorization-server`)).json()) as object;
  assert.ok(!("introspection_endpoint" in metadata));
});

test("what the token endpoint needs counts for nothing in the query", async () => {
  const { verifier, challenge } = pkce();
  const answer = await createPerson("ann@example.com").authorize(
    authorizationUrl(host.url, DEVELOPMENT_CLIENT, { code_challenge: challenge, code_challenge_method: "S256" }),
  );
  const code = answer.searchParams.get("code") ?? "";
  const fields = { grant_type: "authorization_code", code, client_id: DEVELOPMENT_CLIENT.id, code_verifier: verifier };
  const inQuery = await postForm(`${host.url}/oauth/token?${new URLSearchParams(fields)}`, { client_id: DEVELOPMENT_CLIENT.id });
  assert.deepEqual([inQuery.status, inQuery.body.error], [400, "invalid_request"]);
  assert.equal((await fetch(`${host.url}/oauth/token?${new URLSearchParams(fields)}`)).status, 405);
  assert.equal((await postForm(`${host.url}/oauth/token`, fields)).status, 200);
});

test("who knows another person's id and grant can do nothing with them", async () => {
  const ann = await connect(host.url, { email: "ann@example.com" });
  const eve = await connect(host.url, { email: "eve@example.com", client: ann.client });
  const [subject, grant] = ann.refreshToken.split(".");
  const [, own, family, secret] = eve.refreshToken.split(".");
  for (const parts of [
    [subject, grant, family, secret],
    [subject, own, family, secret],
  ]) {
    const forged = parts.join(".");
    const fields = { grant_type: "refresh_token", refresh_token: forged, client_id: ann.client.id };
    assert.equal((await postForm(`${host.url}/oauth/token`, fields)).body.error, "invalid_grant");
    assert.equal((await postForm(`${host.url}/oauth/revoke`, { token: forged, client_id: ann.client.id })).status, 200);
  }
  for (const { accessToken } of [ann, eve]) {
    const answer = await fetch(`${host.url}/oauth/userinfo`, { headers: { authorization: `Bearer ${accessToken}` } });
    assert.equal(answer.status, 200);
  }
});

test("thousands of names in one request are read in one go", () => {
  const body = Array.from({ length: 20_000 }, (_, index) => `${index.toString(36)}=1`).join("&");
  const pairs = new URLSearchParams(`${body}&0=2`);
  const startedAt = performance.now();
  assert.deepEqual([...repeatedNames(pairs)], ["0"]);
  // Each name compared with each other takes about a second.
  assert.ok(performance.now() - startedAt < 300);
});

test("a client's key that costs too much to verify with is none", async () => {
  const { publicJwk } = await makeKey("own");
  const key = { ...publicJwk, kty: "RSA" };
  assert.deepEqual(algorithmsOf(key), ["RS256"]);
  assert.deepEqual(algorithmsOf({ ...key, e: Buffer.alloc(255, 0xff).toString("base64url") }), []);
  assert.deepEqual(algorithmsOf({ ...key, e: "" }), []);
});

test("documents of hosts without end, or nested without end, are the stranger's trouble alone", async (context) => {
  await host.close();
  host = await startPlainHost({ env: { LOOPBACK_FETCH: "on", CLIENT_DOCUMENT_LIMIT: "2", TRUSTED_PROXIES: "1" } });
  const site = await startClientSite();
  context.after(() => site.close());
  const port = new URL(site.url).port;
  const ask = (id: string, address: string) =>
    postForm(`${host.url}/oauth/token`, { grant_type: "authorization_code", code: "x", client_id: id }, { "x-forwarded-for": address });
  const statuses = [];
  // Nobody listens there: what cannot be reached is no refusal, which the token endpoint would count.
  for (let last = 2; last < 12; last++) statuses.push((await ask(`http://127.0.0.${last}:${port}/client.json`, "203.0.113.7")).status);
  assert.deepEqual(statuses, [...Array(8).fill(503), 429, 429]);
  const metadata = { redirect_uris: ["https://app.example/callback"], token_endpoint_auth_method: "none" };
  const good = site.publish("/client.json", { client_id: `${site.url}/client.json`, ...metadata });
  assert.equal((await ask(good, "203.0.113.8")).body.error, "invalid_grant");
  const text = JSON.stringify({ client_id: `${site.url}/deep.json`, ...metadata }).replace(
    "}",
    `,"x":${"[".repeat(7_000)}${"]".repeat(7_000)}}`,
  );
  const deep = site.publish("/deep.json", (response) => response.writeHead(200, { "content-type": "application/json" }).end(text));
  const refused = await ask(deep, "203.0.113.9");
  assert.deepEqual([refused.status, refused.body.error], [401, "invalid_client"]);
  assert.match(refused.body.error_description, /nests its JSON too deeply/);
});
