import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createFixtures } from "../conformance/fixtures.mts";
import { type EventReader, openEvents, type ReadEvent } from "../support/events.mts";
import { HOSTS, type TestHost } from "../support/host.mts";
import { eventually } from "../support/mcp-clients.mts";
import { connect } from "../support/oauth.mts";

/** Nobody closes anything here: under Encore no one would hear of it. */

const MODERN = "2026-07-28";
const LEGACY = "2025-11-25";
const META = {
  "io.modelcontextprotocol/protocolVersion": MODERN,
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

for (const { host: platform, start } of HOSTS) {
  describe(`streams of the service on ${platform} whose time is a second`, () => {
    let host: TestHost;
    let authorization: string;
    before(async () => {
      host = await start({ providers: [createFixtures()], env: { MCP_STREAM_LIFETIME: "1" } });
      authorization = `Bearer ${(await connect(host.url)).accessToken}`;
    });
    after(() => host?.close());

    function open(path: string, headers: Readonly<Record<string, string>> = {}, message?: object): Promise<EventReader> {
      return openEvents(host.url + path, {
        method: message ? "POST" : "GET",
        headers: { authorization, "content-type": "application/json", ...headers },
        body: message ? JSON.stringify({ jsonrpc: "2.0", ...message }) : null,
      });
    }

    function openModern(method: string, params: Readonly<Record<string, unknown>>): Promise<EventReader> {
      const name: Record<string, string> = typeof params["name"] === "string" ? { "mcp-name": params["name"] } : {};
      const headers = { "mcp-protocol-version": MODERN, "mcp-method": method, ...name };
      return open("/mcp", headers, { id: 1, method, params: { ...params, _meta: { ...META, progressToken: "p" } } });
    }

    async function post(message: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
      return fetch(`${host.url}/mcp`, {
        method: "POST",
        headers: { authorization, "content-type": "application/json", ...headers },
        body: JSON.stringify({ jsonrpc: "2.0", ...message }),
      });
    }

    async function beginSession(): Promise<Record<string, string>> {
      const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: "test", version: "1" } };
      const { headers } = await post({ id: 0, method: "initialize", params });
      return { "mcp-session-id": headers.get("mcp-session-id") ?? "", "mcp-protocol-version": LEGACY };
    }

    test("a subscription ends with its result", async () => {
      const messages = messagesOf(await (await openModern("subscriptions/listen", { notifications: { toolsListChanged: true } })).rest());
      assert.deepEqual(
        messages.map(({ method, result }) => method ?? result.resultType),
        ["notifications/subscriptions/acknowledged", "complete"],
      );
    });

    test("a session's stream ends, and another goes on where it stopped", async () => {
      const session = await beginSession();
      const events = await (await open("/mcp", session)).rest();
      assert.deepEqual(messagesOf(events), []);
      const last = events.at(-1)?.id ?? "";
      await post({ id: 1, method: "tools/call", params: { name: "test_trigger_tool_change", arguments: {} } }, session);
      const [change] = messagesOf(await (await open("/mcp", { ...session, "last-event-id": last })).rest());
      assert.equal(change.method, "notifications/tools/list_changed");
    });

    test("an HTTP+SSE stream ends, and its session with it", async () => {
      const [first] = await (await open("/sse")).rest();
      const send = () =>
        fetch(host.url + (first?.data ?? ""), {
          method: "POST",
          headers: { authorization, "content-type": "application/json" },
          body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
        });
      await eventually("end of the session", async () => (await send()).status === 404);
    });

    test("a legacy call outlives its stream, and its client comes back for the answer", async () => {
      const session = await beginSession();
      const params = { name: "slow_compute", arguments: { seconds: 6, label: "it" } };
      let events = await (await open("/mcp", session, { id: 1, method: "tools/call", params })).rest();
      assert.deepEqual(messagesOf(events), []);
      const { id: resumeAfter = "" } = events[0] ?? {};
      while (messagesOf(events).length === 0) events = await (await open("/mcp", { ...session, "last-event-id": resumeAfter })).rest();
      assert.equal(messagesOf(events)[0].result.content[0].text, "Computed it in 6 s.");
    });

    test("a modern call ends with its stream", async () => {
      const label = `on ${platform}`;
      const events = await (await openModern("tools/call", { name: "test_wait", arguments: { label } })).rest();
      assert.ok(messagesOf(events).every(({ result }) => result === undefined));
      await eventually("end of the work", async () => {
        const response = await post({ id: 1, method: "tools/call", params: { name: "test_waits_called_off", arguments: {} } });
        const { result } = (await response.json()) as { result: { structuredContent: { labels: string[] } } };
        return result.structuredContent.labels.includes(label);
      });
    });
  });
}

// biome-ignore lint/suspicious/noExplicitAny: tests read whatever came.
function messagesOf(events: readonly ReadEvent[]): any[] {
  return events.filter(({ data }) => data !== "").map(({ data }) => JSON.parse(data));
}
