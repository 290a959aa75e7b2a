import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { defineCapability } from "../../shared/capabilities/capability.ts";
import { answer } from "../../shared/capabilities/content.ts";
import { definePrompt, defineResource, defineResourceTemplate } from "../../shared/capabilities/features.ts";
import { type Json, type McpServer, META, MODERN, startMcp } from "./server.mts";

/** Whatever a client sends, the answer is well-formed, comes, and is no fault of ours. */

const asks = defineCapability({
  name: "asks",
  title: "Asks",
  description: "Asks for a name and says it.",
  scopes: [],
  effect: "write",
  surfaces: ["mcp"],
  input: z.object({ region: z.string().optional().meta({ "x-mcp-header": "Region" }).describe("Where.") }),
  async run(_input, { ask, progress, clientLog }) {
    progress(1);
    clientLog("info", "begins");
    const given = await ask.form("name", "Who are you?", z.object({ name: z.string() }));
    return answer([{ type: "text", text: given.action }]);
  },
});

const provider = {
  start: () => ({
    capabilities: [asks],
    resources: [defineResource({ uri: "test://one", name: "one", scopes: [], read: () => "text" })],
    resourceTemplates: [
      defineResourceTemplate({
        uriTemplate: "test://many/{id}",
        name: "many",
        scopes: [],
        read: ({ id }) => id ?? "",
        complete: { id: () => ["1"] },
      }),
    ],
    prompts: [
      definePrompt({
        name: "greet",
        description: "Greets.",
        scopes: [],
        arguments: { who: { description: "Whom.", required: true, complete: () => ["Ada"] } },
        get: ({ who }) => [{ role: "user", content: { type: "text", text: who ?? "" } }],
      }),
    ],
  }),
};

let mcp: McpServer;
const cleanups: (() => unknown)[] = [];
before(async () => {
  // A subscription ends by itself within a second.
  const env = { MCP_STREAM_LIFETIME: "1", MCP_STREAMS_PER_SUBJECT: "100000", MCP_SESSIONS_PER_SUBJECT: "900" };
  mcp = await startMcp({ after: (cleanup) => void cleanups.push(cleanup as () => unknown) }, { env, providers: [provider] });
});
after(async () => {
  for (const cleanup of cleanups) await cleanup();
});

/** A request of each method, right in every respect. */
const REQUESTS: readonly (readonly [method: string, params: Json])[] = [
  ["server/discover", {}],
  ["initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } }],
  ["ping", {}],
  ["tools/list", { cursor: "" }],
  ["tools/call", { name: "asks", arguments: { region: "eu" }, inputResponses: { name: { action: "accept", content: { name: "A" } } } }],
  ["tools/call", { name: "create_todo", arguments: { title: "Milk" } }],
  ["resources/list", {}],
  ["resources/templates/list", {}],
  ["resources/read", { uri: "test://many/7" }],
  ["resources/subscribe", { uri: "test://one" }],
  ["prompts/list", {}],
  ["prompts/get", { name: "greet", arguments: { who: "Ada" } }],
  ["completion/complete", { ref: { type: "ref/prompt", name: "greet" }, argument: { name: "who", value: "A" } }],
  ["logging/setLevel", { level: "info" }],
  ["subscriptions/listen", { notifications: { toolsListChanged: true, resourceSubscriptions: ["test://one"] } }],
  ["tasks/get", { taskId: "t" }],
  ["tasks/update", { taskId: "t", inputResponses: {} }],
  ["tasks/cancel", { taskId: "t" }],
  ["notifications/cancelled", { requestId: 1 }],
];

interface Sent {
  readonly body: Json;
  readonly headers: Record<string, string>;
}

const era = fc.constantFrom("modern", "legacy");

const right = fc.tuple(fc.constantFrom(...REQUESTS), era).map(([[method, params], which]): Sent => {
  const name = params.name ?? params.uri ?? params.taskId;
  if (which === "legacy") return { body: { jsonrpc: "2.0", id: 1, method, params }, headers: {} };
  return {
    body: { jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: META } },
    headers: {
      "mcp-protocol-version": MODERN,
      "mcp-method": method,
      ...(typeof name === "string" ? { "mcp-name": name } : {}),
      ...(name === "asks" ? { "mcp-param-region": "eu" } : {}),
    },
  };
});

