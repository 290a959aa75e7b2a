import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { type EventReader, openEvents } from "../support/events.mts";
import { connect } from "../support/oauth.mts";
import { type Replicas, startReplicas } from "../support/replicas.mts";
import { STORES, type StartedStore } from "../support/shared-stores.mts";

/**
 * What a client does, one step after the other, each request of it at any replica. What it gets must not depend on
 * which: the same steps at one replica alone are the measure.
 */

const LEGACY = "2025-11-25";
const MODERN = "2026-07-28";
const JSON_TYPE = { "content-type": "application/json", accept: "application/json, text/event-stream" };

// biome-ignore lint/suspicious/noExplicitAny: the steps say what they take of an answer
type Json = any;

interface Client {
  /** The address of the replica that the next request reaches. */
  next(): string;
  readonly token: string;
  session: string | undefined;
}

type Step = (client: Client) => Promise<unknown>;

function legacyHeaders({ token, session }: Client): Record<string, string> {
  return {
    ...JSON_TYPE,
    authorization: `Bearer ${token}`,
    "mcp-protocol-version": LEGACY,
    ...(session === undefined ? {} : { "mcp-session-id": session }),
  };
}

/** A legacy message. */
async function post(client: Client, message: object): Promise<{ readonly status: number; readonly body: Json }> {
  const response = await fetch(client.next(), {
    method: "POST",
    headers: legacyHeaders(client),
    body: JSON.stringify({ jsonrpc: "2.0", ...message }),
  });
  const text = await response.text();
  client.session ??= response.headers.get("mcp-session-id") ?? undefined;
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

async function begin(client: Client): Promise<void> {
  client.session = undefined;
  const params = { protocolVersion: LEGACY, capabilities: { elicitation: {} }, clientInfo: { name: "t", version: "1" } };
  const { status } = await post(client, { id: 0, method: "initialize", params });
  assert.equal(status, 200);
}

function openCall(client: Client, name: string, input: object = {}, meta: object = {}): Promise<EventReader> {
  const params = { name, arguments: input, _meta: meta };
  return openEvents(client.next(), {
    method: "POST",
    headers: legacyHeaders(client),
    body: JSON.stringify({ jsonrpc: "2.0", id: 7, method: "tools/call", params }),
  });
}

/** What a stream said, without what differs from call to call. */
async function said(events: EventReader): Promise<unknown[]> {
  const messages = (await events.rest()).filter(({ data }) => data !== "").map(({ data }) => JSON.parse(data));
  return messages.map(({ id: _id, ...message }) => message);
}

function accept(client: Client, id: Json): Promise<{ readonly status: number }> {
  return post(client, { id, result: { action: "accept", content: { username: "ada", email: "ada@example.com" } } });
}

/** A modern request, whole. */
async function modern(client: Client, method: string, params: Json): Promise<Json> {
  const name = params.name ?? params.taskId;
  const meta = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": { elicitation: {}, extensions: { "io.modelcontextprotocol/tasks": {} } },
  };
  const response = await fetch(client.next(), {
    method: "POST",
    headers: {
      ...JSON_TYPE,
      authorization: `Bearer ${client.token}`,
      "mcp-protocol-version": MODERN,
      "mcp-method": method,
      ...(name === undefined ? {} : { "mcp-name": name }),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: meta } }),
  });
  return response.json();
}

async function untilStatus(client: Client, taskId: string, wanted: (status: string) => boolean): Promise<Json> {
  const until = Date.now() + 15_000;
  for (;;) {
    const { result } = await modern(client, "tasks/get", { taskId });
    if (wanted(result.status) || Date.now() > until) return result;
  }
}

