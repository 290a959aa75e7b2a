import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { createPerson, type Person } from "../../tools/person.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, connect, DEVELOPMENT_CLIENT, DEVELOPMENT_GPT, pkce, registerClient } from "../support/oauth.mts";

/** Whatever anyone sends: the answer comes, is no fault of ours, and no browser is sent where no client lives. */

const SECRET = "a-secret-of-at-least-thirty-two-characters";
const WEB = { id: "web", secret: SECRET, redirectUri: "https://app.example/cb" };
const MOST = "1000000";
const RUNS = { numRuns: 300 };

let host: TestHost;
let open: { readonly id: string; readonly redirectUri: string };
let signedIn: Person;
before(async () => {
  const clients = [
    { client_id: WEB.id, client_secret: SECRET, redirect_uris: [WEB.redirectUri], post_logout_redirect_uris: ["https://app.example/bye"] },
    { client_id: "machine", client_secret: SECRET, grant_types: ["client_credentials"] },
  ];
  host = await startPlainHost({
    env: {
      OAUTH_CLIENTS_JSON: JSON.stringify(clients),
      // Or names out there would be looked up.
      CLIENT_DOCUMENTS: "off",
      LIMIT_VISITS_PER_ADDRESS: MOST,
      LIMIT_TOKEN_FAILURES_PER_ADDRESS: MOST,
      LIMIT_TOKEN_FAILURES_PER_CLIENT: MOST,
      LIMIT_TOKEN_FAILURES_PER_SUBJECT: MOST,
      REGISTRATION_LIMIT: MOST,
      REGISTRATION_CEILING: MOST,
    },
  });
  open = await registerClient(host.url, { redirect_uris: ["https://stranger.example/cb"] });
  signedIn = createPerson("ann@example.com");
  await connect(host.url, { person: signedIn, client: DEVELOPMENT_CLIENT });
});
after(() => host?.close());

type Pairs = readonly (readonly [name: string, value: string])[];

/** Texts that are wrong in one way or another, and some that are right in another place. */
const odd = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "",
    " ",
    "%",
    "\0",
    "\r\nlocation: https://evil.example",
    "__proto__",
    "constructor",
    "https://evil.example/cb",
    "//evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://app.example/cb/../..",
    "https://app.example@evil.example/cb",
    "http://127.0.0.1:5555/callback",
    "http://127.0.0.1:99999/callback",
    "https://app.example/cb",
    "https://stranger.example/cb",
    "none",
    "none login",
    "consent",
    "999999999999",
    "-1",
    "openid",
    "a.b.c",
    "aaaaaaaa.bbbbbbbb.cccccccc",
    "aaaaaaaa.bbbbbbbb.cccccccc.dddddddd",
    "x".repeat(3_000),
  ),
);

/** A right request, of which some parameters are left out, replaced, repeated, or joined by others. */
function changed(right: fc.Arbitrary<Pairs>, names: readonly string[]): fc.Arbitrary<Pairs> {
  const change = fc.record({ name: fc.oneof(fc.constantFrom(...names), odd), value: odd, how: fc.constantFrom("drop", "set", "add") });
  return fc.tuple(right, fc.array(change, { maxLength: 4 })).map(([pairs, changes]) =>
    changes.reduce<Pairs>((all, { name, value, how }) => {
      const others = how === "add" ? all : all.filter(([known]) => known !== name);
      return how === "drop" ? others : [...others, [name, value]];
    }, pairs),
  );
}

const AUTHORIZE = [
  ...["client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "resource", "code_challenge"],
  ...["code_challenge_method", "prompt", "max_age", "login_hint", "id_token_hint", "ui_locales", "request", "request_uri", "claims"],
];
const AS_TEXT = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.constant((pairs: Pairs) => new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])).toString()),
  },
  // What no library would encode so.
  {
    weight: 1,
    arbitrary: fc.constant((pairs: Pairs) => pairs.map(([name, value]) => `${name}=${value.replace(/[^!-~]|#/g, "%E0%")}`).join("&")),
  },
);

/** Where a browser may be sent from here. */
const HOMES = [DEVELOPMENT_CLIENT.redirectUri, DEVELOPMENT_GPT.redirectUri, WEB.redirectUri, "https://app.example/bye"];

function assertGoesHome(location: string | null): void {
  if (location === null) return;
  const target = new URL(location, host.url);
  if (target.origin === host.url) return;
  // Who is signed in has been asked before: a client that registered itself may hear that it was not allowed yet.
  if (target.href.startsWith("https://stranger.example/cb?error=consent_required&")) return;
  const place = location.replace(/\?.*$/s, "").replace(/^(http:\/\/(?:127\.0\.0\.1|localhost)):\d+/, "$1");
  const homes = [...HOMES, "http://localhost:1/callback"].map((uri) => uri.replace(/^(http:\/\/[^:/]+):\d+/, "$1"));
  assert.ok(homes.includes(place), location);
}

