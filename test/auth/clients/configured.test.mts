import assert from "node:assert/strict";
import { test } from "node:test";
import * as oauth from "oauth4webapi";
import { type ConfigError, loadConfig } from "../../../shared/config.ts";
import { sha256 } from "../../../shared/hash.ts";
import { startPlainHost } from "../../support/host.mts";
import { connect, postForm } from "../../support/oauth.mts";
import { makeKey } from "./client-site.mts";

const SECRET = "a-secret-of-thirty-two-characters-or-more";
const WEB = { client_id: "web", client_secret: SECRET, redirect_uris: ["https://app.example/cb"] };

function faultsOf(clients: readonly object[], env: Readonly<Record<string, string>> = {}): string {
  try {
    loadConfig({ OAUTH_CLIENTS_JSON: JSON.stringify(clients), ...env });
    return "";
  } catch (error) {
    return (error as ConfigError).faults.join("\n");
  }
}

test("a client that an operator wrote down wrongly stops the start, with the reason", async () => {
  const { publicJwk } = await makeKey("own", "ES256");
  const proving = { client_id: "p", redirect_uris: ["https://app.example/cb"], token_endpoint_auth_method: "private_key_jwt" };
  const jwks = { keys: [publicJwk] };
  const cases: readonly [client: object, because: RegExp][] = [
    [{ ...WEB, redirect_uris: [] }, /authorization_code needs at least one/],
    [{ ...WEB, redirect_uris: ["http://app.example/cb"] }, /must be https/],
    [{ ...WEB, post_logout_redirect_uris: ["javascript:alert(1)"] }, /post_logout_redirect_uris: javascript/],
    [{ ...WEB, grant_types: ["client_credentials"] }, /only authorization_code has redirects/],
    [{ ...WEB, grant_types: ["client_credentials", "refresh_token"], redirect_uris: [] }, /refresh_token goes with/],
    [{ ...WEB, client_secret: undefined }, /needs client_secret/],
    [{ ...WEB, token_endpoint_auth_method: "none" }, /has no secret/],
    [{ ...WEB, client_secret: undefined, token_endpoint_auth_method: "none", require_pkce: false }, /must use PKCE/],
    [{ ...WEB, client_secret: undefined, token_endpoint_auth_method: "none", trusted: true }, /trusted/],
    [{ ...WEB, trusted: true, redirect_uris: ["http://127.0.0.1/cb"] }, /trusted/],
    [{ ...WEB, jwks }, /private_key_jwt/],
    [proving, /jwks or jwks_uri/],
    [{ ...proving, jwks, jwks_uri: "https://app.example/keys" }, /either/],
    [{ ...proving, jwks, client_secret: SECRET }, /has no secret/],
    [{ ...proving, jwks: { keys: [{ ...publicJwk, d: "AQAB" }] } }, /not public/],
    [{ ...proving, jwks: { keys: [{ kty: "EC", crv: "P-521", x: "x", y: "y" }] } }, /no key that can verify/],
    [{ ...proving, jwks_uri: "http://app.example/keys" }, /is not https/],
    [{ ...proving, jwks_uri: "https://10.0.0.1/keys" }, /not public/],
  ];
  for (const [client, because] of cases) assert.match(faultsOf([client]), because, JSON.stringify(client));
  assert.equal(faultsOf([WEB, { ...proving, jwks }, { ...WEB, client_id: "trusted", trusted: true }]), "");
  assert.match(
    faultsOf([{ ...WEB, token_endpoint_auth_method: "client_secret_post" }], { CLIENT_AUTH_METHODS: "none" }),
    /CLIENT_AUTH_METHODS/,
  );
});

test("methods and switches are checked at the start, and this machine is never asked in production", () => {
  assert.match(faultsOf([], { CLIENT_AUTH_METHODS: "none tls_client_auth" }), /CLIENT_AUTH_METHODS/);
  assert.match(faultsOf([], { REGISTRATION: "maybe" }), /REGISTRATION/);
  assert.match(faultsOf([], { CLIENT_DOCUMENTS: "yes" }), /CLIENT_DOCUMENTS/);
  assert.match(faultsOf([], { NODE_ENV: "production", LOOPBACK_FETCH: "on" }), /LOOPBACK_FETCH: must be off in production/);
  assert.deepEqual(loadConfig({ CLIENT_AUTH_METHODS: "private_key_jwt,none" }).clientAuthMethods, ["none", "private_key_jwt"]);
});

test("a secret written down as its hash works, and no other does", async (context) => {
  const clients = [
    { ...WEB, client_secret: undefined, client_secret_sha256: sha256(SECRET), token_endpoint_auth_method: "client_secret_post" },
  ];
  const host = await startPlainHost({ env: { OAUTH_CLIENTS_JSON: JSON.stringify(clients) } });
  context.after(() => host.close());
  const revoke = (client_secret: string, headers = {}) =>
    postForm(`${host.url}/oauth/revoke`, { token: "x", client_id: "web", client_secret }, headers);
  assert.equal((await revoke(SECRET)).status, 200);
  for (const wrong of [`${SECRET}x`, SECRET.slice(1), sha256(SECRET), ""]) assert.equal((await revoke(wrong)).status, 401, wrong);
  const basic = { authorization: `Basic ${Buffer.from(`web:${SECRET}`).toString("base64")}` };
  const otherWay = await postForm(`${host.url}/oauth/revoke`, { token: "x" }, basic);
  assert.match(otherWay.body.error_description, /authenticates with client_secret_post/);
});

test("a client gets the scopes and resources that its operator allowed, and no others", async (context) => {
  const clients = [{ ...WEB, scope: "openid todos:read", resources: ["actions"], require_pkce: false }];
  const host = await startPlainHost({ env: { OAUTH_CLIENTS_JSON: JSON.stringify(clients) } });
  context.after(() => host.close());
  const client = { id: "web", secret: SECRET, redirectUri: "https://app.example/cb" };
  const { reply } = await connect(host.url, { client, parameters: { scope: "openid todos:read todos:write email" } });
  assert.equal(reply.body.scope, "openid todos:read");
  await assert.rejects(connect(host.url, { client, parameters: { resource: `${host.url}/mcp` } }), /invalid_target/);
});

test("a machine gets a token of its own with its key, and only where its operator said so", async (context) => {
  const key = await makeKey("machine", "ES256");
  const proving = { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.publicJwk] } };
  const clients = [
    { ...proving, client_id: "machine", grant_types: ["client_credentials"], scope: "todos:read" },
    { ...proving, client_id: "app", redirect_uris: ["https://app.example/cb"] },
  ];
  const host = await startPlainHost({ env: { OAUTH_CLIENTS_JSON: JSON.stringify(clients) } });
  context.after(() => host.close());
  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(host.url);
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...insecure, algorithm: "oauth2" }));
  const ask = async (clientId: string) => {
    const client = { client_id: clientId };
    const authentication = oauth.PrivateKeyJwt({ key: key.privateKey, kid: key.kid });
    const parameters = new URLSearchParams({ resource: `${host.url}/mcp` });
    const reply = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, insecure);
    return oauth.processClientCredentialsResponse(server, client, reply);
  };
  const tokens = await ask("machine");
  assert.equal(tokens.scope, "todos:read");
  assert.equal(tokens.refresh_token, undefined);
  const claims = JSON.parse(Buffer.from(tokens.access_token.split(".")[1] ?? "", "base64url").toString());
  assert.deepEqual([claims.sub, claims.aud, claims.client_id], ["client:machine", `${host.url}/mcp`, "machine"]);
  await assert.rejects(ask("app"), { error: "unauthorized_client" });
});
