import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { createFixtures } from "../conformance/fixtures.mts";
import { HOSTS, type TestHost } from "../support/host.mts";
import { connect } from "../support/oauth.mts";

/** Clients that were given the service's origin as its address: a POST is theirs, a GET is the page for people. */
for (const { host: platform, start } of HOSTS) {
  describe(`at the origin of the service on ${platform}`, () => {
    let host: TestHost;
    let url: URL;
    let requestInit: { readonly headers: Record<string, string> };
    before(async () => {
      host = await start({ providers: [createFixtures()] });
      url = new URL(host.url);
      requestInit = { headers: { authorization: `Bearer ${(await connect(host.url)).accessToken}` } };
    });
    after(() => host?.close());

    for (const mode of ["legacy", "auto"] as const) {
      test(`the official client 2.x calls tools and ends what it began (${mode})`, async () => {
        const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
        const transport = new StreamableHTTPClientTransport(url, { requestInit });
        await client.connect(transport);
        const heard: number[] = [];
        const onprogress = ({ progress }: { readonly progress: number }) => void heard.push(progress);
        await client.callTool({ name: "test_tool_with_progress", arguments: {} }, { onprogress });
        assert.deepEqual(heard, [0, 50, 100]);
        const { content } = await client.callTool({ name: "test_reconnection", arguments: {} });
        assert.match(JSON.stringify(content), /after the connection was let go/);
        await transport.terminateSession();
        await client.close();
      });
    }

    test("the official SDK 1.x does too", async () => {
      const client = new FirstClient({ name: "test", version: "1" });
      const transport = new FirstTransport(url, { requestInit });
      // biome-ignore lint/suspicious/noExplicitAny: the SDK's own transport does not fit its own interface under exact optional types.
      await client.connect(transport as any);
      const { content } = await client.callTool({ name: "test_reconnection", arguments: {} });
      assert.match(JSON.stringify(content), /after the connection was let go/);
      await transport.terminateSession();
      await client.close();
    });
  });
}
