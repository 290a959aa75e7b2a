import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, test } from "node:test";
import { decodeProtectedHeader } from "jose";
import { spawnService } from "../support/host.mts";
import { connect, isAlive, refresh } from "../support/oauth.mts";
import { admin, makeStateFolder } from "./admin-command.mts";

const folder = makeStateFolder();
after(folder.remove);

async function run(env: Readonly<Record<string, string>>, ...parameters: string[]) {
  const { status, stdout, stderr } = await admin(["keys", ...parameters, "--json"], env);
  return {
    status,
    stderr,
    report: JSON.parse(stdout) as { ok: boolean; error?: string; keys: { kid: string; state: string; retires?: string }[] },
  };
}

async function reached(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, "it was not reached in time");
    await new Promise((done) => setTimeout(done, 100));
  }
}

test("rotate and revoke reach a running service without a restart", async (context) => {
  const env = { ...folder.env("running.db"), LIFETIME_KEY_LEAD: "1", LIFETIME_JWKS_CACHE: "0" };
  const service = await spawnService({ env });
  context.after(() => service.stop());
  const { client, accessToken, refreshToken } = await connect(service.url);
  const old = decodeProtectedHeader(accessToken).kid ?? "";
  const rotated = await run(env, "rotate");
  assert.equal(rotated.status, 0);
  assert.deepEqual(
    rotated.report.keys.map(({ state }) => state),
    ["signing", "pending"],
  );
  assert.ok(rotated.report.keys[0]?.retires);
  assert.match(rotated.stderr, /"event":"key_changed"/);
  let current = refreshToken;
  await reached(async () => {
    const { body } = await refresh(service.url, client, current);
    current = body.refresh_token;
    return decodeProtectedHeader(body.access_token).kid !== old;
  });
  assert.equal(await isAlive(service.url, accessToken), true);
  const revoked = await run(env, "revoke", old);
  assert.equal(revoked.status, 0);
  assert.ok(!revoked.report.keys.some(({ kid }) => kid === old));
  await reached(async () => !(await isAlive(service.url, accessToken)));
  const { body } = await refresh(service.url, client, current);
  assert.equal(await isAlive(service.url, body.access_token), true);
  const listed = await admin(["keys", "list"], env);
  assert.match(listed.stdout, /alg RS256 {2}state signing/);
});

test("no key is shown with its private half", async () => {
  const { stdout } = await admin(["keys", "list", "--json"], folder.env("running.db"));
  assert.doesNotMatch(stdout, /sealed|"d"/);
});

test("an unknown key cannot be revoked, and configured keys are changed where they are configured", async () => {
  const env = folder.env("running.db");
  const unknown = await run(env, "revoke", "nothing");
  assert.equal(unknown.status, 1);
  assert.match(unknown.report.error ?? "", /there is no key nothing/);
  const jwk = { ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), kid: "mine" };
  const configured = { ...env, SIGNING_KEYS_JSON: JSON.stringify({ keys: [jwk] }) };
  for (const command of [["rotate"], ["revoke", "mine"]]) {
    const refused = await run(configured, ...command);
    assert.equal(refused.status, 1);
    assert.match(refused.report.error ?? "", /SIGNING_KEYS_JSON/);
  }
  const listed = await run(configured, "list");
  assert.deepEqual(
    listed.report.keys.map(({ kid }) => kid),
    ["mine"],
  );
});

test("a key set without the algorithm that is asked for, or with a key that cannot sign, does not start", async () => {
  const ec = { ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }), kid: "ec" };
  const rsa = { ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), kid: "rsa" };
  const small = { ...generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ format: "jwk" }), kid: "small" };
  const { d: _private, ...open } = rsa;
  for (const [keys, alg, fault] of [
    [[ec], "ES256", /has no key for RS256/],
    [[rsa], "EdDSA", /has no key for EdDSA/],
    [[small], "RS256", /must be a private key/],
    [[open], "RS256", /must be a private key/],
    [[{ ...rsa, alg: "ES256" }], "RS256", /must be a private key/],
    [[{ ...rsa, alg: "none" }], "RS256", /must be a private key/],
  ] as const) {
    const env = { ...folder.env("running.db"), SIGNING_KEYS_JSON: JSON.stringify({ keys }), ACCESS_TOKEN_ALG: alg };
    const { status, stderr } = await admin(["keys", "list"], env);
    assert.equal(status, 1);
    assert.match(stderr, fault);
  }
});