async function visit(path: string, init: RequestInit = {}): Promise<Response> {
  const reply = await fetch(host.url + path, { ...init, redirect: "manual" });
  assert.ok(reply.status < 500, `${reply.status} ${path} ${String(init.body)}`);
  assert.ok(reply.headers.get("x-request-id"));
  assertGoesHome(reply.headers.get("location"));
  return reply;
}

test("arbitrary authorization requests are no fault of ours, and lead to no unregistered place", async () => {
  const right = fc.constantFrom(DEVELOPMENT_CLIENT, DEVELOPMENT_GPT, WEB, open).map((client): Pairs => {
    const protection = { code_challenge: pkce().challenge, code_challenge_method: "S256" };
    return [...authorizationUrl(host.url, client, protection).searchParams];
  });
  await fc.assert(
    fc.asyncProperty(changed(right, AUTHORIZE), AS_TEXT, fc.boolean(), fc.boolean(), async (pairs, text, isSignedIn, isPosted) => {
      const cookie = isSignedIn ? signedIn.cookies(host.url) : "";
      const path = "/oauth/authorize";
      const query = text(pairs);
      const form = { "content-type": "application/x-www-form-urlencoded", cookie };
      const reply = await visit(
        isPosted ? path : `${path}?${query}`,
        isPosted ? { method: "POST", body: query, headers: form } : { headers: { cookie } },
      );
      const html = await reply.text();
      // What a page links to is here, or the one address that the client registered.
      for (const [, href = ""] of html.matchAll(/<a\b[^>]*\bhref="([^"]*)"/g)) {
        assert.match(href, /^(\/|#|https:\/\/stranger\.example\/cb\?)/);
      }
      assert.doesNotMatch(html, /<form\b[^>]*\baction="(?!\/)/);
    }),
    RUNS,
  );
});

const TOKEN = [
  ...["grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource"],
  ...["client_assertion", "client_assertion_type", "token", "token_type_hint"],
];
const authorization = fc.oneof(
  fc.constant(undefined),
  fc.constant(`Basic ${Buffer.from(`${WEB.id}:${SECRET}`).toString("base64")}`),
  fc.string({ maxLength: 60 }).map((text) => `Basic ${Buffer.from(text).toString("base64")}`),
  fc.string({ maxLength: 60 }).map((text) => text.replace(/[^ -~]/g, "?")),
);
const grant = fc.constantFrom<Pairs>(
  [["grant_type", "authorization_code"]],
  [["grant_type", "refresh_token"]],
  [
    ["grant_type", "client_credentials"],
    ["client_id", "machine"],
  ],
);
const ERRORS = /^(invalid_(request|client|grant|scope|target)|unauthorized_client|unsupported_grant_type)$/;

/** RFC 6749 §5.2. */
async function assertTokenError(reply: Response): Promise<void> {
  assert.equal(reply.headers.get("content-type"), "application/json");
  assert.equal(reply.headers.get("cache-control"), "no-store");
  const { error, error_description: description } = (await reply.json()) as Readonly<Record<string, string>>;
  assert.match(String(error), ERRORS);
  assert.match(String(description), /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/);
  assert.equal(reply.status, error === "invalid_client" ? 401 : 400);
}

for (const path of ["/oauth/token", "/oauth/revoke"]) {
  test(`arbitrary requests to ${path} get an error in RFC 6749's form, and nothing else without a credential`, async () => {
    const names = fc.tuple(grant, fc.constantFrom(WEB, DEVELOPMENT_CLIENT, DEVELOPMENT_GPT, open));
    const right = names.map(([pairs, client]): Pairs => [["client_id", client.id], ["redirect_uri", client.redirectUri], ...pairs]);
    await fc.assert(
      fc.asyncProperty(changed(right, TOKEN), AS_TEXT, authorization, async (pairs, text, header) => {
        const headers = { "content-type": "application/x-www-form-urlencoded", ...(header ? { authorization: header } : {}) };
        const reply = await visit(path, { method: "POST", body: text(pairs), headers });
        if (path === "/oauth/revoke" && reply.status === 200) assert.equal(await reply.text(), "");
        else await assertTokenError(reply);
      }),
      RUNS,
    );
  });
}

test("arbitrary registrations are refused in RFC 7591's form, or made as they were asked for", async () => {
  const member = fc.oneof(odd, fc.jsonValue({ maxDepth: 2 }), fc.array(odd, { maxLength: 12 }));
  const body = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc
      .record(
        {
          redirect_uris: fc.oneof({ weight: 3, arbitrary: fc.constant(["https://app.example/cb"]) }, { weight: 2, arbitrary: member }),
          token_endpoint_auth_method: fc.oneof(fc.constantFrom("none", "client_secret_post", "private_key_jwt"), member),
          grant_types: fc.oneof(fc.constant(["authorization_code"]), member),
          response_types: fc.oneof(fc.constant(["code"]), member),
          client_name: member,
          jwks: member,
          jwks_uri: member,
          scope: member,
          logo_uri: member,
        },
        { requiredKeys: ["redirect_uris"] },
      )
      .map((metadata) => JSON.stringify(metadata)),
  );
  await fc.assert(
    fc.asyncProperty(body, async (text) => {
      const reply = await visit("/oauth/register", { method: "POST", body: text, headers: { "content-type": "application/json" } });
      const answer = (await reply.json()) as Readonly<Record<string, unknown>>;
      if (reply.status === 201) {
        assert.deepEqual(answer["redirect_uris"], (JSON.parse(text) as Record<string, unknown>)["redirect_uris"]);
        assert.equal("client_secret" in answer, !["none", "private_key_jwt"].includes(String(answer["token_endpoint_auth_method"])));
      } else {
        assert.equal(reply.status, 400);
        assert.match(String(answer["error"]), /^invalid_(redirect_uri|client_metadata)$/);
      }
    }),
    RUNS,
  );
});

test("arbitrary sign-outs are no fault of ours, and lead to no unregistered place", async () => {
  const right = fc.constant<Pairs>([
    ["client_id", WEB.id],
    ["post_logout_redirect_uri", "https://app.example/bye"],
    ["state", "s"],
  ]);
  const names = ["client_id", "post_logout_redirect_uri", "state", "id_token_hint", "logout_hint", "ui_locales"];
  await fc.assert(
    fc.asyncProperty(changed(right, names), AS_TEXT, fc.boolean(), async (pairs, text, isSignedIn) => {
      const cookie = isSignedIn ? signedIn.cookies(host.url) : "";
      const reply = await visit(`/oauth/end_session?${text(pairs)}`, { headers: { cookie } });
      await reply.body?.cancel();
    }),
    RUNS,
  );
});

test("arbitrary steps and fields of a sign-in release nothing", async () => {
  const person = createPerson("eve@example.com");
  const protection = { code_challenge: pkce().challenge, code_challenge_method: "S256" };
  const page = await person.open(authorizationUrl(host.url, DEVELOPMENT_CLIENT, protection));
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("code", "restart", "consent", "switch") },
    // One or two dots are no segment of a path, however they are written (WHATWG URL §4.4).
    { weight: 1, arbitrary: odd.filter((name) => !/^\.{0,2}$/.test(name)) },
  );
  const fields = changed(fc.constant([["decision", "allow"]]), ["code", "email", "decision", "shown", "restart"]);
  await fc.assert(
    fc.asyncProperty(step, fields, AS_TEXT, async (name, pairs, text) => {
      const path = `${page.url.pathname}/${encodeURIComponent(name)}`;
      const headers = { "content-type": "application/x-www-form-urlencoded", cookie: person.cookies(host.url) };
      const reply = await visit(path, { method: "POST", body: text(pairs), headers });
      await reply.body?.cancel();
      const location = reply.headers.get("location");
      assert.ok(location === null || new URL(location, host.url).origin === host.url, String(location));
    }),
    RUNS,
  );
});

