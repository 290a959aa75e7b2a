import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
  type OAuthClientProvider,
  UnauthorizedError,
  type VersionNegotiationMode,
} from "@modelcontextprotocol/client";
import { UnauthorizedError as FirstUnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as oauth from "oauth4webapi";
import { createPerson } from "../../tools/person.mts";
import { connect, DEVELOPMENT_GPT, type TestClient } from "./oauth.mts";

/** What one kind of client does from the first request to the last. */
export interface Flow {
  /** A sentence: the name of its test. */
  readonly does: string;
  /** Asserts each step against the service whose public URL is `base`. May run again on the same state. */
  readonly run: (base: string) => Promise<void>;
}

const ERAS: readonly (readonly [era: string, mode: VersionNegotiationMode])[] = [
  ["modern", { pin: "2026-07-28" }],
  ["negotiated", "auto"],
  ["legacy", "legacy"],
];

/** Those of the official MCP clients. */
export const MCP_FLOWS: readonly Flow[] = [
  ...ERAS.map(([era, mode]) => ({
    does: `the official client 2.x finds its way from a 401 to a tool call (${era})`,
    run: (base: string) => useModernClient(base, era, mode),
  })),
  { does: "the first official SDK (1.x) does too", run: useFirstClient },
];

/** Those of Custom GPTs, and of an OAuth library that knows neither MCP nor GPTs. */
export const OAUTH_FLOWS: readonly Flow[] = [
  {
    does: "a Custom GPT signs in without PKCE and calls actions with its own token",
    run: (base) => useCustomGpt(base, DEVELOPMENT_GPT),
  },
  {
    does: "a Custom GPT registered on the setup page does too",
    run: async (base) => useCustomGpt(base, await registerOnSetupPage(base, "g-journey")),
  },
  { does: "an independent OAuth library goes the whole way for MCP", run: useOAuthLibrary },
];

const TOOLS = [
  "auth_session",
  "complete_todo",
  "create_todo",
  "delete_todo",
  "fetch",
  "get_todo",
  "health_check",
  "identity_profile",
  "list_todos",
  "search",
  "update_todo",
];

/** What an application keeps for the SDKs' own OAuth flow; both versions take the same shape. */
function createProvider(): OAuthClientProvider & { opened: URL | undefined } {
  let verifier = "";
  // biome-ignore lint/suspicious/noExplicitAny: the SDKs give and take their own shapes.
  let information: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  let tokens: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  let discovery: any;
  return {
    opened: undefined,
    redirectUrl: "http://127.0.0.1:6274/oauth/callback",
    clientMetadata: {
      client_name: "An MCP client",
      redirect_uris: ["http://127.0.0.1:6274/oauth/callback"],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    },
    state: () => "state-1",
    clientInformation: () => information,
    saveClientInformation(saved) {
      information = saved;
    },
    tokens: () => tokens,
    saveTokens(saved) {
      tokens = saved;
    },
    redirectToAuthorization(url) {
      this.opened = url;
    },
    saveCodeVerifier(saved) {
      verifier = saved;
    },
    codeVerifier: () => verifier,
    discoveryState: () => discovery,
    saveDiscoveryState(saved) {
      discovery = saved;
    },
  };
}

/** Somebody without to-dos, and without sign-ins that count towards a rate limit. */
function newEmail(): string {
  // Without hyphens: digits on both sides of one look like the code that the page shows.
  return `${randomUUID().replaceAll("-", "")}@example.com`;
}

async function useModernClient(base: string, era: string, mode: VersionNegotiationMode): Promise<void> {
  const email = newEmail();
  const provider = createProvider();
  const url = new URL(`${base}/mcp`);
  const options = { versionNegotiation: { mode } };
  const first = new ModernClient({ name: "test", version: "1" }, options);
  const transport = new ModernTransport(url, { authProvider: provider });
  await assert.rejects(first.connect(transport), UnauthorizedError);
  const answer = await createPerson(email).authorize(provider.opened ?? "");
  assert.equal(answer.searchParams.get("state"), "state-1");
  await transport.finishAuth(answer.searchParams);
  const client = new ModernClient({ name: "test", version: "1" }, options);
  await client.connect(new ModernTransport(url, { authProvider: provider }));
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map((tool) => tool.name).sort(), TOOLS);
  const created = await client.callTool({ name: "create_todo", arguments: { title: `From ${era}` } });
  assert.equal(created.isError ?? false, false);
  const listed = await client.callTool({ name: "list_todos", arguments: {} });
  assert.ok(JSON.stringify(listed.structuredContent).includes(`From ${era}`));
  const profile = await client.callTool({ name: "identity_profile", arguments: {} });
  assert.equal((profile.structuredContent as { email?: string }).email, email);
  const wrong = await client.callTool({ name: "create_todo", arguments: { title: 7 } });
  assert.equal(wrong.isError, true);
  assert.deepEqual((await client.listResources()).resources, []);
  assert.deepEqual((await client.listPrompts()).prompts, []);
  await client.close();
}