const STEPS: Readonly<Record<string, Step>> = {
  ping: (client) => post(client, { id: 1, method: "ping" }),
  list: async (client) => (await post(client, { id: 1, method: "tools/list" })).body.result.tools.length,
  "a call": (client) => post(client, { id: 1, method: "tools/call", params: { name: "greet", arguments: { name: "Ada" } } }),
  "a call that tells its progress": async (client) => said(await openCall(client, "test_tool_with_progress", {}, { progressToken: "p" })),
  "log messages above a level set before": async (client) => {
    const { status } = await post(client, { id: 1, method: "logging/setLevel", params: { level: "error" } });
    const quiet = await post(client, { id: 2, method: "tools/call", params: { name: "test_logging_tool", arguments: {} } });
    await post(client, { id: 3, method: "logging/setLevel", params: { level: "info" } });
    return [status, quiet, await said(await openCall(client, "test_logging_tool"))];
  },
  "a question": async (client) => {
    const events = await openCall(client, "test_elicitation", { message: "Who?" });
    const { method, params, id } = await events.nextMessage();
    return [method, params, (await accept(client, id)).status, await said(events)];
  },
  "a question, and a connection that breaks before its answer": async (client) => {
    const events = await openCall(client, "test_elicitation", { message: "Who?" });
    let event = await events.next();
    while (event.data === "") event = await events.next();
    events.close();
    const headers = { ...legacyHeaders(client), "last-event-id": event.id ?? "" };
    const resumed = await openEvents(client.next(), { headers });
    return [(await accept(client, JSON.parse(event.data).id)).status, await said(resumed)];
  },
  "a call whose connection is let go": async (client) => {
    const events = await openCall(client, "test_reconnection");
    const all = await events.rest();
    const headers = { ...legacyHeaders(client), "last-event-id": all.at(-1)?.id ?? "" };
    return [all.every(({ data }) => data === ""), await said(await openEvents(client.next(), { headers }))];
  },
  "a cancellation": async (client) => {
    const events = await openCall(client, "test_elicitation", { message: "Who?" });
    await events.nextMessage();
    const { status } = await post(client, { method: "notifications/cancelled", params: { requestId: 7 } });
    return [status, await said(events)];
  },
  "a resource that changes": async (client) => {
    const events = await openEvents(client.next(), { headers: legacyHeaders(client) });
    await events.next();
    const uri = "test://watched-resource";
    const subscribed = await post(client, { id: 1, method: "resources/subscribe", params: { uri } });
    await post(client, { id: 2, method: "tools/call", params: { name: "test_trigger_resource_update", arguments: {} } });
    const message = await events.nextMessage();
    events.close();
    return [subscribed, message, await post(client, { id: 3, method: "resources/unsubscribe", params: { uri } })];
  },
  "a session's end": async (client) => {
    const ended = await fetch(client.next(), { method: "DELETE", headers: legacyHeaders(client) });
    const after = [(await post(client, { id: 1, method: "ping" })).status, (await post(client, { id: 1, method: "tools/list" })).status];
    await begin(client);
    return [ended.status, ...after];
  },
  "a modern question": async (client) => {
    const params = { name: "test_elicitation", arguments: { message: "Who?" } };
    const asked = (await modern(client, "tools/call", params)).result;
    const inputResponses = { person: { action: "accept", content: { username: "ada", email: "ada@example.com" } } };
    const retried = await modern(client, "tools/call", { ...params, inputResponses, requestState: asked.requestState });
    return [asked.resultType, asked.inputRequests, retried.result.content];
  },
  "a task that asks": async (client) => {
    const created = (await modern(client, "tools/call", { name: "confirm_delete", arguments: { filename: "a" } })).result;
    const { taskId } = created;
    const asking = await untilStatus(client, taskId, (status) => status === "input_required");
    const inputResponses = Object.fromEntries(
      Object.keys(asking.inputRequests).map((key) => [key, { action: "accept", content: { confirm: true } }]),
    );
    const updated = await modern(client, "tasks/update", { taskId, inputResponses });
    const done = await untilStatus(client, taskId, (status) => status !== "working" && status !== "input_required");
    return [created.resultType, Object.values(asking.inputRequests), updated.result.resultType, done.status, done.result];
  },
  "a task that is cancelled": async (client) => {
    const { taskId } = (await modern(client, "tools/call", { name: "slow_compute", arguments: { seconds: 60 } })).result;
    const { result } = await modern(client, "tasks/cancel", { taskId });
    return [result.resultType, (await modern(client, "tasks/get", { taskId })).result.status];
  },
};

/** Does the steps, each request at the replica that `choose` names. */
async function run(steps: readonly string[], token: string, choose: () => string): Promise<unknown[]> {
  const client: Client = { next: choose, token, session: undefined };
  await begin(client);
  const results: unknown[] = [];
  for (const step of steps) results.push([step, await STEPS[step]?.(client)]);
  return results;
}

describe("two replicas give what one gives, whatever reaches which", { concurrency: false }, () => {
  for (const store of STORES)
    describe(`on ${store.name}`, { skip: store.missing ?? false }, () => {
      let shared: StartedStore;
      let replicas: Replicas;
      let token: string;
      before(async () => {
        shared = await store.start();
        replicas = await startReplicas(shared.stateUrl, 2, "test/support/fixture-service.mts");
        token = (await connect(replicas.url)).accessToken;
      });
      after(async () => {
        await replicas?.close();
        await shared?.stop();
      });
      const at = (index: number) => `${replicas.services[index]?.url}/mcp`;

      test("each step, with every request at the other than the one before", async () => {
        const steps = Object.keys(STEPS);
        let turn = 0;
        assert.deepEqual(await run(steps, token, () => at(turn++ % 2)), await run(steps, token, () => at(0)));
      });

      test("steps and replicas at random", async () => {
        const steps = fc.array(fc.constantFrom(...Object.keys(STEPS)), { minLength: 1, maxLength: 4 });
        const choices = fc.array(fc.nat(1), { minLength: 1, maxLength: 20 });
        await fc.assert(
          fc.asyncProperty(steps, choices, async (chosen, replicasChosen) => {
            let turn = 0;
            const spread = await run(chosen, token, () => at(replicasChosen[turn++ % replicasChosen.length] ?? 0));
            assert.deepEqual(spread, await run(chosen, token, () => at(0)));
          }),
          { numRuns: 8, endOnFailure: true },
        );
      });
    });
});
