import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createFixtures } from "../conformance/fixtures.mts";
import { HOSTS, startPlainHost, type TestHost } from "../support/host.mts";
import {
  type ConnectedClient,
  connectFirst,
  connectModern,
  connectOverSse,
  connectThroughMcpRemote,
  type Door,
  eventually,
} from "../support/mcp-clients.mts";
import { connect } from "../support/oauth.mts";

interface Kind {
  readonly name: string;
  readonly open: (door: Door) => Promise<ConnectedClient>;
  /** It calls a request off by letting go of the connection. */
  readonly hangsUp?: boolean;
}

const KINDS: readonly Kind[] = [
  { name: "the official client 2.x, modern era", open: (at) => connectModern(at, { pin: "2026-07-28" }), hangsUp: true },
  { name: "the official client 2.x, negotiating", open: (at) => connectModern(at, "auto"), hangsUp: true },
  { name: "the official client 2.x, legacy era", open: (at) => connectModern(at, "legacy") },
  { name: "the official SDK 1.x over Streamable HTTP", open: connectFirst },
  { name: "the official SDK 1.x over HTTP+SSE", open: connectOverSse },
  { name: "the official SDK 1.x through mcp-remote", open: connectThroughMcpRemote },
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

    for (const { name, open, hangsUp = false } of KINDS) {
      describe(name, () => {
        let client: ConnectedClient;
        before(async () => {
          client = await open(door);
        });
        after(() => client?.close());

        test("lists tools, prompts, resources and templates", async () => {
          assert.ok((await client.tools()).includes("test_simple_text"));
          assert.ok((await client.prompts()).includes("test_simple_prompt"));
          assert.ok((await client.resources()).includes("test://static-text"));
          assert.deepEqual(await client.templates(), ["test://template/{id}/data"]);
        });

        test("is shown every kind of content", async () => {
          const kinds = ["simple_text", "image_content", "audio_content", "embedded_resource", "multiple_content_types"];
          const answers = await Promise.all(kinds.map((kind) => client.call(`test_${kind}`)));
          const types = answers.flatMap(({ content }) => content.map(({ type }: { type: string }) => type));
          assert.deepEqual(types, ["text", "image", "audio", "resource", "text", "image", "resource"]);
          const { structuredContent, content } = await client.call("test_structured_content", { city: "Paris" });
          assert.deepEqual(structuredContent, { city: "Paris", degrees: 21.5 });
          assert.ok(content.some(({ type }: { type: string }) => type === "resource_link"));
        });

        test("is told of failures in the way that fits each", async () => {
          const failed = await client.call("test_error_handling");
          assert.equal(failed.isError, true);
          assert.match(failed.content[0].text, /intentionally/);
          assert.equal((await client.call("greet", { name: 7 })).isError, true);
          await assert.rejects(client.call("no_such_tool"), { code: -32602 });
          await assert.rejects(client.read("test://nothing"));
          await assert.rejects(client.prompt("test_prompt_with_arguments", {}), { code: -32602 });
        });

        test("reads resources and gets prompts", async () => {
          assert.equal((await client.read("test://static-text")).contents[0].text, "This is the content of the static text resource.");
          assert.ok((await client.read("test://static-binary")).contents[0].blob.length > 0);
          assert.equal(JSON.parse((await client.read("test://template/123/data")).contents[0].text).id, "123");
          const { messages } = await client.prompt("test_prompt_with_arguments", { arg1: "a", arg2: "b" });
          assert.equal(messages[0].content.text, "Prompt with arguments: arg1='a', arg2='b'");
        });

        test("completes what people type", async () => {
          assert.deepEqual(await client.completePrompt("test_prompt_with_arguments", "arg1", "par"), ["paris", "park", "party"]);
          assert.deepEqual(await client.completePrompt("test_prompt_with_arguments", "arg2", "", { arg1: "park" }), ["after park"]);
          assert.deepEqual(await client.completeTemplate("test://template/{id}/data", "id", "12"), ["123", "124"]);
        });

        test("hears progress and log messages of its calls", async () => {
          const progress: number[] = [];
          const settings = await client.wantLogs();
          await client.call("test_tool_with_progress", {}, { onprogress: (at) => progress.push(at.progress) });
          assert.deepEqual(progress, [0, 50, 100]);
          await client.call("test_tool_with_logging", {}, settings);
          const logged = await eventually("log messages", () => {
            const seen = client.told.filter(({ method }) => method === "notifications/message");
            return seen.length >= 3 && seen;
          });
          assert.deepEqual(
            logged.map(({ params }) => params.data),
            ["Tool execution started", "Tool processing data", "Tool execution completed"],
          );
        });

        const unheard = hangsUp && start !== startPlainHost && "Encore tells nobody that a client hung up";
        test("calls off what takes too long, and the work ends", { skip: unheard }, async () => {
          const label = `for ${name}`;
          const calledOff = new AbortController();
          const call = client.call("test_wait", { label }, { signal: calledOff.signal, onprogress: () => calledOff.abort() });
          await assert.rejects(call);
          await eventually("end of the work", async () => {
            const { labels } = (await client.call("test_waits_called_off")).structuredContent;
            return labels.includes(label);
          });
        });

        test("answers what tools ask the person, the model and the client", async () => {
          const texts = async (tool: string, args = {}) => (await client.call(tool, args)).content[0].text as string;
          const already = client.asked.length;
          assert.match(await texts("test_elicitation", { message: "Who are you?" }), /"username":"Ann"/);
          assert.match(await texts("test_elicitation_sep1034_defaults"), /"John Doe".*30.*95\.5.*"active".*true/);
          assert.match(await texts("test_elicitation_sep1330_enums"), /"titledMulti":\["value1"\]/);
          assert.match(await texts("test_sampling", { prompt: "Which city?" }), /Paris/);
          assert.match(await texts("test_input_required_result_list_roots"), /file:\/\/\/work/);
          assert.match(await texts("test_input_required_result_multiple_inputs"), /^Ann, .*Paris.*work/);
          assert.equal(await texts("test_input_required_result_multi_round"), "Ann likes Ann.");
          assert.deepEqual(client.asked.slice(already).sort(), [
            ...Array(6).fill("elicitation/create"),
            ...Array(2).fill("roots/list"),
            ...Array(2).fill("sampling/createMessage"),
          ]);
        });

        test("has the person open a page", async () => {
          assert.equal((await client.call("test_url_elicitation")).content[0].text, "The person chose to accept.");
        });

        test("answers what prompts and resources ask", async () => {
          const { messages } = await client.prompt("test_input_required_result_prompt");
          assert.equal(messages[0].content.text, "In the context of Ann");
          assert.equal((await client.read("test://asking-resource")).contents[0].text, "For Ann.");
        });

        test("hears what changes", async () => {
          await client.watch("test://watched-resource");
          const heard = (method: string) => client.told.some((notice) => notice.method === `notifications/${method}`);
          // The stream that brings the news may open only after the client is connected.
          for (const [trigger, method] of [
            ["test_trigger_tool_change", "tools/list_changed"],
            ["test_trigger_prompt_change", "prompts/list_changed"],
            ["test_trigger_resource_change", "resources/list_changed"],
            ["test_trigger_resource_update", "resources/updated"],
          ] as const) {
            await eventually(method, async () => {
              await client.call(trigger);
              return heard(method);
            });
          }
          const update = client.told.find(({ method }) => method === "notifications/resources/updated");
          assert.equal(update?.params.uri, "test://watched-resource");
          const before = (await client.tools()).includes("test_dynamic_tool");
          await client.call("test_trigger_tool_change");
          await eventually("new list", async () => (await client.tools()).includes("test_dynamic_tool") !== before);
        });
      });
    }
  });
}
