import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ConfigError, loadConfig } from "../../shared/config.ts";
import { GENERATED, generatedFile } from "../../tools/configuration.mts";

const folder = mkdtempSync(join(tmpdir(), "portico-config-"));
after(() => rmSync(folder, { recursive: true }));

const STATE_KEYS = JSON.stringify({ keys: [{ kty: "oct", kid: "1", k: Buffer.alloc(32, 7).toString("base64url") }] });
const PRODUCTION = {
  NODE_ENV: "production",
  HOST: "0.0.0.0",
  PUBLIC_URL: "https://portico.example.com",
  STATE_URL: "sqlite:/var/lib/portico/portico.db",
  STATE_KEYS_JSON: STATE_KEYS,
  OAUTH_CLIENTS_JSON: "[]",
  ALLOWED_EMAIL_DOMAINS: "Example.com",
  ALLOWED_ORIGINS: "https://chatgpt.com",
  SMTP_URL: "smtps://mail.example.com",
  MAIL_FROM: "portico@example.com",
  TRUSTED_PROXIES: "1",
};

function faultsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults;
  }
}

test("nothing needs to be set on a laptop", () => {
  const config = loadConfig({});
  assert.equal(config.publicUrl, "http://localhost:4000");
  assert.equal(config.host, "127.0.0.1");
  assert.equal(config.stateUrl, "sqlite:var/portico.db");
  assert.equal(config.production, false);
  assert.equal(loadConfig({ PORT: "4321" }).publicUrl, "http://localhost:4321");
});

test("an empty variable counts as unset", () => {
  assert.deepEqual(loadConfig({ PORT: "", PUBLIC_URL: " ", LOG_LEVEL: "" }), loadConfig({}));
});

test("production starts with everything said, and says all that is missing at once", () => {
  assert.deepEqual(faultsOf(PRODUCTION), []);
  const missing = faultsOf({ NODE_ENV: "production" }).map((fault) => fault.split(":")[0]);
  for (const name of [
    "HOST",
    "PUBLIC_URL",
    "STATE_URL",
    "STATE_KEYS_JSON",
    "OAUTH_CLIENTS_JSON",
    "ALLOWED_EMAILS",
    "ALLOWED_ORIGINS",
    "SMTP_URL",
    "TRUSTED_PROXIES",
  ]) {
    assert.ok(missing.includes(name), name);
  }
});

test("each wrong value is named, together with all others", () => {
  const wrong: Readonly<Record<string, string>> = {
    NODE_ENV: "prod",
    PORT: "70000",
    PUBLIC_URL: "http://localhost:4000/path",
    STATE_URL: "mysql://localhost/x",
    STATE_KEYS_JSON: '{"keys":[{"kty":"oct","kid":"1","k":"c2hvcnQ"}]}',
    SIGNING_KEYS_JSON: "not json",
    OAUTH_CLIENTS_JSON: '[{"client_id":"a","redirect_uris":["https://a.example/"]}]',
    SCOPE_RULES: "[1]",
    SMTP_URL: "mail.example.com",
    ALLOWED_ORIGINS: "https://chatgpt.com/",
    SHARED_EGRESS: "10.0.0.0",
    TRUSTED_PROXIES: "many",
    LOG_LEVEL: "loud",
  };
  const named = new Set(faultsOf(wrong).map((fault) => fault.split(":")[0]));
  assert.deepEqual([...named].sort(), Object.keys(wrong).sort());
});

test("production refuses what is not safe there", () => {
  const cases: [Record<string, string>, string][] = [
    [{ PUBLIC_URL: "http://portico.example.com" }, "PUBLIC_URL"],
    [{ STATE_URL: "sqlite::memory:" }, "STATE_URL"],
    [{ MAIL_FROM: "" }, "MAIL_FROM"],
    [{ ALLOWED_EMAIL_DOMAINS: "" }, "ALLOWED_EMAILS"],
    [{ ALLOWED_ORIGINS: "" }, "ALLOWED_ORIGINS"],
  ];
  for (const [change, name] of cases) {
    const faults = faultsOf({ ...PRODUCTION, ...change });
    assert.equal(faults.length, 1, JSON.stringify(faults));
    assert.ok(faults[0]?.startsWith(`${name}:`), faults[0]);
  }
});

test("clients are held to what keeps them safe", () => {
  const base = { client_id: "a", redirect_uris: ["https://a.example/callback"], client_secret: "s".repeat(32) };
  const one = (change: object) => faultsOf({ OAUTH_CLIENTS_JSON: JSON.stringify([{ ...base, ...change }]) });
  assert.deepEqual(one({}), []);
  assert.match(one({ client_secret: "short" }).join(), /32 characters/);
  assert.match(one({ client_secret: undefined }).join(), /client_secret/);
  assert.match(one({ token_endpoint_auth_method: "none" }).join(), /no secret/);
  assert.match(one({ token_endpoint_auth_method: "none", client_secret: undefined, require_pkce: false }).join(), /PKCE/);
  assert.match(one({ redirect_uri: "x" }).join(), /redirect_uri/);
  assert.match(faultsOf({ OAUTH_CLIENTS_JSON: JSON.stringify([base, base]) }).join(), /twice/);
});

test("a _FILE variable holds what its _JSON companion would, and not both may be set", () => {
  const file = join(folder, "keys.json");
  writeFileSync(file, STATE_KEYS);
  assert.equal(loadConfig({ STATE_KEYS_FILE: file }).stateKeys?.[0]?.kid, "1");
  assert.match(faultsOf({ STATE_KEYS_FILE: file, STATE_KEYS_JSON: STATE_KEYS }).join(), /STATE_KEYS_FILE: cannot be set together/);
  assert.match(faultsOf({ STATE_KEYS_FILE: join(folder, "none.json") }).join(), /ENOENT/);
});

test("a key id may be there once only", () => {
  const { keys } = JSON.parse(STATE_KEYS);
  assert.match(faultsOf({ STATE_KEYS_JSON: JSON.stringify({ keys: [...keys, ...keys] }) }).join(), /STATE_KEYS_JSON: has a kid twice/);
});

test("the upstream shorthand needs its parts", () => {
  assert.match(faultsOf({ UPSTREAM_OIDC_CLIENT_ID: "x" }).join(), /UPSTREAM_OIDC_ISSUER_URL: needed/);
  assert.match(faultsOf({ UPSTREAM_OIDC_ISSUER_URL: "https://idp.example" }).join(), /UPSTREAM_OIDC_CLIENT_ID: needed/);
});

test(".env.example and the reference page are what the definitions say", () => {
  for (const { path, render } of GENERATED) assert.equal(generatedFile(path), render(), `${path} is stale: npm run configuration`);
});
