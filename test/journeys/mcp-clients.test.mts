import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
  type OAuthClientProvider,
  UnauthorizedError,
} from "@modelcontextprotocol/client";
import { UnauthorizedError as FirstUnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { createPerson } from "../../tools/person.mts";
import { HOSTS, type TestHost } from "../support/host.mts";

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

for (const { host: name, start } of HOSTS) {
  describe(`on ${name}`, () => {
    let host: TestHost;
    before(async () => {
      host = await start({});
    });
    after(() => host.close());

    for (const [era, mode] of [
      ["modern", { pin: "2026-07-28" }],
      ["negotiated", "auto"],
      ["legacy", "legacy"],
    ] as const) {
      test(`the official client 2.x finds its way from a 401 to a tool call (${era})`, async () => {
        const provider = createProvider();
        const url = new URL(`${host.url}/mcp`);
        const options = { versionNegotiation: { mode } };
        const first = new ModernClient({ name: "test", version: "1" }, options);
        const transport = new ModernTransport(url, { authProvider: provider });
        await assert.rejects(first.connect(transport), UnauthorizedError);
        const answer = await createPerson("ann@example.com").authorize(provider.opened ?? "");
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
        assert.equal((profile.structuredContent as { email?: string }).email, "ann@example.com");
        const wrong = await client.callTool({ name: "create_todo", arguments: { title: 7 } });
        assert.equal(wrong.isError, true);
        assert.deepEqual((await client.listResources()).resources, []);
        assert.deepEqual((await client.listPrompts()).prompts, []);
        await client.close();
      });
    }

    test("the first official SDK (1.x) does too", async () => {
      const provider = createProvider();
      const url = new URL(`${host.url}/mcp`);
      // biome-ignore lint/suspicious/noExplicitAny: the provider fits both versions; their types differ in details.
      const authProvider = provider as any;
      const transport = new FirstTransport(url, { authProvider });
      // biome-ignore lint/suspicious/noExplicitAny: the SDK's own transport does not fit its own interface under exact optional types.
      await assert.rejects(new FirstClient({ name: "test", version: "1" }).connect(transport as any), FirstUnauthorizedError);
      const answer = await createPerson("bob@example.com").authorize(provider.opened ?? "");
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
    });
  });
}

const TOOLS = [
  "auth_session",
  "complete_todo",
  "create_todo",
  "delete_todo",
  "get_todo",
  "health_check",
  "identity_profile",
  "list_todos",
  "update_todo",
];
