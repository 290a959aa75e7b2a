import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { type CryptoKey, exportSPKI, importJWK } from "jose";
import { MINUTE } from "../../support/clock.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { postForm, type TokenReply } from "../../support/oauth.mts";
import { assertionOf, type ClientSite, makeKey, type SigningPair, startClientSite } from "./client-site.mts";

const TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/** A machine that an operator wrote down, with its keys. */
const MACHINE = "machine";

let host: TestHost;
let site: ClientSite;
let key: SigningPair;
let foreign: SigningPair;
let now = Date.now();
let clientId = "";

before(async () => {
  [site, key, foreign] = await Promise.all([startClientSite(), makeKey("own"), makeKey("foreign")]);
  const common = { token_endpoint_auth_method: "private_key_jwt", redirect_uris: ["https://app.example/callback"] };
  const clients = [
    { ...common, client_id: MACHINE, jwks: { keys: [key.publicJwk] }, redirect_uris: [], grant_types: ["client_credentials"] },
    { ...common, client_id: "remote", jwks_uri: `${site.url}/keys.json` },
  ];
  site.publish("/keys.json", { keys: [key.publicJwk] }, { "cache-control": "max-age=86400" });
  host = await startPlainHost({
    clock: () => now,
    env: { LOOPBACK_FETCH: "on", SHARED_EGRESS: "127.0.0.0/8 ::1/128", OAUTH_CLIENTS_JSON: JSON.stringify(clients) },
  });
  clientId = `${site.url}/client.json`;
  site.publish("/client.json", { ...common, client_id: clientId, client_name: "A client", jwks: { keys: [key.publicJwk] } });
});
after(async () => {
  await host.close();
  await site.close();
});

/** A revocation says whether a client was proved, and changes nothing. */
function present(assertion: string, fields: Readonly<Record<string, string | undefined>> = {}): Promise<TokenReply> {
  return postForm(`${host.url}/oauth/revoke`, { token: "none", client_assertion: assertion, client_assertion_type: TYPE, ...fields });
}

async function isRefused(
  assertion: Promise<string> | string,
  because: RegExp,
  fields: Readonly<Record<string, string>> = {},
): Promise<void> {
  const reply = await present(await assertion, fields);
  assert.equal(reply.status, 401);
  assert.equal(reply.body.error, "invalid_client");
  assert.match(reply.body.error_description, because);
}

test("an assertion for the issuer or the token endpoint is taken, with and without client_id", async () => {
  for (const audience of [host.url, `${host.url}/oauth/token`]) {
    for (const id of [clientId, MACHINE, "remote"]) {
      assert.equal((await present(await assertionOf(key, id, audience))).status, 200, `${id} ${audience}`);
      assert.equal((await present(await assertionOf(key, id, audience), { client_id: id })).status, 200);
    }
  }
  assert.equal((await present(await assertionOf(key, clientId, host.url, { aud: [host.url] }))).status, 200);
});

test("an assertion for anyone else is refused, byte for byte, and so is one for several", async () => {
  for (const aud of [
    `${host.url}/`,
    `${host.url}//oauth/token`,
    `${host.url}/oauth/token/`,
    `${host.url}/oauth/revoke`,
    host.url.toUpperCase(),
    "https://other.example",
    "",
    undefined,
    [],
    [host.url, "https://other.example"],
    [host.url, host.url],
    { url: host.url },
  ]) {
    await isRefused(assertionOf(key, clientId, host.url, { aud }), /\(aud\)/);
  }
});

test("an assertion is good once", async () => {
  const assertion = await assertionOf(key, clientId, host.url);
  assert.equal((await present(assertion)).status, 200);
  await isRefused(assertion, /was used before/);
  const together = await assertionOf(key, clientId, host.url);
  const statuses = await Promise.all(Array.from({ length: 10 }, async () => (await present(together)).status));
  assert.deepEqual(statuses.sort(), [200, ...Array(9).fill(401)]);
});

