import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createPerson, shownCode } from "../../tools/person.mts";
import { createClock, HOUR, MINUTE } from "../support/clock.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, connect, DEVELOPMENT_CLIENT, DEVELOPMENT_GPT, pkce, redeem, registerClient } from "../support/oauth.mts";

const clock = createClock();
const CONFIDENTIAL = {
  id: "web-app",
  secret: "a-secret-of-at-least-thirty-two-characters",
  redirectUri: "https://app.example.com/callback",
};
let host: TestHost;
before(async () => {
  const clients = [
    { client_id: CONFIDENTIAL.id, client_name: "Web app", client_secret: CONFIDENTIAL.secret, redirect_uris: [CONFIDENTIAL.redirectUri] },
  ];
  host = await startPlainHost({ clock, env: { OAUTH_CLIENTS_JSON: JSON.stringify(clients) } });
});
after(() => host.close());

const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };

test("the answer carries code, state and the exact issuer, on an address of the client's own", async () => {
  const client = await registerClient(host.url, { redirect_uris: ["http://127.0.0.1/callback?tenant=a%20b"] });
  const url = authorizationUrl(
    host.url,
    { ...client, redirectUri: "http://127.0.0.1:49152/callback?tenant=a%20b" },
    { ...PROTECTED, state: "s &?=" },
  );
  const answer = await createPerson("ann@example.com").authorize(url);
  assert.ok(answer.href.startsWith("http://127.0.0.1:49152/callback?tenant=a%20b&code="));
  assert.equal(answer.searchParams.get("state"), "s &?=");
  assert.equal(answer.searchParams.get("iss"), host.url);
});

test("a wrong client or redirect URI is told to the person and sent nowhere", async () => {
  const client = await registerClient(host.url);
  const person = createPerson("ann@example.com");
  const wrong = [
    authorizationUrl(host.url, { ...client, id: "nobody" }, PROTECTED),
    authorizationUrl(host.url, client, { ...PROTECTED, client_id: undefined }),
    ...[
      "https://evil.example/callback",
      "http://127.0.0.1:7777/callback/../evil",
      "http://127.0.0.1:7777/callback?x=1",
      "http://127.0.0.1:7777/callbackevil",
      "http://127.0.0.1.evil.example/callback",
      "http://127.0.0.1@evil.example/callback",
      "http://localhost:7777/callback",
      "https://127.0.0.1:7777/callback",
      "HTTP://127.0.0.1:7777/callback#x",
      "javascript:alert(1)",
      "http://127.0.0.1:7777/callback%00",
    ].map((redirectUri) => authorizationUrl(host.url, { ...client, redirectUri }, PROTECTED)),
  ];
  for (const url of wrong) {
    const page = await person.open(url);
    assert.equal(page.leaves, undefined, `${url} leaves`);
    assert.equal(page.status, 400, `${url}`);
    assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
    assert.ok(page.html.includes(page.headers.get("x-request-id") ?? "no id"));
    assert.ok(!/href="(?!\/|#)[^"]*evil/.test(page.html));
  }
});

test("before sign-in, faults go back to clients on loopback and to those an operator registered", async () => {
  const person = createPerson("ann@example.com");
  const cases: [Record<string, string | undefined>, string][] = [
    [{ response_type: "token" }, "unsupported_response_type"],
    [{ response_type: undefined }, "invalid_request"],
    [{ response_mode: "fragment" }, "invalid_request"],
    [{ code_challenge: undefined, code_challenge_method: undefined }, "invalid_request"],
    [{ code_challenge_method: "plain" }, "invalid_request"],
    [{ code_challenge_method: undefined }, "invalid_request"],
    [{ code_challenge: "short" }, "invalid_request"],
    [{ scope: "nothing of ours" }, "invalid_scope"],
    [{ resource: "https://elsewhere.example/mcp" }, "invalid_target"],
    [{ resource: `${host.url}/mcp/evil` }, "invalid_target"],
    [{ request: "e30.e30." }, "request_not_supported"],
    [{ request_uri: "https://evil.example/request" }, "request_uri_not_supported"],
    [{ prompt: "none login" }, "invalid_request"],
    [{ prompt: "none" }, "login_required"],
    [{ max_age: "soon" }, "invalid_request"],
  ];
  for (const [parameters, error] of cases) {
    for (const client of [DEVELOPMENT_CLIENT, CONFIDENTIAL]) {
      const { leaves } = await person.open(authorizationUrl(host.url, client, { ...PROTECTED, ...parameters }));
      assert.equal(leaves?.searchParams.get("error"), error, JSON.stringify(parameters));
      assert.equal(leaves?.searchParams.get("state"), "xyz");
      assert.equal(leaves?.searchParams.get("iss"), host.url);
    }
  }
});

