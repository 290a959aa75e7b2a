import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { after, before, test } from "node:test";
import { exportJWK, SignJWT } from "jose";
import { createPerson } from "../../../tools/person.mts";
import { type SpawnedService, spawnService } from "../../support/host.mts";
import { authorizationUrl, DEVELOPMENT_CLIENT, pkce } from "../../support/oauth.mts";
import {
  type Alter,
  addToCallback,
  allOf,
  changeJson,
  connectUpstream,
  signInUpstream,
  startUpstream,
  type TestUpstream,
  UPSTREAM_CLIENT,
} from "../../support/upstream.mts";
import { ANN } from "./setting.mts";

let upstream: TestUpstream;
let service: SpawnedService;
before(async () => {
  upstream = await startUpstream();
  upstream.people.set("ann", ANN);
  service = await spawnService({
    env: {
      UPSTREAM_OIDC_ISSUER_URL: upstream.issuer,
      UPSTREAM_OIDC_CLIENT_ID: UPSTREAM_CLIENT.id,
      UPSTREAM_OIDC_CLIENT_SECRET: UPSTREAM_CLIENT.secret,
      LOG_LEVEL: "info",
    },
  });
  await upstream.open({ redirect_uris: [`${service.url}/oauth/callback/upstream`] });
  // Its metadata and keys are known from here on: what is refused, and why, does not depend on which test comes first.
  await comeIn();
});
after(async () => {
  await service?.stop();
  await upstream?.close();
});

async function comeIn() {
  const person = createPerson("");
  const { challenge } = pkce();
  const page = await person.open(
    authorizationUrl(service.url, DEVELOPMENT_CLIENT, { code_challenge: challenge, code_challenge_method: "S256" }),
  );
  return { person, page: await signInUpstream(person, page, upstream, "ann") };
}

/** Whatever the ID token says, with a signature that is not the provider's. */
function signedBy(sign: (claims: Record<string, unknown>, kid: string) => Promise<string> | string): Alter {
  return async (answer) => {
    if (answer.path !== "/token") return undefined;
    const body = JSON.parse(answer.body);
    const [header, claims] = body.id_token
      .split(".")
      .slice(0, 2)
      .map((part: string) => JSON.parse(Buffer.from(part, "base64url").toString()));
    return { ...answer, body: JSON.stringify({ ...body, id_token: await sign(claims, header.kid) }) };
  };
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
const change = (members: Record<string, unknown>) => (claims: object) => ({ ...claims, ...members });
const huge = "x".repeat(1024 * 1024);

const LIES: readonly (readonly [does: string, reason: RegExp, alter: () => Alter])[] = [
  ["the nonce is another's", /invalid_answer/, () => upstream.resign(change({ nonce: "another" }))],
  ["there is no nonce", /invalid_answer/, () => upstream.resign(change({ nonce: undefined }))],
  ["the audience is another client", /invalid_answer/, () => upstream.resign(change({ aud: "another" }))],
  ["the ID token's issuer is another", /invalid_answer/, () => upstream.resign(change({ iss: "https://accounts.example.com" }))],
  ["the ID token has expired", /invalid_answer/, () => upstream.resign(change({ exp: Math.floor(Date.now() / 1000) - 120 }))],
  ["the ID token names nobody", /invalid_answer/, () => upstream.resign(change({ sub: undefined }))],
  ["the access token is another's", /at_hash/, () => upstream.resign(change({ at_hash: "AAAAAAAAAAAAAAAAAAAAAA" }))],
  [
    "the access token was exchanged",
    /at_hash/,
    () =>
      allOf(
        withAtHash(),
        changeJson("/token", (body) => ({ ...body, access_token: "another" })),
      ),
  ],
  ["the ID token is not signed (alg none)", /invalid_answer/, () => signedBy((claims) => `${encode({ alg: "none" })}.${encode(claims)}.`)],
  [
    "alg none is even published",
    /err_|invalid_answer/,
    () =>
      allOf(
        signedBy((claims) => `${encode({ alg: "none" })}.${encode(claims)}.`),
        changeJson("/.well-known/openid-configuration", (body) => ({ ...body, id_token_signing_alg_values_supported: ["none", "RS256"] })),
      ),
  ],
  [
    "it is signed with the client's secret",
    /invalid_answer/,
    () => signedBy((claims) => new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(Buffer.from(UPSTREAM_CLIENT.secret))),
  ],
  [
    "a stranger signed it under the provider's kid",
    /signature/,
    () => signedBy((claims, kid) => new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid }).sign(stranger.privateKey)),
  ],
  [
    "a stranger signed it and put the key in the header",
    /no_matching_key/,
    () =>
      signedBy(async (claims) =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: "RS256", kid: "mine", jwk: await exportJWK(stranger.publicKey) })
          .sign(stranger.privateKey),
      ),
  ],
  ["there is no ID token", /invalid_answer/, () => changeJson("/token", ({ id_token: _no, ...body }) => body)],
  [
    "the token answer is not JSON",
    /invalid_answer/,
    () => (answer) => (answer.path === "/token" ? { ...answer, body: "<html>" } : undefined),
  ],
  ["the token answer is oversized", /no_answer/, () => changeJson("/token", (body) => ({ ...body, huge }))],
  [
    "the token endpoint redirects",
    /no_answer/,
    () => (answer) =>
      answer.path === "/token" ? { ...answer, status: 307, headers: { location: `${upstream.issuer}/elsewhere` } } : undefined,
  ],
  ["the token endpoint keeps silent", /no_answer/, () => (answer) => (answer.path === "/token" ? new Promise(() => undefined) : undefined)],
  [
    "its keys are no keys",
    /no_matching_key/,
    () =>
      allOf(
        renamedKey(),
        changeJson("/jwks", () => ({ keys: "none" })),
      ),
  ],
  [
    "its key is broken",
    /invalid_answer|err_/,
    () =>
      allOf(
        renamedKey(),
        changeJson("/jwks", () => ({ keys: [{ kty: "RSA", kid: "renamed", n: "AQAB", e: "!" }] })),
      ),
  ],
  [
    "the token endpoint fails",
    /no_answer/,
    () => (answer) => (answer.path === "/token" ? { ...answer, status: 502, body: "" } : undefined),
  ],
  ["the answer names another issuer", /invalid_answer/, () => addToCallback({ iss: "https://accounts.example.com" })],
  [
    "the answer lacks the issuer that was announced",
    /invalid_answer/,
    () => (answer) => {
      const { location } = answer.headers;
      if (typeof location !== "string" || !location.includes("/oauth/callback/")) return undefined;
      return { ...answer, headers: { ...answer.headers, location: location.replace(/&iss=[^&]*/, "") } };
    },
  ],
];

