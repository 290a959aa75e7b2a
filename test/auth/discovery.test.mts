import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startPlainHost, type TestHost } from "../support/host.mts";

let host: TestHost;
before(async () => {
  host = await startPlainHost({});
});
after(() => host.close());

async function get(path: string) {
  const response = await fetch(host.url + path);
  // biome-ignore lint/suspicious/noExplicitAny: documents are read member by member.
  return { response, body: (await response.json()) as any };
}

test("both discovery documents name the issuer exactly and everything that is there", async () => {
  for (const path of ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]) {
    const { response, body } = await get(path);
    assert.equal(response.headers.get("content-type"), "application/json");
    assert.equal(body.issuer, host.url);
    for (const name of ["authorization", "token", "registration", "revocation", "userinfo", "end_session"]) {
      const endpoint = await fetch(body[`${name}_endpoint`], { redirect: "manual" });
      assert.notEqual(endpoint.status, 404, name);
      await endpoint.body?.cancel();
    }
    assert.deepEqual(body.code_challenge_methods_supported, ["S256"]);
    assert.deepEqual(body.response_types_supported, ["code"]);
    assert.deepEqual(body.grant_types_supported, ["authorization_code", "refresh_token", "client_credentials"]);
    assert.deepEqual(body.token_endpoint_auth_methods_supported, ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]);
    assert.deepEqual(body.token_endpoint_auth_signing_alg_values_supported, ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]);
    assert.equal(body.client_id_metadata_document_supported, true);
    assert.equal(body.authorization_response_iss_parameter_supported, true);
    assert.ok(body.scopes_supported.includes("offline_access"));
  }
});

test("what is switched off is not advertised", async (context) => {
  await host.close();
  const env = { REGISTRATION: "off", CLIENT_DOCUMENTS: "off", CLIENT_AUTH_METHODS: "client_secret_post" };
  const strict = await startPlainHost({ env });
  context.after(async () => {
    await strict.close();
    host = await startPlainHost({});
  });
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const body = (await (await fetch(`${strict.url}/.well-known/oauth-authorization-server`)).json()) as any;
  assert.equal("registration_endpoint" in body, false);
  assert.equal(body.client_id_metadata_document_supported, false);
  assert.deepEqual(body.token_endpoint_auth_methods_supported, ["client_secret_post"]);
  assert.equal("token_endpoint_auth_signing_alg_values_supported" in body, false);
});

test("discovery and keys may be kept for five minutes, and a known version costs no body", async () => {
  for (const path of [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/jwks.json",
  ]) {
    const first = await fetch(host.url + path);
    assert.equal(first.headers.get("cache-control"), "public, max-age=300");
    await first.body?.cancel();
    const etag = first.headers.get("etag") ?? "";
    assert.match(etag, /^"[\w-]{20,}"$/);
    const again = await fetch(host.url + path, { headers: { "if-none-match": etag } });
    assert.equal(again.status, 304);
    assert.equal(again.headers.get("etag"), etag);
    assert.equal(await again.text(), "");
    const other = await fetch(host.url + path, { headers: { "if-none-match": '"another"' } });
    assert.equal(other.status, 200);
    await other.body?.cancel();
  }
});

test("path-suffixed server metadata is a 404, so that clients fall back to the root", async () => {
  for (const path of ["/.well-known/oauth-authorization-server/mcp", "/.well-known/openid-configuration/mcp"]) {
    const { response, body } = await get(path);
    assert.equal(response.status, 404);
    assert.ok(body.error_description);
  }
});

test("each protected resource has metadata of its own, whose resource is that very URL", async () => {
  for (const path of ["/mcp", "/mcp/", "/sse", "/actions", ""]) {
    const { response, body } = await get(`/.well-known/oauth-protected-resource${path}`);
    assert.equal(response.status, 200);
    assert.equal(body.resource, host.url + path);
    assert.deepEqual(body.authorization_servers, [host.url]);
    assert.ok(body.scopes_supported.includes("todos:read"));
    assert.ok(!body.scopes_supported.includes("offline_access"));
  }
  assert.equal((await get("/.well-known/oauth-protected-resource/other")).response.status, 404);
});

test("the key set has public keys only, and the first start makes one", async () => {
  const { body } = await get("/.well-known/jwks.json");
  assert.equal(body.keys.length, 1);
  assert.deepEqual(Object.keys(body.keys[0]).sort(), ["alg", "e", "kid", "kty", "n", "use"]);
});
