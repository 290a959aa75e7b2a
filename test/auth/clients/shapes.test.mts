import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as oauth from "oauth4webapi";
import { createPerson } from "../../../tools/person.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { registerClient } from "../../support/oauth.mts";
import { type ClientSite, makeKey, type SigningPair, startClientSite } from "./client-site.mts";

/** Each client of the world as it comes here, driven by a library that is none of ours. */

const INSECURE = { [oauth.allowInsecureRequests]: true };
const BOTH = ["authorization_code", "refresh_token"];

let host: TestHost;
let site: ClientSite;
let key: SigningPair;
before(async () => {
  [site, key] = await Promise.all([startClientSite(), makeKey("2026-11")]);
  host = await startPlainHost({ env: { LOOPBACK_FETCH: "on", SHARED_EGRESS: "127.0.0.0/8 ::1/128" } });
});
after(async () => {
  await host.close();
  await site.close();
});

/** Code, token, refresh and revocation. @returns Where the code was sent. */
async function goAllTheWay(clientId: string, redirectUri: string, authentication: oauth.ClientAuth): Promise<URL> {
  const issuer = new URL(host.url);
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...INSECURE, algorithm: "oauth2" }));
  const client = { client_id: clientId };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(server.authorization_endpoint ?? "");
  url.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: "code",
    resource: `${host.url}/mcp`,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  }).toString();
  const answer = await createPerson("ann@example.com").authorize(url);
  const code = oauth.validateAuthResponse(server, client, answer, state);
  const tokens = await oauth.processAuthorizationCodeResponse(
    server,
    client,
    await oauth.authorizationCodeGrantRequest(server, client, authentication, code, redirectUri, verifier, INSECURE),
  );
  const claims = JSON.parse(Buffer.from(tokens.access_token.split(".")[1] ?? "", "base64url").toString());
  assert.equal(claims.client_id, clientId);
  assert.equal(claims.aud, `${host.url}/mcp`);
  const refreshed = await oauth.processRefreshTokenResponse(
    server,
    client,
    await oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token ?? "", INSECURE),
  );
  const revoked = await oauth.revocationRequest(server, client, authentication, refreshed.refresh_token ?? "", INSECURE);
  await oauth.processRevocationResponse(revoked);
  return answer;
}

function chatGptDocument(path: string, redirectUri: string, keys: object): string {
  return site.publish(path, {
    client_id: site.url + path,
    client_name: "ChatGPT",
    client_uri: "https://chatgpt.com",
    logo_uri: "https://chatgpt.com/logo.png",
    redirect_uris: [redirectUri],
    grant_types: BOTH,
    response_types: ["code"],
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "RS256",
    ...keys,
  });
}

test("ChatGPT comes with its own document, a key set and a stable redirect", async () => {
  const redirectUri = "https://chatgpt.com/connector_platform_oauth_redirect";
  const jwksUri = site.publish("/oauth/jwks.json", { keys: [key.publicJwk] });
  const clientId = chatGptDocument("/oauth/client.json", redirectUri, { jwks_uri: jwksUri });
  const answer = await goAllTheWay(clientId, redirectUri, oauth.PrivateKeyJwt({ key: key.privateKey, kid: key.kid }));
  assert.equal(answer.origin, "https://chatgpt.com");
  assert.equal(site.asked("/oauth/client.json"), 1);
  assert.equal(site.asked("/oauth/jwks.json"), 1);
});

test("ChatGPT comes with a document for each connection, and assertions for the token endpoint", async () => {
  const redirectUri = "https://chatgpt.com/connector/oauth/c0ffee";
  const clientId = chatGptDocument("/oauth/c0ffee/client.json", redirectUri, { jwks: { keys: [key.publicJwk] } });
  const authentication = oauth.PrivateKeyJwt(
    { key: key.privateKey, kid: key.kid },
    {
      [oauth.modifyAssertion](_header, payload) {
        payload["aud"] = `${host.url}/oauth/token`;
      },
    },
  );
  await goAllTheWay(clientId, redirectUri, authentication);
});

for (const alg of ["PS256", "ES256", "EdDSA"]) {
  test(`a document's client proves itself with ${alg}`, async () => {
    const pair = await makeKey(alg, alg);
    const path = `/${alg}.json`;
    const redirectUri = "https://app.example/callback";
    const clientId = chatGptDocument(path, redirectUri, { jwks: { keys: [key.publicJwk, pair.publicJwk] } });
    await goAllTheWay(clientId, redirectUri, oauth.PrivateKeyJwt({ key: pair.privateKey, kid: pair.kid }));
  });
}

test("Claude comes with its document and nothing to prove itself with", async () => {
  const redirectUri = "https://claude.ai/api/mcp/auth_callback";
  const path = "/oauth/claude.json";
  const clientId = site.publish(path, {
    client_id: site.url + path,
    client_name: "Claude",
    redirect_uris: [redirectUri],
    grant_types: BOTH,
    token_endpoint_auth_method: "none",
  });
  assert.equal((await goAllTheWay(clientId, redirectUri, oauth.None())).origin, "https://claude.ai");
});

test("Claude Code and VS Code come with a document, and go home to whatever port is free", async () => {
  const path = "/oauth/claude-code-client-metadata";
  const clientId = site.publish(path, {
    client_id: site.url + path,
    client_name: "Claude Code",
    redirect_uris: ["http://localhost/callback", "http://127.0.0.1/callback", "http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
    token_endpoint_auth_method: "none",
  });
  for (const redirectUri of ["http://localhost:51234/callback", "http://127.0.0.1:61000/callback", "http://127.0.0.1:49999/"]) {
    const answer = await goAllTheWay(clientId, redirectUri, oauth.None());
    assert.equal(answer.origin + answer.pathname, redirectUri);
  }
});

test("Cursor registers itself with all of its redirects, and each of them works", async () => {
  const redirectUris = [
    "http://localhost:8787/callback",
    "https://www.cursor.com/agents/mcp/oauth/callback",
    "cursor://anysphere.cursor-mcp/oauth/callback",
  ];
  const { id } = await registerClient(host.url, { client_name: "Cursor", redirect_uris: redirectUris });
  for (const redirectUri of redirectUris) {
    assert.ok((await goAllTheWay(id, redirectUri, oauth.None())).href.startsWith(redirectUri));
  }
});

test("mcp-remote registers itself and listens on another port next time", async () => {
  const { id } = await registerClient(host.url, { redirect_uris: ["http://localhost:3334/oauth/callback"] });
  await goAllTheWay(id, "http://localhost:3334/oauth/callback", oauth.None());
  await goAllTheWay(id, "http://localhost:29911/oauth/callback", oauth.None());
});

test("Microsoft 365 Copilot registers itself, gets a secret, and shows it either way", async () => {
  const redirectUri = "https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect";
  const { id, secret = "" } = await registerClient(host.url, {
    client_name: "Copilot",
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: undefined,
  });
  await goAllTheWay(id, redirectUri, oauth.ClientSecretPost(secret));
  await goAllTheWay(id, redirectUri, oauth.ClientSecretBasic(secret));
});

test("a client registers its keys and proves itself with them", async () => {
  const redirectUri = "https://app.example/callback";
  const { id, secret, reply } = await registerClient(host.url, {
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: [key.publicJwk] },
  });
  assert.equal(reply.status, 201);
  assert.equal(secret, undefined);
  await goAllTheWay(id, redirectUri, oauth.PrivateKeyJwt({ key: key.privateKey, kid: key.kid }));
});