/** Its keys are asked for again. */
function renamedKey(): Alter {
  return upstream.resign((claims) => claims, { kid: "renamed" });
}

function withAtHash(): Alter {
  return upstream.resign((claims, accessToken) => {
    const hash = createHash("sha256").update(accessToken).digest();
    return { ...claims, at_hash: hash.subarray(0, 16).toString("base64url") };
  });
}

test("an honest provider signs people in, with the access token's hash or without", async () => {
  assert.match((await comeIn()).page.html, /\/consent"/);
  upstream.alter = withAtHash();
  assert.match((await comeIn()).page.html, /\/consent"/);
  upstream.alter = undefined;
});

/** The reason of the first failure that the log tells of beyond a length: its line may come after the page. */
async function reasonAfter(length: number): Promise<string> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const line = /"event":"sign_in_failed".*?"reason":"([a-z_]+)"/.exec(service.output().slice(length));
    if (line?.[1] !== undefined) return line[1];
    if (Date.now() > deadline) throw new Error("the log tells of no failure");
    await new Promise(setImmediate);
  }
}

for (const [does, reason, alter] of LIES) {
  test(`nobody is signed in when ${does}`, async () => {
    upstream.alter = alter();
    const before = service.output().length;
    const { person, page } = await comeIn();
    upstream.alter = undefined;
    assert.ok(page.status === 400 || page.status === 503, String(page.status));
    assert.match(page.html, /You were not signed in by|does not answer right now/);
    assert.doesNotMatch(person.cookies(service.url), /_session=/);
    assert.match(await reasonAfter(before), reason);
    assert.ok(!upstream.calls.includes("GET /elsewhere") && !upstream.calls.includes("POST /elsewhere"));
    // The page is whole: the next try works.
    assert.match((await signInUpstream(person, page, upstream, "ann")).html, /\/consent"/);
  });
}

test("a provider that says no, for whatever reason, is not asked for tokens", async () => {
  const person = createPerson("");
  const { challenge } = pkce();
  const page = await person.open(
    authorizationUrl(service.url, DEVELOPMENT_CLIENT, { code_challenge: challenge, code_challenge_method: "S256" }),
  );
  const asked = upstream.calls.filter((call) => call === "POST /token").length;
  const refused = await signInUpstream(person, page, upstream, "nobody");
  assert.equal(refused.status, 400);
  assert.equal(upstream.calls.filter((call) => call === "POST /token").length, asked);
  await service.says(/"reason":"access_denied"/);
});

test("a provider that nobody has ever reached is a page that says so, and works once it is back", async () => {
  const quiet = await startUpstream();
  quiet.people.set("ann", ANN);
  await quiet.down();
  const lonely = await spawnService({
    env: {
      UPSTREAM_OIDC_ISSUER_URL: quiet.issuer,
      UPSTREAM_OIDC_CLIENT_ID: UPSTREAM_CLIENT.id,
      UPSTREAM_OIDC_CLIENT_SECRET: UPSTREAM_CLIENT.secret,
    },
  });
  await quiet.open({ redirect_uris: [`${lonely.url}/oauth/callback/upstream`] });
  const person = createPerson("");
  const parameters = { code_challenge: pkce().challenge, code_challenge_method: "S256" };
  const page = await person.open(authorizationUrl(lonely.url, DEVELOPMENT_CLIENT, parameters));
  const refused = await person.submit(page, /\/upstream$/, { provider: "upstream" });
  assert.equal(refused.status, 503);
  assert.match(refused.html, /does not answer right now/);
  await quiet.up();
  assert.match((await signInUpstream(person, refused, quiet, "ann")).html, /\/consent"/);
  await lonely.stop();
  await quiet.close();
});

test("no token, code, state or address of the provider's people is in the log", async () => {
  const given: unknown[] = [];
  upstream.alter = changeJson("/token", (body) => {
    given.push(body["access_token"], body["refresh_token"], body["id_token"]);
    return body;
  });
  const { reply } = await connectUpstream(service.url, upstream, createPerson(""), "ann", { client: DEVELOPMENT_CLIENT });
  assert.equal(reply.status, 200);
  // Also when what was given is of no use.
  upstream.alter = allOf(upstream.alter, (answer) => (answer.path === "/token" ? { ...answer, body: answer.body.slice(1) } : undefined));
  await comeIn();
  upstream.alter = undefined;
  const output = service.output();
  assert.equal(given.length, 6);
  const tokens = upstream.sent.get("/token");
  for (const secret of [
    tokens?.get("code"),
    tokens?.get("code_verifier"),
    upstream.sent.get("/auth")?.get("state"),
    "ann@example.com",
    "not a +",
    ...given,
  ]) {
    assert.ok(typeof secret === "string" && secret.length > 5);
    assert.ok(!output.includes(secret), secret);
  }
});