/** Every place in a value. */
function placesOf(value: Json, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.keys(value).flatMap((key) => placesOf(value[key], [...path, key]))];
}

function put(value: Json, path: readonly string[], change: (old: Json) => Json): Json {
  const [head, ...rest] = path;
  if (head === undefined) return change(value);
  const copy = Array.isArray(value) ? [...value] : { ...value };
  copy[head] = put(value[head], rest, change);
  if (copy[head] === undefined) delete copy[head];
  return copy;
}

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(undefined, null, "", "\u0000", "__proto__", {}, [], -1, 1e308, true, "2026-07-28", "2025-03-26", "x".repeat(5000)),
);

const headerName = fc.constantFrom(
  "mcp-protocol-version",
  "mcp-method",
  "mcp-name",
  "mcp-session-id",
  "last-event-id",
  "accept",
  "mcp-param-region",
);
const headerValue = fc.constantFrom(
  "",
  " ",
  "x",
  MODERN,
  "2025-06-18",
  "1900-01-01",
  "=?base64?QQ==?=",
  "=?base64?Q?=",
  "application/json",
  "*/*",
);

/** Right but for one to three places. */
const nearMiss = fc
  .tuple(right, fc.array(fc.tuple(fc.nat(), odd), { maxLength: 3 }), fc.array(fc.tuple(headerName, headerValue), { maxLength: 2 }))
  .map(([{ body, headers }, changes, laid]): Sent => {
    let changed = body;
    for (const [at, value] of changes) {
      const places = placesOf(changed);
      changed = put(changed, places[at % places.length] ?? [], () => value);
    }
    return { body: changed, headers: { ...headers, ...Object.fromEntries(laid) } };
  });

async function answerTo(body: string, headers: Record<string, string>) {
  const response = await fetch(mcp.url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
    signal: AbortSignal.timeout(15_000),
  });
  return { status: response.status, type: response.headers.get("content-type") ?? "", text: await response.text() };
}

function checkMessage(message: Json): void {
  assert.equal(message.jsonrpc, "2.0");
  if ("method" in message) {
    assert.equal(typeof message.method, "string");
    return;
  }
  assert.ok("result" in message !== "error" in message, JSON.stringify(message));
  assert.notEqual(message.id, null);
  if (message.error) assert.ok(Number.isInteger(message.error.code) && typeof message.error.message === "string");
}

/** What every answer is, whatever was asked. */
function checkAnswer({ status, type, text }: Awaited<ReturnType<typeof answerTo>>): void {
  assert.ok(status < 500, `${status} ${text}`);
  if (status === 202) assert.equal(text, "");
  else if (type === "text/event-stream") {
    for (const line of text.split("\n")) if (line.startsWith("data: {")) checkMessage(JSON.parse(line.slice(6)));
  } else {
    assert.equal(type, "application/json");
    const body = JSON.parse(text);
    if (Array.isArray(body)) for (const message of body) checkMessage(message);
    else if ("jsonrpc" in body) checkMessage(body);
    else assert.equal(typeof body.error, "string");
  }
}

test("arbitrary JSON is answered in good form", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 6 }), era, async (value, which) => {
      checkAnswer(await answerTo(JSON.stringify(value), which === "modern" ? { "mcp-protocol-version": MODERN } : {}));
    }),
    { numRuns: 300 },
  );
});

test("arbitrary bytes are answered in good form", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      checkAnswer(await answerTo(Buffer.from(bytes).toString("latin1"), {}));
    }),
    { numRuns: 100 },
  );
});

test("requests that are almost right are answered in good form", async () => {
  await fc.assert(
    fc.asyncProperty(nearMiss, async ({ body, headers }) => {
      checkAnswer(await answerTo(body === undefined ? "" : JSON.stringify(body), headers));
    }),
    { numRuns: 800 },
  );
});

test("batches of anything are answered in good form", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          right.map(({ body }) => body),
          nearMiss.map(({ body }) => body),
          odd,
        ),
        { maxLength: 5 },
      ),
      async (batch) => {
        checkAnswer(await answerTo(JSON.stringify(batch), {}));
      },
    ),
    { numRuns: 200 },
  );
});