test("no invented access token is one", async () => {
  const { accessToken } = await connect(host.url, { client: DEVELOPMENT_CLIENT, person: signedIn });
  const damaged = fc.tuple(fc.nat(accessToken.length - 1), fc.constantFrom(..."AQgw_.- ~é")).map(([at, piece]) => {
    return accessToken.slice(0, at) + piece + accessToken.slice(at + 1);
  });
  const invented = fc.oneof(damaged, odd).map((token) => token.replace(/[^ -~]/g, "?"));
  await fc.assert(
    fc.asyncProperty(invented, async (token) => {
      fc.pre(token.trim() !== accessToken && !isSameSignature(token, accessToken));
      const reply = await visit("/oauth/userinfo", { headers: { authorization: `Bearer ${token}` } });
      assert.equal(reply.status, 401, token);
      await reply.body?.cancel();
    }),
    RUNS,
  );
});

/** The last character of base64url has bits that no byte has: two spellings of one signature. */
function isSameSignature(token: string, other: string): boolean {
  const [head, signature] = [token.slice(0, token.lastIndexOf(".")), token.slice(token.lastIndexOf(".") + 1)];
  const bytes = Buffer.from(other.slice(other.lastIndexOf(".") + 1), "base64url");
  return head === other.slice(0, other.lastIndexOf(".")) && Buffer.from(signature, "base64url").equals(bytes);
}
