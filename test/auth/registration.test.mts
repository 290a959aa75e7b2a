import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createPerson } from "../../tools/person.mts";
import { createClock, DAY } from "../support/clock.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, connect, pkce, postForm, redeem, registerClient } from "../support/oauth.mts";
import { makeKey } from "./clients/client-site.mts";

const clock = createClock();
let host: TestHost;
before(async () => {
  host = await startPlainHost({ clock, env: { SHARED_EGRESS: "127.0.0.0/8 ::1/128" } });
});
after(() => host.close());

test("a client registers itself and is told what it is", async () => {
  const { reply, id } = await registerClient(host.url, { scope: "openid", software_id: "ignored", logo_uri: "https://x.example/logo.png" });
  assert.equal(reply.status, 201);
  assert.equal(reply.headers.get("cache-control"), "no-store");
  assert.deepEqual(reply.body, {
    client_id: id,
    client_id_issued_at: Math.floor(clock() / 1000),
    client_name: "A test",
    redirect_uris: ["http://127.0.0.1:7777/callback"],
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
  });
});

test("a client that names no method gets a secret that works in the header and in the body", async () => {
  const client = await registerClient(host.url, { token_endpoint_auth_method: undefined });
  assert.equal(client.reply.body.client_secret_expires_at, 0);
  assert.ok(client.secret);
  const { verifier, challenge } = pkce();
  const parameters = { code_challenge: challenge, code_challenge_method: "S256" };
  const answer = await createPerson("ann@example.com").authorize(authorizationUrl(host.url, client, parameters));
  const code = answer.searchParams.get("code") ?? "";
  assert.equal((await redeem(host.url, { ...client, secret: "wrong" }, code, { code_verifier: verifier })).status, 401);
  assert.equal((await redeem(host.url, client, code, { code_verifier: verifier })).status, 200);
});

test("redirect URIs that lead astray are refused, those of real clients are taken", async () => {
  const refused = [
    "javascript:alert(1)",
    "data:text/html,x",
    "http://example.com/callback",
    "https://example.com/callback#fragment",
    "https://user:password@example.com/callback",
    "https://example.com/a b",
    "https:\\\\example.com",
    `${host.url}/oauth/callback`,
    "myapp://callback",
    "file:///etc/passwd",
    "",
    "/relative",
  ];
  for (const uri of refused) {
    const { reply } = await registerClient(host.url, { redirect_uris: [uri] });
    assert.equal(reply.status, 400, uri);
    assert.equal(reply.body.error, "invalid_redirect_uri", uri);
  }
  const taken = [
    "https://claude.ai/api/mcp/auth_callback",
    "http://localhost:8787/callback",
    "http://127.0.0.1:33418/",
    "http://[::1]:9/cb",
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "com.example.app:/callback",
    "https://vscode.dev/redirect",
  ];
  for (const uri of taken) assert.equal((await registerClient(host.url, { redirect_uris: [uri] })).reply.status, 201, uri);
});

test("a registration that is no registration is refused in RFC 7591's form", async () => {
  const cases: [string, number, string][] = [
    ["not json", 400, "invalid_client_metadata"],
    ["[]", 400, "invalid_client_metadata"],
    ["{}", 400, "invalid_redirect_uri"],
    [JSON.stringify({ redirect_uris: [] }), 400, "invalid_redirect_uri"],
    [JSON.stringify({ redirect_uris: Array(11).fill("https://a.example/") }), 400, "invalid_redirect_uri"],
    [
      JSON.stringify({ redirect_uris: ["https://a.example/"], token_endpoint_auth_method: "tls_client_auth" }),
      400,
      "invalid_client_metadata",
    ],
    [JSON.stringify({ redirect_uris: ["https://a.example/"], grant_types: ["implicit"] }), 400, "invalid_client_metadata"],
    [JSON.stringify({ redirect_uris: ["https://a.example/"], response_types: ["token"] }), 400, "invalid_client_metadata"],
    [JSON.stringify({ redirect_uris: ["https://a.example/"], client_name: 7 }), 400, "invalid_client_metadata"],
    [JSON.stringify({ redirect_uris: ["https://a.example/"], pad: "x".repeat(17_000) }), 413, "invalid_request"],
  ];
  for (const [body, status, error] of cases) {
    const response = await fetch(`${host.url}/oauth/register`, { method: "POST", body, headers: { "content-type": "application/json" } });
    assert.equal(response.status, status);
    assert.equal(((await response.json()) as { error: string }).error, error);
  }
});

test("a client that never redeemed a code is gone after 30 days, one that did stays", async () => {
  const unused = await registerClient(host.url);
  const used = await registerClient(host.url);
  await connect(host.url, { client: used });
  clock.advance(31 * DAY);
  const person = createPerson("ann@example.com");
  const parameters = { code_challenge: pkce().challenge, code_challenge_method: "S256" };
  assert.equal((await person.open(authorizationUrl(host.url, unused, parameters))).status, 400);
  assert.equal((await person.open(authorizationUrl(host.url, used, parameters))).status, 200);
});