test("before sign-in, a fault of a client that registered itself for the web is a page with a link, not a redirect", async () => {
  const client = await registerClient(host.url, { redirect_uris: ["https://somewhere.example/callback"] });
  const page = await createPerson("ann@example.com").open(authorizationUrl(host.url, client, { ...PROTECTED, response_type: "token" }));
  assert.equal(page.leaves, undefined);
  assert.equal(page.status, 400);
  assert.ok(page.html.includes("somewhere.example"));
});

test("a doubled parameter is refused, an unknown one is ignored", async () => {
  const person = createPerson("ann@example.com");
  const url = authorizationUrl(host.url, DEVELOPMENT_CLIENT, {
    ...PROTECTED,
    ui_locales: "de",
    display: "page",
    foo: "bar",
    id_token_hint: "x",
  });
  assert.equal((await person.open(url)).status, 200);
  url.searchParams.append("redirect_uri", "https://evil.example/");
  assert.equal((await person.open(url)).status, 400);
});

test("only the browser that began a sign-in can go on with it", async () => {
  const begun = await createPerson("ann@example.com").open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  const thief = await createPerson("eve@example.com").open(begun.url);
  assert.equal(thief.status, 403);
  const posted = await fetch(`${begun.url}/consent`, { method: "POST", body: new URLSearchParams({ decision: "allow" }) });
  assert.equal(posted.status, 403);
});

test("a form from another site is refused", async () => {
  const person = createPerson("ann@example.com");
  const page = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  for (const origin of ["https://evil.example", "null", "https://chatgpt.com"]) {
    const reply = await fetch(`${page.url}/email`, {
      method: "POST",
      body: new URLSearchParams({ email: "eve@example.com" }),
      headers: { origin, cookie: person.cookies(page.url) },
    });
    assert.equal(reply.status, 403, origin);
  }
});

test("consent without sign-in releases nothing", async () => {
  const person = createPerson("ann@example.com");
  const page = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  const reply = await fetch(`${page.url}/consent`, {
    method: "POST",
    redirect: "manual",
    body: new URLSearchParams({ decision: "allow" }),
    headers: { cookie: person.cookies(page.url) },
  });
  assert.equal(reply.headers.get("location"), page.url.pathname);
});

test("a doubled Allow gives the same answer, and so does a doubled Deny", async () => {
  for (const decision of ["allow", "deny"] as const) {
    const client = await registerClient(host.url);
    const person = createPerson("ann@example.com");
    const consent = await consentPage(person, client);
    const answers = await Promise.all([1, 2, 3].map(() => person.submit(consent, /\/consent$/, { decision })));
    const again = await person.submit(consent, /\/consent$/, { decision });
    assert.equal(new Set([...answers, again].map((answer) => answer.leaves?.href)).size, 1);
    assert.equal(again.leaves?.searchParams.has("code"), decision === "allow");
  }
});

test("of Allow and Deny the first holds", async () => {
  const client = await registerClient(host.url);
  const person = createPerson("ann@example.com");
  const consent = await consentPage(person, client);
  const denied = await person.submit(consent, /\/consent$/, { decision: "deny" });
  assert.equal(denied.leaves?.searchParams.get("error"), "access_denied");
  const allowed = await person.submit(consent, /\/consent$/, { decision: "allow" });
  assert.equal(allowed.leaves?.searchParams.get("error"), "access_denied");
});

test("the consent page names account, client, host and scopes, and says what is unverified", async () => {
  const client = await registerClient(host.url, {
    client_name: '<script>alert("x")</script>',
    redirect_uris: ["https://somewhere.example/cb"],
  });
  const page = await consentPage(createPerson("ann@example.com"), client, { scope: "todos:read" });
  assert.ok(page.html.includes("ann@example.com"));
  assert.ok(page.html.includes("somewhere.example"));
  assert.ok(/unverified/i.test(page.html));
  assert.ok(!page.html.includes("<script>alert"));
});

test("someone who has signed in is asked for consent alone by the next client", async () => {
  const person = createPerson("ann@example.com");
  await connect(host.url, { person });
  const client = await registerClient(host.url);
  const page = await person.open(authorizationUrl(host.url, client, PROTECTED));
  assert.match(page.html, /action="[^"]*\/consent"/);
  const again = await person.open(authorizationUrl(host.url, client, { ...PROTECTED, prompt: "login" }));
  assert.match(again.html, /action="[^"]*\/email"/);
  clock.advance(10 * MINUTE);
  const stale = await person.open(authorizationUrl(host.url, client, { ...PROTECTED, max_age: "300" }));
  assert.match(stale.html, /action="[^"]*\/email"/);
  clock.advance(13 * HOUR);
  const idle = await person.open(authorizationUrl(host.url, client, PROTECTED));
  assert.match(idle.html, /action="[^"]*\/email"/);
});