test("the same jti from another client is another assertion", async () => {
  const jti = "the-same";
  assert.equal((await present(await assertionOf(key, clientId, host.url, { jti }))).status, 200);
  assert.equal((await present(await assertionOf(key, MACHINE, host.url, { jti }))).status, 200);
});

test("whoever has no key of the client's uses up none of its assertions", async () => {
  const jti = "not-yours";
  await isRefused(assertionOf(foreign, clientId, host.url, { jti }, { kid: "own" }), /wrong signature/);
  assert.equal((await present(await assertionOf(key, clientId, host.url, { jti }))).status, 200);
});

test("an assertion of another client, or about one, is refused", async () => {
  await isRefused(assertionOf(key, clientId, host.url, { iss: MACHINE }), /iss, sub/);
  await isRefused(assertionOf(key, clientId, host.url, { iss: undefined }), /iss, sub/);
  await isRefused(assertionOf(key, clientId, host.url, { sub: "nobody", iss: "nobody" }), /not known here/);
  await isRefused(assertionOf(key, clientId, host.url, { sub: undefined }), /\(sub\)/);
  const other = await present(await assertionOf(key, clientId, host.url), { client_id: MACHINE });
  assert.deepEqual([other.status, other.body.error], [400, "invalid_request"]);
});

test("times that are past, far off, missing or no numbers are refused", async () => {
  const seconds = Math.floor(now / 1000);
  for (const [claims, because] of [
    [{ exp: undefined }, /\(exp\)/],
    [{ exp: seconds - 120 }, /has expired/],
    [{ exp: seconds + 15 * 60 }, /600 seconds/],
    [{ exp: String(seconds + 60) }, /no number as exp/],
    [{ exp: 1e300 }, /600 seconds/],
    [{ iat: seconds + 120 }, /\(iat\)/],
    [{ iat: seconds - 15 * 60 }, /\(iat\)/],
    [{ iat: "now" }, /no number as iat/],
    [{ nbf: seconds + 120 }, /\(nbf\)/],
    [{ jti: undefined }, /jti/],
    [{ jti: "" }, /jti/],
    [{ jti: 7 }, /jti/],
    [{ jti: "x".repeat(301) }, /jti/],
  ] as const) {
    await isRefused(assertionOf(key, clientId, host.url, claims), because);
  }
  assert.equal((await present(await assertionOf(key, clientId, host.url, { iat: undefined }))).status, 200);
});

test("no signature, a signature with the public key as a secret, and other algorithms are refused", async () => {
  const claims = Buffer.from(decodedClaims(await assertionOf(key, clientId, host.url))).toString("base64url");
  const encode = (header: object) => Buffer.from(JSON.stringify(header)).toString("base64url");
  for (const alg of ["none", "None", "NONE"]) await isRefused(`${encode({ alg })}.${claims}.`, /not signed with one of/);
  const publicKey = (await importJWK(key.publicJwk, "RS256", { extractable: true })) as CryptoKey;
  for (const secret of [await exportSPKI(publicKey), JSON.stringify(key.publicJwk), key.publicJwk.n ?? ""]) {
    const signed = `${encode({ alg: "HS256", kid: "own" })}.${claims}`;
    const signature = createHmac("sha256", secret).update(signed).digest("base64url");
    await isRefused(`${signed}.${signature}`, /not signed with one of/);
  }
  // The key says RS256: what else its type could do is not asked.
  const asPs256 = await makeKey("own", "PS256");
  await isRefused(assertionOf(asPs256, clientId, host.url), /does not publish/);
});