async function useFirstClient(base: string): Promise<void> {
  const provider = createProvider();
  const url = new URL(`${base}/mcp`);
  // biome-ignore lint/suspicious/noExplicitAny: the provider fits both versions; their types differ in details.
  const authProvider = provider as any;
  const transport = new FirstTransport(url, { authProvider });
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's own transport does not fit its own interface under exact optional types.
  await assert.rejects(new FirstClient({ name: "test", version: "1" }).connect(transport as any), FirstUnauthorizedError);
  const answer = await createPerson(newEmail()).authorize(provider.opened ?? "");
  await transport.finishAuth(answer.searchParams.get("code") ?? "");
  const client = new FirstClient({ name: "test", version: "1" });
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  await client.connect(new FirstTransport(url, { authProvider }) as any);
  assert.deepEqual((await client.listTools()).tools.map((tool) => tool.name).sort(), TOOLS);
  const created = await client.callTool({ name: "create_todo", arguments: { title: "From 1.x" } });
  const { id } = created.structuredContent as { id: string };
  const completed = await client.callTool({ name: "complete_todo", arguments: { id } });
  assert.equal(completed.isError ?? false, false);
  await client.ping();
  await client.close();
}

/** Registers a Custom GPT by its callback URL, as its author does on the machine of the service. A second time renews its secret. */
export async function registerOnSetupPage(base: string, gptId: string): Promise<TestClient> {
  const author = createPerson("author@example.com");
  const redirectUri = `https://chatgpt.com/aip/${gptId}/oauth/callback`;
  const done = await author.submit(await author.open(base), /custom-gpt/, { callback_url: redirectUri });
  assert.equal(done.status, 200);
  const id = copyableValue(done.html, "Client ID");
  assert.ok(id.includes(gptId), id);
  return { id, secret: copyableValue(done.html, "Client secret"), redirectUri };
}

/** What a page offers to copy under a label. */
function copyableValue(html: string, label: string): string {
  const value = new RegExp(`<p class="name">${label}</p>\\s*<div class="line"><code>([^<]+)</code>`).exec(html)?.[1];
  assert.ok(value, label);
  return value;
}

/** Sign-in, token and actions of a Custom GPT. */
export async function useCustomGpt(base: string, client: TestClient): Promise<void> {
  const email = newEmail();
  const { accessToken, reply } = await connect(base, { client, email });
  for (const member of ["access_token", "token_type", "refresh_token", "expires_in"]) assert.ok(reply.body[member], member);
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${base}/actions/${path}`, {
      ...init,
      headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
    });
  const profile = (await (await call("profile")).json()) as { email: string };
  assert.equal(profile.email, email);
  assert.deepEqual(await (await call("identity_profile")).json(), profile);
  assert.equal((await call("session")).status, 200);
  const created = (await (await call("create_todo", { method: "POST", body: JSON.stringify({ title: "Milk" }) })).json()) as {
    id: string;
  };
  const listed = (await (await call("list_todos?limit=5")).json()) as { todos: { id: string }[] };
  assert.ok(listed.todos.some((todo) => todo.id === created.id));
  assert.equal((await call("delete_todo", { method: "POST", body: JSON.stringify({ id: created.id }) })).status, 200);
  assert.equal((await call(`get_todo?id=${created.id}`)).status, 404);
}

async function useOAuthLibrary(base: string): Promise<void> {
  const email = newEmail();
  const issuer = new URL(base);
  const insecure = { [oauth.allowInsecureRequests]: true };
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...insecure, algorithm: "oauth2" }));
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
    resource: `${base}/mcp`,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  }).toString();
  const answer = oauth.validateAuthResponse(server, client, await createPerson(email).authorize(url), state);
  const reply = await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), answer, redirectUri, verifier, insecure);
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, reply, { expectedNonce: nonce, requireIdToken: true });
  await oauth.validateApplicationLevelSignature(server, reply, insecure);
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  const userinfo = await oauth.userInfoRequest(server, client, tokens.access_token, insecure);
  const person = await oauth.processUserInfoResponse(server, client, claims?.sub ?? "", userinfo);
  assert.equal(person.email, email);
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
}