test("a pasted Custom GPT callback is registered with both hosts, and its client works at once", async () => {
  const person = createPerson("ann@example.com");
  const setup = await person.open(host.url);
  const done = await person.submit(setup, /custom-gpt/, { callback_url: " https://chat.openai.com/aip/g-abc123/oauth/callback " });
  assert.equal(done.status, 200);
  const secret = /[A-Za-z0-9_-]{43}/.exec(done.html.replace(/sha256-\S+/g, ""))?.[0];
  assert.ok(secret);
  for (const callback of ["https://chatgpt.com/aip/g-abc123/oauth/callback", "https://chat.openai.com/aip/g-abc123/oauth/callback"]) {
    assert.ok(done.html.includes(callback));
    const client = { id: "custom-gpt-g-abc123", secret, redirectUri: callback };
    const { accessToken } = await connect(host.url, { client });
    const session = await fetch(`${host.url}/actions/session`, { headers: { authorization: `Bearer ${accessToken}` } });
    assert.equal(session.status, 200);
  }
});

test("what is no Custom GPT callback is refused, and so is the form from anywhere but this machine", async () => {
  const person = createPerson("ann@example.com");
  const setup = await person.open(host.url);
  for (const callback of [
    "https://evil.example/aip/g-abc/oauth/callback",
    "https://chatgpt.com/aip/g-abc/oauth/callback/evil",
    "https://chatgpt.com.evil.example/aip/g-a/oauth/callback",
    "",
  ]) {
    assert.equal((await person.submit(setup, /custom-gpt/, { callback_url: callback })).status, 400, callback);
  }
  const body = new URLSearchParams({ callback_url: "https://chatgpt.com/aip/g-abc/oauth/callback" });
  const forwarded = { "x-forwarded-for": "203.0.113.7" };
  assert.equal((await fetch(`${host.url}/setup/custom-gpt`, { method: "POST", body, headers: forwarded })).status, 403);
  const foreign = { origin: "https://evil.example" };
  assert.equal((await fetch(`${host.url}/setup/custom-gpt`, { method: "POST", body, headers: foreign })).status, 403);
  const page = await (await fetch(host.url, { headers: forwarded })).text();
  assert.ok(!page.includes("callback_url"));
});

test("what a client leaves out or writes as null gets its default, said in the answer", async () => {
  const nothing = { grant_types: undefined, token_endpoint_auth_method: undefined, client_name: undefined };
  const nulls = { grant_types: null, token_endpoint_auth_method: null, client_name: null, scope: null, client_uri: null, jwks: null };
  for (const members of [nothing, nulls]) {
    const { reply } = await registerClient(host.url, members);
    assert.equal(reply.status, 201, JSON.stringify(reply.body));
    assert.deepEqual(reply.body.grant_types, ["authorization_code", "refresh_token"]);
    assert.deepEqual(reply.body.response_types, ["code"]);
    assert.equal(reply.body.token_endpoint_auth_method, "client_secret_basic");
    assert.ok(!Object.values(reply.body).includes(null));
  }
  assert.equal((await registerClient(host.url, { redirect_uris: null })).reply.body.error, "invalid_redirect_uri");
});

test("a registration names the keys of its client, and their faults are told", async () => {
  const { publicJwk } = await makeKey("own", "ES256");
  const proving = { token_endpoint_auth_method: "private_key_jwt", redirect_uris: ["https://app.example/callback"] };
  const taken = await registerClient(host.url, { ...proving, jwks_uri: "https://app.example/keys.json" });
  assert.equal(taken.reply.body.jwks_uri, "https://app.example/keys.json");
  assert.equal(taken.reply.body.client_secret, undefined);
  const faulty = [
    {},
    { jwks: { keys: [] } },
    { jwks: { keys: [{ ...publicJwk, d: "AQAB" }] } },
    { jwks: { keys: [{ kty: "oct", k: "AQAB" }] } },
    { jwks: { keys: [publicJwk] }, jwks_uri: "https://app.example/keys.json" },
    { jwks_uri: "http://app.example/keys.json" },
    { jwks_uri: "https://169.254.169.254/keys.json" },
    { jwks_uri: `${host.url}/.well-known/jwks.json` },
  ];
  for (const members of faulty) {
    const { reply } = await registerClient(host.url, { ...proving, ...members });
    assert.deepEqual([reply.status, reply.body.error], [400, "invalid_client_metadata"], JSON.stringify(members));
  }
});

test("nobody registers itself for what only an operator gives", async () => {
  const { reply } = await registerClient(host.url, {
    grant_types: ["authorization_code", "client_credentials"],
    token_endpoint_auth_method: undefined,
    resources: ["actions"],
    trusted: true,
    require_pkce: false,
    scope: "admin",
  });
  assert.deepEqual(reply.body.grant_types, ["authorization_code"]);
  const only = await registerClient(host.url, { grant_types: ["client_credentials"] });
  assert.equal(only.reply.body.error, "invalid_client_metadata");
  const client = { id: reply.body.client_id, secret: reply.body.client_secret, redirectUri: "http://127.0.0.1:7777/callback" };
  const machine = { grant_type: "client_credentials", client_id: client.id, client_secret: client.secret };
  assert.equal((await postForm(`${host.url}/oauth/token`, machine)).body.error, "unauthorized_client");
  const actions = { code_challenge: pkce().challenge, code_challenge_method: "S256", resource: `${host.url}/actions` };
  const answer = await createPerson("ann@example.com").open(authorizationUrl(host.url, client, actions));
  assert.equal(answer.leaves?.searchParams.get("error"), "invalid_target");
});
