import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { ConfigError, loadConfig } from "../../../shared/config.ts";

type Env = Readonly<Record<string, string>>;

function faultsOf(env: Env): string {
  try {
    loadConfig(env);
    return "";
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.join("\n");
  }
}

const BASE = { id: "corp", issuer: "https://login.example.com", client_id: "portico", client_secret: "secret" };
const listed = (...entries: object[]): Env => ({ UPSTREAMS_JSON: JSON.stringify(entries.map((entry) => ({ ...BASE, ...entry }))) });
const upstreamOf = (entry: object) => loadConfig(listed(entry)).upstreams[0];

const PRODUCTION: Env = {
  NODE_ENV: "production",
  HOST: "0.0.0.0",
  PUBLIC_URL: "https://portico.example.com",
  STATE_URL: "sqlite:/var/lib/portico/portico.db",
  STATE_KEYS_JSON: JSON.stringify({ keys: [{ kty: "oct", kid: "1", k: Buffer.alloc(32, 7).toString("base64url") }] }),
  OAUTH_CLIENTS_JSON: "[]",
  ALLOWED_EMAIL_DOMAINS: "example.com",
  ALLOWED_ORIGINS: "https://chatgpt.com",
  TRUSTED_PROXIES: "1",
};

test("in production an upstream provider is enough to sign in with, and so is a mail server", () => {
  assert.match(faultsOf(PRODUCTION), /^SMTP_URL: .*UPSTREAM_OIDC_CLIENT_ID/);
  assert.match(faultsOf({ ...PRODUCTION, UPSTREAMS_JSON: "[]" }), /^SMTP_URL:/);
  assert.equal(faultsOf({ ...PRODUCTION, ...listed({}) }), "");
  assert.equal(faultsOf({ ...PRODUCTION, UPSTREAM_PRESET: "google", UPSTREAM_OIDC_CLIENT_ID: "x", UPSTREAM_OIDC_CLIENT_SECRET: "y" }), "");
  assert.match(faultsOf({ ...PRODUCTION, ...listed({ issuer: "http://login.example.com" }) }), /must be https in production/);
});

test("a preset fills what differs, and what is written down wins", () => {
  const { upstreams } = loadConfig({ UPSTREAM_PRESET: "google", UPSTREAM_OIDC_CLIENT_ID: "x", UPSTREAM_OIDC_CLIENT_SECRET: "y" });
  assert.equal(upstreams[0]?.id, "upstream");
  assert.equal(upstreams[0]?.issuer, "https://accounts.google.com");
  assert.equal(upstreams[0]?.parameters["access_type"], "offline");
  assert.equal(upstreamOf({ preset: "cognito" })?.claims.groups, "cognito:groups");
  assert.equal(upstreamOf({ preset: "cognito" })?.logout, "logout_uri");
  assert.equal(upstreamOf({ preset: "okta" })?.logout, undefined);
  assert.equal(upstreamOf({ preset: "okta", logout: true })?.logout, "post_logout_redirect_uri");
  assert.match(upstreamOf({ preset: "keycloak" })?.scope ?? "", /offline_access/);
  const own = upstreamOf({ preset: "keycloak", name: "Staff", scope: "openid", claims: { groups: "realm_access.roles" } });
  assert.deepEqual([own?.name, own?.scope, own?.claims.groups, own?.claims.email], ["Staff", "openid", "realm_access.roles", "email"]);
});

test("an e-mail address that nobody calls verified is trusted only from a tenant of one's own, or when told so", () => {
  const issuer = "https://login.microsoftonline.com/7c2e0f6a-0000-0000-0000-000000000000/v2.0";
  const common = "https://login.microsoftonline.com/organizations/v2.0";
  assert.equal(upstreamOf({ preset: "entra", issuer })?.trustsEmail, true);
  assert.equal(upstreamOf({ preset: "entra", issuer: common, tenants: ["a"] })?.trustsEmail, false);
  assert.equal(upstreamOf({})?.trustsEmail, false);
  assert.match(faultsOf(listed({ preset: "entra", issuer: common })), /name yours in tenants/);
  assert.match(faultsOf(listed({ issuer: common, tenants: ["a"], missing_email_verified: "trust" })), /cannot be trusted/);
});

test("GitHub is refused with the reason", () => {
  for (const env of [{ UPSTREAM_PRESET: "github", UPSTREAM_OIDC_CLIENT_ID: "x" }, listed({ preset: "github" })]) {
    assert.match(faultsOf(env), /github has no OpenID Connect/);
  }
  assert.match(faultsOf(listed({ preset: "gitlab" })), /must be one of google, entra/);
});

test("each fault of an entry is named", () => {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ issuer: undefined }, /needs an issuer/],
    [{ issuer: "ftp://login.example.com" }, /issuer/],
    [{ client_secret: undefined }, /needs a client_secret/],
    [{ private_key: key }, /one is enough/],
    [{ private_key: { kty: "RSA" } }, /private JWK/],
    [{ token_endpoint_auth_method: "private_key_jwt" }, /needs a private_key/],
    [{ token_endpoint_auth_method: "none" }, /the method none/],
    [{ client_secret: undefined, token_endpoint_auth_method: "client_secret_post" }, /needs a client_secret/],
    [{ scope: "profile" }, /must include openid/],
    [{ parameters: { state: "x" } }, /cannot set/],
    [{ domains: ["example"] }, /must be a domain/],
    [{ id: "Corp" }, /lower case/],
    [{ id: "email" }, /is taken/],
    [{ secret: "x" }, /secret/],
  ];
  for (const [entry, expected] of cases) assert.match(faultsOf(listed(entry)), expected, JSON.stringify(entry));
  assert.match(faultsOf(listed({}, {})), /the id corp is there twice/);
  assert.match(
    faultsOf({ ...listed({}), UPSTREAM_OIDC_ISSUER_URL: "https://a.example", UPSTREAM_OIDC_CLIENT_ID: "x" }),
    /cannot be set together/,
  );
  assert.equal(faultsOf(listed({ client_secret: undefined, private_key: key })), "");
});
