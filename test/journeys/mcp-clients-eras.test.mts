import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { resultFromTaskOutcome, TaskFailedError } from "@modelcontextprotocol/ext-tasks/client";
import { createFixtures } from "../conformance/fixtures.mts";
import { startProxy } from "../conformance/proxy.mts";
import { HOSTS, type TestHost } from "../support/host.mts";
import { type ConnectedClient, connectFirst, connectModern, type Door, eventually } from "../support/mcp-clients.mts";
import { connect } from "../support/oauth.mts";
import { startTaskSession } from "../support/task-client.mts";

const LEGACY: readonly { readonly name: string; readonly open: (door: Door) => Promise<ConnectedClient> }[] = [
  { name: "the official client 2.x", open: (at) => connectModern(at, "legacy") },
  { name: "the official SDK 1.x", open: connectFirst },
];

for (const { host: platform, start } of HOSTS) {
  describe(`against the service on ${platform}`, () => {
    let host: TestHost;
    let door: Door;
    before(async () => {
      host = await start({ providers: [createFixtures()] });
      const { accessToken } = await connect(host.url);
      door = { url: host.url, accessToken };
    });
    after(() => host?.close());

    describe("a client of the modern era", () => {
      test("is what a client that negotiates becomes", async () => {
        const { client, close } = await connectModern(door, "auto");
        assert.equal(client.getProtocolEra(), "modern");
        await close();
      });

      test("repeats parameters in headers when the tool asks for that", async () => {
        const client = await connectModern(door, { pin: "2026-07-28" });
        await client.tools();
        const answer = await client.call("test_header_parameters", { region: "Zürich", level: 3, fresh: true });
        assert.equal(answer.content[0].text, "Looked in Zürich.");
        await client.close();
      });

      test("follows tasks to their end, through the extension's own client", async () => {
        const { client, close } = await connectModern(door, { pin: "2026-07-28" });
        const session = startTaskSession(client, door);
        const settle = async (name: string, args = {}) => (await (await session.callTool(name, args)).settle()).outcome;
        // biome-ignore lint/suspicious/noExplicitAny: the results of two revisions.
        const text = async (name: string, args = {}) => (resultFromTaskOutcome(await settle(name, args)) as any).content[0].text;

        assert.equal(await text("greet", { name: "Ann" }), "Hello, Ann!");
        assert.equal(await text("slow_compute", { seconds: 0.2, label: "it" }), "Computed it in 0.2 s.");
        assert.equal(await text("confirm_delete", { filename: "a.txt" }), "Deleted a.txt.");
        assert.match(await text("multi_input"), /"name":"Ann".*"name":"Ann"/);
        assert.equal(await text("test_tool_with_task"), "Worked for Ann.");
        // biome-ignore lint/suspicious/noExplicitAny: as above.
        assert.equal((resultFromTaskOutcome(await settle("failing_job")) as any).isError, true);
        const broken = await settle("protocol_error_job");
        assert.ok(broken.status === "failed" && broken.error instanceof TaskFailedError, JSON.stringify(broken));

        const long = await session.callTool("slow_compute", { seconds: 60 });
        assert.equal(long.kind, "task");
        await long.cancel();
        assert.equal((await long.settle()).outcome.status, "cancelled");
        await session.close();
        await close();
      });
    });

    describe("a client of the legacy era", () => {
      for (const { name, open } of LEGACY) {
        test(`misses nothing when its connections are cut in the middle of a call (${name})`, async (t) => {
          const proxy = await startProxy(host.url);
          t.after(proxy.close);
          const client = await open({ ...door, url: proxy.url });
          t.after(client.close);
          const progress: number[] = [];
          const answer = await client.call(
            "test_tool_with_progress",
            {},
            {
              onprogress(at) {
                if (progress.push(at.progress) === 1) proxy.cut();
              },
            },
          );
          assert.equal(answer.content[0].text, "Progress was reported.");
          assert.deepEqual(progress, [0, 50, 100]);
          await eventually("service again", () => client.call("greet", { name: "Ann" }).catch(() => undefined));
        });

        test(`comes back for the answer when the service lets its connection go (${name})`, async (t) => {
          const client = await open(door);
          t.after(client.close);
          assert.match((await client.call("test_reconnection")).content[0].text, /after the connection was let go/);
        });
      }
    });

    describe("the MCP Inspector's command line", () => {
      const script = fileURLToPath(import.meta.resolve("@modelcontextprotocol/inspector-cli/build/index.js"));

      /** It finds its own package.json only from there. */
      async function inspect(...args: readonly string[]) {
        const header = `Authorization: Bearer ${door.accessToken}`;
        const all = [script, ...args, "--header", header];
        const { stdout } = await promisify(execFile)(process.execPath, all, { cwd: dirname(script) });
        return JSON.parse(stdout);
      }

      test("lists and calls tools", async () => {
        const { tools } = await inspect(`${door.url}/mcp`, "--transport", "http", "--method", "tools/list");
        assert.ok(tools.some(({ name }: { name: string }) => name === "greet"));
        const called = await inspect(
          `${door.url}/mcp`,
          "--transport",
          "http",
          "--method",
          "tools/call",
          "--tool-name",
          "greet",
          "--tool-arg",
          "name=Ann",
        );
        assert.deepEqual(called.content, [{ type: "text", text: "Hello, Ann!" }]);
      });

      test("reads resources and gets prompts over HTTP+SSE", async () => {
        const read = await inspect(`${door.url}/sse`, "--transport", "sse", "--method", "resources/read", "--uri", "test://static-text");
        assert.equal(read.contents[0].uri, "test://static-text");
        const got = await inspect(
          `${door.url}/sse`,
          "--transport",
          "sse",
          "--method",
          "prompts/get",
          "--prompt-name",
          "test_simple_prompt",
        );
        assert.equal(got.messages[0].content.text, "This is a simple prompt for testing.");
      });
    });
  });
}
