import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as oidc from "openid-client";
import { createPerson } from "../../../tools/person.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { DEVELOPMENT_GPT } from "../../support/oauth.mts";
import { type ClientSite, makeKey, type SigningPair, startClientSite } from "./client-site.mts";

/** Each client of the world once more, by an OpenID library that checks far more than a client of OAuth alone. */

const SECRET = "a-secret-of-at-least-thirty-two-characters";
const WEB = "https://app.example/callback";
const BOTH = ["authorization_code", "refresh_token"];
/** The host of a test has no certificate. */
const PLAIN = { execute: [oidc.allowInsecureRequests] };

let host: TestHost;
let site: ClientSite;
let key: SigningPair;
before(async () => {
  [site, key] = await Promise.all([startClientSite(), makeKey("2026-11")]);
  const jwks = { keys: [key.publicJwk] };
  const clients = [
    { client_id: "desktop", token_endpoint_auth_method: "none", redirect_uris: ["http://127.0.0.1/callback", "http://[::1]/callback"] },
    { client_id: "web", client_secret: SECRET, redirect_uris: [WEB], post_logout_redirect_uris: ["https://app.example/bye"] },
    { client_id: "signing", token_endpoint_auth_method: "private_key_jwt", jwks, redirect_uris: [WEB] },
    { client_id: "machine", client_secret: SECRET, grant_types: ["client_credentials"], scope: "todos:read todos:write" },
    { client_id: "robot", token_endpoint_auth_method: "private_key_jwt", jwks, grant_types: ["client_credentials"], scope: "todos:read" },
  ];
  host = await startPlainHost({
    env: { LOOPBACK_FETCH: "on", LIMIT_CODES_PER_EMAIL: "1000", OAUTH_CLIENTS_JSON: JSON.stringify(clients) },
  });
});
after(async () => {
  await host?.close();
  await site?.close();
});

/** By both discovery documents in turn: clients of OAuth read the one, clients of OpenID the other. */
async function discovered(clientId: string, authentication: oidc.ClientAuth, algorithm: "oidc" | "oauth2" = "oidc") {
  return oidc.discovery(new URL(host.url), clientId, undefined, authentication, { ...PLAIN, algorithm });
}

function signedByKey(): oidc.ClientAuth {
  return oidc.PrivateKeyJwt({ key: key.privateKey, kid: key.kid });
}

interface Way {
  readonly redirectUri: string;
  /** What the client asks for; the MCP surface's when absent, and "" is nothing at all. */
  readonly resource?: string;
  readonly withoutPkce?: true;
}

/** Code, ID token, userinfo, call, refresh and revocation. @returns Where the code was sent. */
async function goAllTheWay(config: oidc.Configuration, { redirectUri, resource = `${host.url}/mcp`, withoutPkce }: Way): Promise<URL> {
  // ID tokens are then checked by their signature as well.
  oidc.enableNonRepudiationChecks(config);
  const [verifier, state, nonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()];
  const challenge = { code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: "openid email todos:read offline_access",
    max_age: "3600",
    state,
    nonce,
    ...(resource === "" ? {} : { resource }),
    ...(withoutPkce ? {} : challenge),
  });
  const answer = await createPerson("ann@example.com").authorize(url);
  const checks = { expectedState: state, expectedNonce: nonce, maxAge: 3600, ...(withoutPkce ? {} : { pkceCodeVerifier: verifier }) };
  const tokens = await oidc.authorizationCodeGrant(config, answer, checks);
  const subject = tokens.claims()?.sub ?? "";
  assert.deepEqual(await oidc.fetchUserInfo(config, tokens.access_token, subject), {
    sub: subject,
    email: "ann@example.com",
    email_verified: true,
  });
  assert.equal(await callStatus(config, tokens.access_token, withoutPkce ? "/actions/list_todos" : "/mcp"), 200);
  const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? "", { scope: "openid todos:read" });
  assert.equal(refreshed.scope, "openid todos:read");
  assert.equal(refreshed.claims()?.sub, subject);
  await oidc.tokenRevocation(config, refreshed.refresh_token ?? "");
  await assert.rejects(oidc.refreshTokenGrant(config, refreshed.refresh_token ?? ""), { error: "invalid_grant" });
  return answer;
}