test("a key the client does not publish, whatever it is called, proves nothing", async () => {
  await isRefused(assertionOf(foreign, clientId, host.url), /does not publish/);
  await isRefused(assertionOf(foreign, clientId, host.url, {}, { kid: undefined }), /wrong signature/);
  await isRefused(
    assertionOf(foreign, clientId, host.url, {}, { jwk: foreign.publicJwk, jku: `${site.url}/evil.json` }),
    /does not publish/,
  );
  assert.equal(site.asked("/evil.json"), 0);
  assert.equal((await present(await assertionOf(key, clientId, host.url, {}, { kid: undefined }))).status, 200);
});

test("a token of another type, a changed one and what is no JWT are refused", async () => {
  await isRefused(assertionOf(key, clientId, host.url, {}, { typ: "at+jwt" }), /another type/);
  const assertion = await assertionOf(key, clientId, host.url);
  const [header, payload, signature] = assertion.split(".");
  const changed = Buffer.from(JSON.stringify({ ...JSON.parse(decodedClaims(assertion)), jti: "other" })).toString("base64url");
  await isRefused(`${header}.${changed}.${signature}`, /wrong signature/);
  for (const text of [`${header}.${payload}`, "x", "a.b.c", `${header}.${payload}.`, "x".repeat(10_000)]) {
    await isRefused(text, /no signed JWT|wrong signature|longer than/);
  }
});

test("one way of authentication at a time, and by the method that the client registered", async () => {
  const assertion = await assertionOf(key, clientId, host.url);
  assert.equal((await present(assertion, { client_secret: "x" })).body.error, "invalid_request");
  const basic = { authorization: `Basic ${Buffer.from("a:b").toString("base64")}` };
  const both = await postForm(`${host.url}/oauth/revoke`, { token: "x", client_assertion: assertion, client_assertion_type: TYPE }, basic);
  assert.equal(both.body.error, "invalid_request");
  await isRefused(assertion, /client_assertion_type/, {
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
  });
  for (const fields of [{ client_id: clientId }, { client_id: MACHINE, client_secret: "x" }]) {
    const reply = await postForm(`${host.url}/oauth/revoke`, { token: "x", ...fields });
    assert.equal(reply.body.error, "invalid_client");
    assert.match(reply.body.error_description, /authenticates with private_key_jwt/);
  }
  await isRefused(assertionOf(key, "portico-development", host.url), /authenticates with none/);
});

test("a new key of a client's is found at once, and unknown ones make us look once a minute", async () => {
  const next = await makeKey("next");
  const before = site.asked("/keys.json");
  now += 2 * MINUTE;
  site.publish("/keys.json", { keys: [key.publicJwk, next.publicJwk] });
  assert.equal((await present(await lately(next))).status, 200);
  assert.equal(site.asked("/keys.json"), before + 1);
  for (let count = 0; count < 5; count++) await isRefused(lately(foreign), /does not publish/);
  assert.equal(site.asked("/keys.json"), before + 1);
  now += 2 * MINUTE;
  await isRefused(lately(foreign), /does not publish/);
  assert.equal(site.asked("/keys.json"), before + 2);
});

test("keys that cannot be reached are our trouble, keys that are gone are the client's", async (context) => {
  now += 48 * 60 * MINUTE;
  site.down();
  context.after(() => site.up());
  const reply = await present(await lately(key));
  assert.deepEqual([reply.status, reply.body.error], [503, "temporarily_unavailable"]);
  assert.ok(Number(reply.headers.get("retry-after")) > 0);
  site.up();
  site.publish("/keys.json", { keys: [{ ...key.publicJwk, d: "x" }] });
  await isRefused(lately(key), /cannot be used/);
  site.publish("/keys.json", { keys: [key.publicJwk] });
  assert.equal((await present(await lately(key))).status, 200);
});

/** By the test's clock, from the client whose keys lie at an address. */
function lately(pair: SigningPair): Promise<string> {
  const seconds = Math.floor(now / 1000);
  return assertionOf(pair, "remote", host.url, { iat: seconds, exp: seconds + 60 });
}

function decodedClaims(assertion: string): string {
  return Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString();
}
