import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, before, test } from "node:test";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { createSigner } from "../../../auth/keys/signer.ts";
import { type KeyKeeper, revokeKey, rotateKeys } from "../../../auth/keys/stored-keys.ts";
import { createBearerVerifier } from "../../../shared/bearer/bearer.ts";
import { SIGNING_KEYS, signingKeysKind } from "../../../shared/state/records.ts";
import { createClock, HOUR, MINUTE, SECOND } from "../../support/clock.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { type Connected, connect, isAlive, refresh } from "../../support/oauth.mts";

const clock = createClock();
let host: TestHost;
before(async () => {
  host = await startPlainHost({ clock });
});
after(() => host.close());

const kidOf = (token: string) => decodeProtectedHeader(token).kid ?? "";
const keeper = (): KeyKeeper => host.service;
const publishedKids = async (url = host.url) => {
  const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
};

test("a rotation is in the key set within ten seconds, signs ten minutes later, and the old key's tokens live on", async () => {
  const connected = await connect(host.url, { parameters: { scope: "openid" } });
  const old = kidOf(connected.accessToken);
  await rotateKeys(keeper());
  clock.advance(10 * SECOND);
  const kids = await publishedKids();
  assert.equal(kids.length, 2);
  const early = await refresh(host.url, connected.client, connected.refreshToken);
  assert.equal(kidOf(early.body.access_token), old);
  clock.advance(10 * MINUTE);
  const late = await refresh(host.url, connected.client, early.body.refresh_token);
  assert.notEqual(kidOf(late.body.access_token), old);
  assert.equal(kidOf(late.body.id_token), kidOf(late.body.access_token));
  assert.equal(await isAlive(host.url, early.body.access_token), true);
  const jwks = createRemoteJWKSet(new URL(`${host.url}/.well-known/jwks.json`));
  for (const token of [early.body.access_token, late.body.access_token]) {
    await jwtVerify(token, jwks, { issuer: host.url, currentDate: new Date(clock()) });
  }
  clock.advance(HOUR + 11 * MINUTE);
  assert.deepEqual(await publishedKids(), [kidOf(late.body.access_token)]);
});

test("rotating under load loses no request", async () => {
  const people = await Promise.all(Array.from({ length: 4 }, (_, index) => connect(host.url, { email: `p${index}@example.com` })));
  let running = true;
  const work = people.map(async (person: Connected) => {
    let { accessToken, refreshToken } = person;
    const kids = new Set<string>();
    for (let last = false; !last; ) {
      last = !running;
      assert.equal(await isAlive(host.url, accessToken), true);
      const reply = await refresh(host.url, person.client, refreshToken);
      assert.equal(reply.status, 200, JSON.stringify(reply.body));
      ({ access_token: accessToken, refresh_token: refreshToken } = reply.body);
      kids.add(kidOf(accessToken));
    }
    return kids;
  });
  await rotateKeys(keeper());
  for (let step = 0; step < 12; step++) {
    await isAlive(host.url, "x");
    clock.advance(MINUTE);
  }
  running = false;
  for (const kids of await Promise.all(work)) assert.equal(kids.size, 2);
});

test("what a revoked key signed is honoured nowhere after ten seconds, and everyone can go on with a new one", async () => {
  const connected = await connect(host.url);
  const old = kidOf(connected.accessToken);
  assert.equal(await isAlive(host.url, connected.accessToken), true);
  await revokeKey(keeper(), old);
  clock.advance(10 * SECOND);
  assert.equal(await isAlive(host.url, connected.accessToken), false);
  assert.ok(!(await publishedKids()).includes(old));
  const reply = await refresh(host.url, connected.client, connected.refreshToken);
  assert.equal(await isAlive(host.url, reply.body.access_token), true);
  assert.equal(await isAlive(host.url, connected.accessToken), false);
});

test("a replica that read the keys a moment ago looks again for a key that it does not know", async () => {
  const { config, store } = host.service;
  const replica = createBearerVerifier({ config, store, clock });
  const before = await connect(host.url);
  await replica.verify(`Bearer ${before.accessToken}`, "mcp");
  await revokeKey(keeper(), kidOf(before.accessToken));
  host.service.bearer.keys.refresh();
  clock.advance(SECOND);
  const { body } = await refresh(host.url, before.client, before.refreshToken);
  assert.equal((await replica.verify(`Bearer ${body.access_token}`, "mcp")).clientId, before.client.id);
});

