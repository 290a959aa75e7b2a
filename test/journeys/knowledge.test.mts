import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { folderOf } from "../shared/capabilities/knowledge/folder-of.mts";
import { HOSTS, type TestHost } from "../support/host.mts";
import { type ConnectedClient, connectFirst, connectModern, connectOverSse, type Door } from "../support/mcp-clients.mts";
import { connect, DEVELOPMENT_GPT, registerClient } from "../support/oauth.mts";

/** Clients as the vendors' behave: how they register, which era they open with, and what they read of an answer. */
const CLIENTS = [
  {
    name: "a ChatGPT-shaped client",
    metadata: { client_name: "ChatGPT", redirect_uris: ["https://chatgpt.com/connector/oauth/abcDEF123"] },
    open: (door: Door) => connectModern(door, "auto"),
  },
  {
    name: "a Claude-shaped client",
    metadata: { client_name: "Claude", redirect_uris: ["https://claude.ai/api/mcp/auth_callback"] },
    open: connectFirst,
  },
  {
    name: "a client of the oldest transport",
    metadata: { client_name: "Old" },
    open: connectOverSse,
  },
] as const;

/** What deep research does: parses the one text item, whatever else there is. */
function textOf({ content, structuredContent, isError }: Awaited<ReturnType<ConnectedClient["call"]>>) {
  assert.notEqual(isError, true);
  assert.equal(content.length, 1);
  assert.equal(content[0].type, "text");
  const value = JSON.parse(content[0].text);
  assert.deepEqual(structuredContent, value);
  return value;
}

const folder = folderOf({ "rules/holidays.md": "# Holidays\n\nEveryone has thirty days.", "tea.md": "# Tea\n\nBoil the water." });
after(() => folder.close());

for (const { host: platform, start } of HOSTS) {
  describe(`documents on ${platform}`, () => {
    let host: TestHost;
    before(async () => {
      host = await start({ env: { KNOWLEDGE_DIR: folder.path } });
    });
    after(() => host?.close());

    for (const { name, metadata, open } of CLIENTS) {
      test(`${name} signs in, searches, reads what it found, and the person opens it`, async () => {
        const client = await registerClient(host.url, metadata);
        const { accessToken } = await connect(host.url, { client, parameters: { resource: `${host.url}/mcp`, scope: "knowledge:read" } });
        const mcp = await open({ url: host.url, accessToken });
        try {
          assert.ok((await mcp.tools()).includes("search"));
          const { results } = textOf(await mcp.call("search", { query: "how many holidays do I have?" }));
          assert.deepEqual(Object.keys(results[0]).sort(), ["id", "text", "title", "url"]);
          assert.equal(results[0].title, "Holidays");

          const document = textOf(await mcp.call("fetch", { id: results[0].id }));
          assert.equal(document.id, results[0].id);
          assert.equal(document.title, "Holidays");
          assert.match(document.text, /thirty days/);
          assert.equal(document.url, results[0].url);

          const page = await fetch(document.url);
          assert.equal(page.status, 200);
          assert.match(await page.text(), /thirty days/);

          assert.deepEqual(textOf(await mcp.call("search", { query: "qwertzuiop" })), { results: [] });
          assert.equal((await mcp.call("fetch", { id: "nothing.md" })).isError, true);
        } finally {
          await mcp.close();
        }
      });
    }

    test("a Custom GPT searches and reads over REST", async () => {
      const { accessToken } = await connect(host.url, { client: DEVELOPMENT_GPT });
      const ask = async (path: string) => {
        const response = await fetch(`${host.url}/actions/${path}`, { headers: { authorization: `Bearer ${accessToken}` } });
        assert.equal(response.status, 200, path);
        // biome-ignore lint/suspicious/noExplicitAny: whatever came.
        return (await response.json()) as any;
      };
      const { results } = await ask(`search?${new URLSearchParams({ query: "boil water" })}`);
      assert.equal(results[0].title, "Tea");
      assert.match((await ask(`fetch?${new URLSearchParams({ id: results[0].id })}`)).text, /Boil the water/);
    });

    test("whoever was not granted the documents is told which scope is missing", async () => {
      const { accessToken } = await connect(host.url, { parameters: { resource: `${host.url}/mcp`, scope: "todos:read" } });
      const response = await fetch(`${host.url}/mcp`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${accessToken}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "search", arguments: { query: "tea" } } }),
      });
      await response.body?.cancel();
      assert.equal(response.status, 403);
      assert.match(response.headers.get("www-authenticate") ?? "", /insufficient_scope.*knowledge:read/);
    });
  });
}