test("consent is remembered for a registered client with a secret on the web, and for no other", async () => {
  const person = createPerson("ann@example.com");
  await person.authorize(authorizationUrl(host.url, CONFIDENTIAL, { ...PROTECTED, scope: "openid todos:read" }));
  const silent = await person.open(authorizationUrl(host.url, CONFIDENTIAL, { ...PROTECTED, scope: "todos:read", prompt: "none" }));
  assert.ok(silent.leaves?.searchParams.get("code"));
  const more = await person.open(authorizationUrl(host.url, CONFIDENTIAL, { ...PROTECTED, scope: "todos:write", prompt: "none" }));
  assert.equal(more.leaves?.searchParams.get("error"), "consent_required");
  const asked = await person.open(authorizationUrl(host.url, CONFIDENTIAL, { ...PROTECTED, scope: "todos:read", prompt: "consent" }));
  assert.match(asked.html, /action="[^"]*\/consent"/);
  const dynamic = await registerClient(host.url, { redirect_uris: ["https://somewhere.example/cb"] });
  for (const client of [DEVELOPMENT_CLIENT, DEVELOPMENT_GPT, dynamic]) {
    await person.authorize(authorizationUrl(host.url, client, PROTECTED));
    const page = await person.open(authorizationUrl(host.url, client, PROTECTED));
    assert.match(page.html, /action="[^"]*\/consent"/, client.id);
  }
});

test("the account can be switched on the consent page", async () => {
  const client = await registerClient(host.url);
  const consent = await consentPage(createPerson("ann@example.com"), client);
  assert.ok(consent.html.includes("ann@example.com"));
  const person = createPerson("bob@example.com");
  const own = await consentPage(person, client);
  const signIn = await person.submit(own, /\/switch$/);
  assert.match(signIn.html, /action="[^"]*\/email"/);
});

test("a missing scope and a missing resource are filled in by client", async () => {
  const mcp = await connect(host.url);
  assert.equal(mcp.reply.body.scope, "openid profile email offline_access knowledge:read todos:read todos:write");
  assert.equal(audience(mcp.accessToken), `${host.url}/mcp`);
  const gpt = await connect(host.url, { client: DEVELOPMENT_GPT, parameters: { scope: "" } });
  assert.equal(audience(gpt.accessToken), `${host.url}/actions`);
  const refused = await createPerson("ann@example.com").open(authorizationUrl(host.url, DEVELOPMENT_GPT, { resource: `${host.url}/mcp` }));
  assert.equal(refused.leaves?.searchParams.get("error"), "invalid_target");
});

test("every spelling of the MCP resource comes back byte for byte as the audience", async () => {
  for (const path of ["/mcp", "/mcp/", "/sse", "", "/"]) {
    const { accessToken } = await connect(host.url, { parameters: { resource: host.url + path } });
    assert.equal(audience(accessToken), host.url + path);
  }
});

test("an authorization request may be posted", async () => {
  const url = authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED);
  const reply = await fetch(`${host.url}/oauth/authorize`, { method: "POST", body: url.searchParams, redirect: "manual" });
  assert.equal(reply.status, 303);
  assert.equal(reply.headers.get("location"), `/oauth/authorize?${url.searchParams}`);
});

test("pages forbid framing, scripts and strangers' styles, and set cookies that scripts cannot read", async () => {
  const response = await fetch(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED), { redirect: "manual" });
  assert.equal(response.status, 303);
  const cookie = response.headers.getSetCookie()[0] ?? "";
  assert.match(
    cookie,
    new RegExp(`^portico_${new URL(host.url).port}_browser=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Lax; Max-Age=`),
  );
  const page = await createPerson("ann@example.com").open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED));
  const policy = page.headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /form-action|unsafe/);
  assert.equal(page.headers.get("referrer-policy"), "same-origin");
  assert.equal(page.headers.get("cross-origin-opener-policy"), null);
});

async function consentPage(person: ReturnType<typeof createPerson>, client: { id: string; redirectUri: string }, parameters = {}) {
  const start = await person.open(authorizationUrl(host.url, client, { ...PROTECTED, ...parameters }));
  const code = await person.submit(start, /\/email$/, { email: "ann@example.com" });
  return person.submit(code, /\/code$/, { code: shownCode(code) });
}

function audience(token: string): unknown {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).aud;
}

test("a code of one transaction redeems for its own client and verifier only", async () => {
  const client = await registerClient(host.url);
  const { verifier, challenge } = pkce();
  const answer = await createPerson("ann@example.com").authorize(
    authorizationUrl(host.url, client, { code_challenge: challenge, code_challenge_method: "S256" }),
  );
  const code = answer.searchParams.get("code") ?? "";
  assert.equal((await redeem(host.url, DEVELOPMENT_CLIENT, code, { code_verifier: verifier })).body.error, "invalid_grant");
  assert.equal((await redeem(host.url, client, code, { code_verifier: verifier })).status, 200);
});