async function callStatus(config: oidc.Configuration, accessToken: string, path: "/mcp" | "/actions/list_todos"): Promise<number> {
  const headers = new Headers({ "content-type": "application/json", accept: "application/json, text/event-stream" });
  const message = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "list_todos", arguments: {} } });
  const [method, body] = path === "/mcp" ? ["POST", message] : ["GET", undefined];
  const reply = await oidc.fetchProtectedResource(config, accessToken, new URL(host.url + path), method, body, headers);
  await reply.body?.cancel();
  return reply.status;
}

function publish(path: string, redirectUris: readonly string[], metadata: object): string {
  return site.publish(path, {
    client_id: site.url + path,
    client_name: "An app",
    redirect_uris: redirectUris,
    grant_types: BOTH,
    ...metadata,
  });
}

test("a desktop application with a written-down id goes home to whatever port is free, in IPv4 and IPv6", async () => {
  for (const redirectUri of ["http://127.0.0.1:53211/callback", "http://[::1]:53212/callback"]) {
    const answer = await goAllTheWay(await discovered("desktop", oidc.None()), { redirectUri });
    assert.equal(answer.origin + answer.pathname, redirectUri);
  }
});

test("a web application shows its secret in the header or in the body, whichever discovery it reads", async () => {
  for (const algorithm of ["oidc", "oauth2"] as const) {
    for (const authentication of [oidc.ClientSecretBasic(SECRET), oidc.ClientSecretPost(SECRET)]) {
      await goAllTheWay(await discovered("web", authentication, algorithm), { redirectUri: WEB });
    }
  }
});

test("a web application signs, for the issuer or for the token endpoint", async () => {
  await goAllTheWay(await discovered("signing", signedByKey()), { redirectUri: WEB });
  const forEndpoint = oidc.PrivateKeyJwt(
    { key: key.privateKey, kid: key.kid },
    {
      [oidc.modifyAssertion](_header, payload) {
        payload["aud"] = `${host.url}/oauth/token`;
      },
    },
  );
  await goAllTheWay(await discovered("signing", forEndpoint), { redirectUri: WEB });
});

test("ChatGPT's way: a metadata document, keys at an address, a stable redirect or one for each connection", async () => {
  const jwksUri = site.publish("/jwks.json", { keys: [key.publicJwk] });
  const ways = [
    ["/oauth/client.json", "https://chatgpt.com/connector_platform_oauth_redirect"],
    ["/oauth/c1/client.json", "https://chatgpt.com/connector/oauth/c1"],
  ] as const;
  for (const [path, redirectUri] of ways) {
    const id = publish(path, [redirectUri], { token_endpoint_auth_method: "private_key_jwt", jwks_uri: jwksUri });
    await goAllTheWay(await discovered(id, signedByKey()), { redirectUri });
  }
});

test("Claude's and VS Code's way: a metadata document and nothing to prove", async () => {
  const redirects = ["https://claude.ai/api/mcp/auth_callback", "http://127.0.0.1:33418/"];
  const id = publish("/claude.json", redirects, { token_endpoint_auth_method: "none" });
  for (const redirectUri of ["https://claude.ai/api/mcp/auth_callback", "http://127.0.0.1:51999/"]) {
    await goAllTheWay(await discovered(id, oidc.None()), { redirectUri });
  }
});

test("a Custom GPT's way: a secret, no PKCE, no resource, its own surface", async () => {
  const config = await discovered(DEVELOPMENT_GPT.id, oidc.ClientSecretPost(DEVELOPMENT_GPT.secret));
  await goAllTheWay(config, { redirectUri: DEVELOPMENT_GPT.redirectUri, resource: "", withoutPkce: true });
});