test("unknown key ids cause no more than a read in a second", async () => {
  let reads = 0;
  const { config, store } = host.service;
  const counting = {
    ...store,
    get: ((kind, key) => {
      if (kind.name === signingKeysKind.name) reads += 1;
      return store.get(kind, key);
    }) as typeof store.get,
  };
  const replica = createBearerVerifier({ config, store: counting, clock });
  const forge = (kid: string) =>
    `Bearer ${Buffer.from(JSON.stringify({ alg: "RS256", typ: "at+jwt", kid })).toString("base64url")}.e30.c2ln`;
  for (let index = 0; index < 200; index++) await assert.rejects(async () => replica.verify(forge(`unknown-${index}`), "mcp"));
  assert.ok(reads <= 2, String(reads));
  clock.advance(SECOND);
  await assert.rejects(async () => replica.verify(forge("unknown"), "mcp"));
  assert.ok(reads <= 3, String(reads));
});

test("private keys are in the store sealed, and no answer shows one", async () => {
  const entry = await host.service.store.get(signingKeysKind, SIGNING_KEYS);
  const text = JSON.stringify(entry?.value);
  assert.doesNotMatch(text, /"(d|p|q|dp|dq|qi)":/);
  const jwks = await (await fetch(`${host.url}/.well-known/jwks.json`)).text();
  assert.doesNotMatch(jwks, /"(d|p|q|dp|dq|qi|k)":/);
});

test("who changes ACCESS_TOKEN_ALG later signs with RS256 until the new key has been published long enough", async () => {
  const { accessToken, client, refreshToken } = await connect(host.url);
  assert.equal(decodeProtectedHeader(accessToken).alg, "RS256");
  const changed = createSigner({ ...host.service, config: { ...host.service.config, accessTokenAlg: "ES256" } });
  await changed.ready();
  assert.equal(decodeProtectedHeader(await changed.sign("at+jwt", {})).alg, "RS256");
  clock.advance(10 * MINUTE);
  assert.equal(decodeProtectedHeader(await changed.sign("at+jwt", {})).alg, "ES256");
  assert.equal(decodeProtectedHeader(await changed.sign("JWT", {})).alg, "RS256");
  assert.equal((await refresh(host.url, client, refreshToken)).status, 200);
});

// Hosts of their own: one at a time, so these come last.
for (const [alg, make] of [
  ["ES256", () => generateKeyPairSync("ec", { namedCurve: "P-256" })],
  ["EdDSA", () => generateKeyPairSync("ed25519")],
] as const) {
  test(`${alg}: access tokens are signed with it, ID tokens stay RS256, and both verify by the key set`, async (context) => {
    const jwk = (pair: ReturnType<typeof make>, kid: string) => ({ ...pair.privateKey.export({ format: "jwk" }), kid });
    const rsa = { ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), kid: "rsa" };
    for (const SIGNING_KEYS_JSON of [undefined, JSON.stringify({ keys: [jwk(make(), "one"), rsa, jwk(make(), "two")] })]) {
      const other = await startPlainHost({ clock, env: { ACCESS_TOKEN_ALG: alg, ...(SIGNING_KEYS_JSON ? { SIGNING_KEYS_JSON } : {}) } });
      context.after(() => other.close());
      const { accessToken, reply } = await connect(other.url, { parameters: { scope: "openid" } });
      assert.equal(decodeProtectedHeader(accessToken).alg, alg);
      assert.equal(decodeProtectedHeader(reply.body.id_token).alg, "RS256");
      assert.equal(await isAlive(other.url, accessToken), true);
      const keys = createRemoteJWKSet(new URL(`${other.url}/.well-known/jwks.json`));
      for (const token of [accessToken, reply.body.id_token]) await jwtVerify(token, keys, { currentDate: new Date(clock()) });
      const [head = "", body = "", signature = ""] = accessToken.split(".");
      const asRsa = Buffer.from(JSON.stringify({ ...decodeProtectedHeader(accessToken), alg: "RS256" })).toString("base64url");
      const forgeries = [`${asRsa}.${body}.${signature}`, `${head}.${body}.${"A".repeat(86)}`, `${head}.${body}.`];
      for (const forged of forgeries) assert.equal(await isAlive(other.url, forged), false);
      if (SIGNING_KEYS_JSON) assert.equal(kidOf(accessToken), "one");
    }
  });
}
