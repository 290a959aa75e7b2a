import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import SwaggerParser from "@apidevtools/swagger-parser";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import createClient from "openapi-fetch";
import { z } from "zod";
import { defineCapability } from "../../shared/capabilities/capability.ts";
import { flatten } from "../../shared/capabilities/flat-schema.ts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { connectModern } from "../support/mcp-clients.mts";
import { connect, DEVELOPMENT_GPT } from "../support/oauth.mts";
import { faultyOf, inputOf, isFlat, objectOf, queryOf } from "./schema-arbitrary.mts";

/** The document against the running service: what one says is what the other does. */

// biome-ignore lint/suspicious/noExplicitAny: the document is read as whoever imports it reads it.
type Loose = any;

/** Those that need nothing from outside. */
const PACKS = "core todos knowledge calculator text_analysis own";
const ajv = new Ajv2020({ strict: false, validateFormats: false });

const report = defineCapability({
  name: "write_report",
  title: "Write a report",
  description: "Use this when you test slow work.",
  scopes: [],
  effect: "write",
  longRunning: { task: "optional" },
  input: z.object({ about: z.string().max(100).describe("What it is about.") }),
  output: z.object({ report: z.string() }),
  run: ({ about }) => ({ report: about }),
});
const pick = defineCapability({
  name: "pick",
  title: "Pick",
  description: "Use this when you test inputs and outputs that are not flat.",
  scopes: [],
  effect: "read",
  input: z.object({
    from: z
      .discriminatedUnion("kind", [z.object({ kind: z.literal("all") }), z.object({ kind: z.literal("some"), names: z.array(z.string()) })])
      .describe("From what."),
    most: z.int().min(0).nullable().default(null).describe("How many at most."),
  }),
  output: z.object({ picked: z.union([z.string(), z.number()]).nullable(), rest: z.record(z.string(), z.unknown()) }),
  run: ({ from, most }) => ({ picked: from.kind === "all" ? most : (from.names[0] ?? null), rest: { from } }),
});

let host: TestHost;
let document: Loose;
let accessToken: string;
before(async () => {
  const env = { CAPABILITIES: PACKS, CALLS_PER_MINUTE: "100000" };
  host = await startPlainHost({ env, providers: [{ start: () => ({ capabilities: [report, pick] }) }] });
  document = await (await fetch(`${host.url}/openapi.json`)).json();
  ({ accessToken } = await connect(host.url, { client: DEVELOPMENT_GPT }));
});
after(() => host.close());

function operations(): readonly { readonly path: string; readonly method: "get" | "post"; readonly operation: Loose }[] {
  return Object.entries(document.paths as Record<string, Loose>).flatMap(([path, item]) =>
    (["get", "post"] as const).filter((method) => item[method]).map((method) => ({ path, method, operation: item[method] })),
  );
}

function send(path: string, method: "get" | "post", input: Readonly<Record<string, unknown>>): Promise<Response> {
  const headers = { authorization: `Bearer ${accessToken}`, "content-type": "application/json" };
  const query = method === "get" ? `?${queryOf(input)}` : "";
  return fetch(`${host.url}${path}${query}`, { method, headers, ...(method === "post" ? { body: JSON.stringify(input) } : {}) });
}

/** The answer is one that the document describes, in the shape that it describes. */
async function assertDescribed(operation: Loose, response: Response): Promise<Loose> {
  const body: Loose = await response.json();
  const described = operation.responses[response.status];
  assert.ok(described, `${operation.operationId} does not describe ${response.status}: ${JSON.stringify(body)}`);
  const type = response.headers.get("content-type") ?? "";
  const { schema } = described.content[type];
  const whole = schema.$ref ? document.components.schemas[schema.$ref.split("/").at(-1)] : schema;
  assert.ok(ajv.validate(whole, body), `${operation.operationId}: ${ajv.errorsText()}`);
  return body;
}

test("two independent validators take the document, and refuse a broken one", async () => {
  const broken = { ...document, paths: { "/x": { get: { responses: {}, parameters: [{ name: "x" }] } } } };
  assert.deepEqual((await new Validator().validate(structuredClone(document))).errors, undefined);
  assert.equal((await new Validator().validate(structuredClone(broken))).valid, false);
  await SwaggerParser.validate(structuredClone(document));
  await assert.rejects(SwaggerParser.validate(structuredClone(broken)));
});