test("Cursor's and mcp-remote's way: registration without a secret, several redirects", async () => {
  const redirectUris = ["http://localhost:8787/callback", "cursor://anysphere.cursor-mcp/oauth/callback"];
  const metadata = { redirect_uris: redirectUris, token_endpoint_auth_method: "none", grant_types: BOTH };
  const config = await oidc.dynamicClientRegistration(new URL(host.url), metadata, oidc.None(), PLAIN);
  for (const redirectUri of ["http://localhost:30999/callback", ...redirectUris]) {
    assert.ok((await goAllTheWay(config, { redirectUri })).href.startsWith(redirectUri));
  }
});

test("Copilot's way: registration that gives a secret, shown either way", async () => {
  const metadata = { redirect_uris: [WEB], client_name: "Copilot" };
  const config = await oidc.dynamicClientRegistration(new URL(host.url), metadata, undefined, PLAIN);
  const { client_id: id, client_secret: secret } = config.clientMetadata();
  assert.ok(secret);
  await goAllTheWay(config, { redirectUri: WEB });
  for (const authentication of [oidc.ClientSecretBasic(secret), oidc.ClientSecretPost(secret)]) {
    await goAllTheWay(await discovered(id, authentication), { redirectUri: WEB });
  }
});

test("a client registers keys and proves itself with them", async () => {
  const metadata = { redirect_uris: [WEB], token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.publicJwk] } };
  const config = await oidc.dynamicClientRegistration(
    new URL(host.url),
    metadata as unknown as Partial<oidc.ClientMetadata>,
    signedByKey(),
    PLAIN,
  );
  await goAllTheWay(config, { redirectUri: WEB });
});

test("machines come with a secret in either place or with a signature, and get no refresh token", async () => {
  const machines = [
    ["machine", oidc.ClientSecretPost(SECRET)],
    ["machine", oidc.ClientSecretBasic(SECRET)],
    ["robot", signedByKey()],
  ] as const;
  for (const [id, authentication] of machines) {
    const config = await discovered(id, authentication, "oauth2");
    const tokens = await oidc.clientCredentialsGrant(config, { scope: "todos:read", resource: `${host.url}/mcp` });
    assert.equal(tokens.refresh_token, undefined);
    assert.equal(tokens.scope, "todos:read");
    assert.equal(await callStatus(config, tokens.access_token, "/mcp"), 200);
    await oidc.tokenRevocation(config, tokens.access_token);
    await assert.rejects(callStatus(config, tokens.access_token, "/mcp"), { status: 401 });
  }
});

test("an application signs its person out by the discovered address, and has the browser back", async () => {
  const config = await discovered("web", oidc.ClientSecretBasic(SECRET));
  const [verifier, state] = [oidc.randomPKCECodeVerifier(), oidc.randomState()];
  const person = createPerson("ann@example.com");
  const challenge = await oidc.calculatePKCECodeChallenge(verifier);
  const asked = { redirect_uri: WEB, scope: "openid", state, code_challenge: challenge, code_challenge_method: "S256" };
  const answer = await person.authorize(oidc.buildAuthorizationUrl(config, asked));
  const tokens = await oidc.authorizationCodeGrant(config, answer, { expectedState: state, pkceCodeVerifier: verifier });
  const way = { id_token_hint: tokens.id_token ?? "", post_logout_redirect_uri: "https://app.example/bye", state: "done" };
  const page = await person.open(oidc.buildEndSessionUrl(config, way));
  assert.equal(page.leaves?.href, "https://app.example/bye?state=done");
  await assert.rejects(silently(config, person), { error: "login_required" });
});

/** `prompt=none` in the person's browser. */
async function silently(config: oidc.Configuration, person: ReturnType<typeof createPerson>): Promise<unknown> {
  const challenge = await oidc.calculatePKCECodeChallenge(oidc.randomPKCECodeVerifier());
  const asked = { redirect_uri: WEB, scope: "openid", prompt: "none", code_challenge: challenge, code_challenge_method: "S256" };
  const { leaves } = await person.open(oidc.buildAuthorizationUrl(config, asked));
  assert.ok(leaves);
  return oidc.authorizationCodeGrant(config, leaves);
}
