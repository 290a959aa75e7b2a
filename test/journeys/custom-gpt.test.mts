import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as oauth from "oauth4webapi";
import { createPerson } from "../../tools/person.mts";
import { HOSTS, type TestHost } from "../support/host.mts";
import { connect, DEVELOPMENT_GPT } from "../support/oauth.mts";

for (const { host: name, start } of HOSTS) {
  describe(`on ${name}`, () => {
    let host: TestHost;
    before(async () => {
      host = await start({});
    });
    after(() => host.close());

    test("a Custom GPT signs in without PKCE and calls actions with its own token", async () => {
      const { accessToken, reply } = await connect(host.url, { client: DEVELOPMENT_GPT, email: "ann@example.com" });
      for (const member of ["access_token", "token_type", "refresh_token", "expires_in"]) assert.ok(reply.body[member], member);
      const call = (path: string, init: RequestInit = {}) =>
        fetch(`${host.url}/actions/${path}`, {
          ...init,
          headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
        });
      const profile = (await (await call("profile")).json()) as { email: string };
      assert.equal(profile.email, "ann@example.com");
      assert.deepEqual(await (await call("identity_profile")).json(), profile);
      assert.equal((await call("session")).status, 200);
      const created = (await (await call("create_todo", { method: "POST", body: JSON.stringify({ title: "Milk" }) })).json()) as {
        id: string;
      };
      const listed = (await (await call("list_todos?limit=5")).json()) as { todos: { id: string }[] };
      assert.ok(listed.todos.some((todo) => todo.id === created.id));
      assert.equal((await call("delete_todo", { method: "POST", body: JSON.stringify({ id: created.id }) })).status, 200);
      assert.equal((await call(`get_todo?id=${created.id}`)).status, 404);
    });

    test("an independent OAuth library goes the whole way for MCP", async () => {
      const issuer = new URL(host.url);
      const insecure = { [oauth.allowInsecureRequests]: true };
      const server = await oauth.processDiscoveryResponse(
        issuer,
        await oauth.discoveryRequest(issuer, { ...insecure, algorithm: "oauth2" }),
      );
      const redirectUri = "http://127.0.0.1:4999/callback";
      const registration = await oauth.dynamicClientRegistrationRequest(
        server,
        { redirect_uris: [redirectUri], token_endpoint_auth_method: "none", grant_types: ["authorization_code", "refresh_token"] },
        insecure,
      );
      const client = await oauth.processDynamicClientRegistrationResponse(registration);
      const verifier = oauth.generateRandomCodeVerifier();
      const nonce = oauth.generateRandomNonce();
      const state = oauth.generateRandomState();
      const url = new URL(server.authorization_endpoint ?? "");
      url.search = new URLSearchParams({
        client_id: client.client_id,
        redirect_uri: redirectUri,
        response_type: "code",
        scope: "openid email",
        resource: `${host.url}/mcp`,
        state,
        nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      }).toString();
      const answer = oauth.validateAuthResponse(server, client, await createPerson("ann@example.com").authorize(url), state);
      const reply = await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), answer, redirectUri, verifier, insecure);
      const tokens = await oauth.processAuthorizationCodeResponse(server, client, reply, { expectedNonce: nonce, requireIdToken: true });
      await oauth.validateApplicationLevelSignature(server, reply, insecure);
      const claims = oauth.getValidatedIdTokenClaims(tokens);
      const userinfo = await oauth.userInfoRequest(server, client, tokens.access_token, insecure);
      const person = await oauth.processUserInfoResponse(server, client, claims?.sub ?? "", userinfo);
      assert.equal(person.email, "ann@example.com");
      assert.equal(person.email_verified, true);
      const refreshed = await oauth.processRefreshTokenResponse(
        server,
        client,
        await oauth.refreshTokenGrantRequest(server, client, oauth.None(), tokens.refresh_token ?? "", insecure),
      );
      const revoked = await oauth.revocationRequest(server, client, oauth.None(), refreshed.refresh_token ?? "", insecure);
      await oauth.processRevocationResponse(revoked);
      const dead = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refreshed.refresh_token ?? "", insecure);
      await assert.rejects(oauth.processRefreshTokenResponse(server, client, dead), { error: "invalid_grant" });
    });
  });
}