test("what a capability takes and gives is the same on MCP and on REST", async () => {
  const { accessToken: forMcp } = await connect(host.url, { parameters: { resource: `${host.url}/mcp` } });
  const mcp = await connectModern({ url: host.url, accessToken: forMcp }, "auto");
  try {
    const { tools } = await mcp.client.listTools();
    const named = new Map(tools.map((tool) => [tool.name, tool]));
    const capabilities = operations().filter(({ operation }) => operation.operationId !== "get_task");
    assert.deepEqual([...named.keys()].sort(), capabilities.map(({ operation }) => operation.operationId).sort());
    for (const { method, operation } of capabilities) {
      const tool = named.get(operation.operationId);
      const { additionalProperties: _, required = [], ...input } = flatten(tool?.inputSchema as Loose);
      const { additionalProperties: _own, required: asked = [], ...said } = inputOf(operation);
      assert.deepEqual([said, asked], [input, required], operation.operationId);
      assert.equal(operation.description, tool?.description);
      assert.equal(method, tool?.annotations?.readOnlyHint && isFlat(said) ? "get" : "post");
      const { schema } = operation.responses["200"].content["application/json"];
      // What is flat is the same to the letter.
      if (!["pick"].includes(operation.operationId)) assert.deepEqual(said.properties, tool?.inputSchema["properties"]);
      if (tool?.outputSchema) assert.deepEqual(schema, flatten(tool.outputSchema as Loose), operation.operationId);
    }
  } finally {
    await mcp.close();
  }
});

test("whatever the document admits gets an answer that it describes, and never a fault of ours", async () => {
  for (const { path, method, operation } of operations()) {
    const input = objectOf(inputOf(operation));
    await fc.assert(
      fc.asyncProperty(input, async (given) => {
        const response = await send(path, method, given);
        assert.ok(response.status < 500, `${path} ${JSON.stringify(given)}: ${response.status}`);
        await assertDescribed(operation, response);
      }),
      { numRuns: 25 },
    );
  }
});

test("whatever it does not admit is refused by the name of the member", async () => {
  for (const { path, method, operation } of operations()) {
    await fc.assert(
      fc.asyncProperty(faultyOf(inputOf(operation), method === "get"), async ({ input, member }) => {
        const response = await send(path, method, input);
        const body = await assertDescribed(operation, response);
        assert.equal(response.status, 400, `${path} ${JSON.stringify(input)}`);
        assert.ok(
          body.faults.some(({ field }: Loose) => field.startsWith(member)),
          JSON.stringify({ member, faults: body.faults }),
        );
      }),
      { numRuns: 15 },
    );
  }
});

test("any JSON at all as a body is answered as described", async () => {
  for (const { path, operation } of operations().filter(({ method }) => method === "post")) {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 3 }), async (body) => {
        const headers = { authorization: `Bearer ${accessToken}`, "content-type": "application/json" };
        const response = await fetch(`${host.url}${path}`, { method: "post", headers, body });
        assert.ok(response.status < 500, `${path} ${body}: ${response.status}`);
        await assertDescribed(operation, response);
      }),
      { numRuns: 15 },
    );
  }
});

test("a body nested beyond all measure is a fault of the request", async () => {
  const headers = { authorization: `Bearer ${accessToken}`, "content-type": "application/json", "idempotency-key": "deep" };
  const body = `{"title":${"[".repeat(40_000)}${"]".repeat(40_000)}}`;
  for (const { path } of operations().filter(({ method }) => method === "post")) {
    const response = await fetch(`${host.url}${path}`, { method: "post", headers, body });
    assert.equal(response.status, 400, `${path}: ${await response.text()}`);
  }
});

test("a client made from the document goes through OAuth and through a to-do's life", async () => {
  const { authorizationCode } = document.components.securitySchemes.oauth.flows;
  assert.equal(authorizationCode.tokenUrl, `${host.url}/oauth/token`);
  const client = createClient<Loose>({ baseUrl: document.servers[0].url, headers: { authorization: `Bearer ${accessToken}` } }) as Loose;
  const created = await client.POST("/actions/create_todo", { body: { title: "From the document" } });
  assert.equal(created.response.status, 200);
  const listed = await client.GET("/actions/list_todos", { params: { query: { status: "open", limit: 25 } } });
  assert.ok(listed.data.todos.length > 0);
  const done = await client.POST("/actions/complete_todo", { body: { id: created.data.id } });
  assert.equal(done.data.completed, true);
  const refused = await client.POST("/actions/create_todo", { body: {} });
  assert.deepEqual(refused.error.faults, [{ field: "title", message: "is required" }]);
  assert.equal((await client.POST("/actions/delete_todo", { body: { id: created.data.id } })).data.deleted.id, created.data.id);
  assert.equal((await client.GET("/actions/get_todo", { params: { query: { id: created.data.id } } })).response.status, 404);
});
