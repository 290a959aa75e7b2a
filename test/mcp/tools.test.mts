import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import {
  type CapabilityDefinition,
  CapabilityError,
  type CapabilityErrorCode,
  defineCapability,
} from "../../shared/capabilities/capability.ts";
import { answer } from "../../shared/capabilities/content.ts";
import { Unavailable } from "../../shared/state/store.ts";
import { type Json, PREFIX, startMcp } from "./server.mts";

/** A capability that does what a test needs. */
function capability(name: string, run: CapabilityDefinition["run"], change: Partial<CapabilityDefinition> = {}): CapabilityDefinition {
  const base = { title: "A test", description: "Use this in a test.", scopes: [], effect: "read" as const };
  return { ...base, input: z.object({}), output: z.object({ done: z.boolean() }), name, run, ...change };
}

test("tools/list gives every tool with its schemas and all four hints, alike in both eras and at every call", async (t) => {
  const mcp = await startMcp(t);
  const { tools } = (await mcp.modern("tools/list")).body.result;
  assert.deepEqual((await mcp.legacy("tools/list")).body.result.tools, tools);
  assert.equal((await mcp.modern("tools/list")).text, (await mcp.modern("tools/list")).text);
  for (const tool of tools) {
    assert.match(tool.name, /^[a-zA-Z0-9_-]{1,64}$/);
    assert.ok(tool.title && tool.description);
    assert.equal(tool.inputSchema.type, "object");
    assert.deepEqual(tool.securitySchemes, tool._meta.securitySchemes);
    assert.equal(tool.outputSchema.type, "object");
    const { title, ...hints } = tool.annotations;
    assert.equal(title, tool.title);
    assert.deepEqual(Object.keys(hints).sort(), ["destructiveHint", "idempotentHint", "openWorldHint", "readOnlyHint"]);
    assert.ok(Object.values(hints).every((hint) => typeof hint === "boolean"));
  }
  const hintsOf = (name: string) => tools.find((tool: Json) => tool.name === name).annotations;
  assert.deepEqual([hintsOf("list_todos").readOnlyHint, hintsOf("list_todos").destructiveHint], [true, false]);
  assert.deepEqual([hintsOf("create_todo").readOnlyHint, hintsOf("create_todo").destructiveHint], [false, false]);
  assert.deepEqual([hintsOf("delete_todo").readOnlyHint, hintsOf("delete_todo").destructiveHint], [false, true]);
});

test("a long list of tools comes in pages that cover it once, and a cursor of none of them is invalid", async (t) => {
  const names = Array.from({ length: 250 }, (_, index) => `tool_${index}`);
  const mcp = await startMcp(t, { capabilities: names.map((name) => capability(name, () => ({ done: true }))) });
  for (const send of [mcp.modern, mcp.legacy]) {
    const listed: string[] = [];
    let cursor: string | undefined = "";
    while (cursor !== undefined) {
      const { result }: Json = (await send("tools/list", { cursor })).body;
      listed.push(...result.tools.map((tool: Json) => tool.name));
      cursor = result.nextCursor;
    }
    assert.deepEqual(listed, names);
    for (const wrong of ["nowhere", 1, null, "__proto__"]) {
      const { status, body } = await send("tools/list", { cursor: wrong });
      assert.deepEqual([status, body.error.code], [200, -32602]);
    }
  }
});

test("a tool's result is structured and the same JSON as one text", async (t) => {
  const mcp = await startMcp(t);
  for (const send of [mcp.modern, mcp.legacy]) {
    const { status, body } = await send("tools/call", { name: "create_todo", arguments: { title: "Buy milk" } });
    assert.equal(status, 200);
    const { content, structuredContent, isError } = body.result;
    assert.deepEqual([structuredContent.title, isError], ["Buy milk", undefined]);
    assert.deepEqual(content, [{ type: "text", text: JSON.stringify(structuredContent) }]);
  }
  assert.equal((await mcp.legacy("tools/call", { name: "list_todos" })).body.result.structuredContent.todos.length, 2);
});

test("arguments that do not fit are a result with an error that names each of them", async (t) => {
  const mcp = await startMcp(t);
  const { status, body } = await mcp.modern("tools/call", { name: "list_todos", arguments: { limit: 0, status: "gone" } });
  assert.deepEqual([status, body.result.isError, body.result.resultType], [200, true, "complete"]);
  assert.equal(body.result.structuredContent, undefined);
  assert.match(body.result.content[0].text, /limit/);
  assert.match(body.result.content[0].text, /status/);
});

test("an outcome the model can act on is a result with an error and its text", async (t) => {
  const codes: readonly CapabilityErrorCode[] = [
    "forbidden",
    "invalid_input",
    "not_found",
    "conflict",
    "rate_limited",
    "unavailable",
    "timed_out",
    "interaction_required",
  ];
  const capabilities = codes.map((code) =>
    capability(`fails_${code}`, () => {
      throw new CapabilityError(code, `It is ${code}.`);
    }),
  );
  const mcp = await startMcp(t, { capabilities });
  for (const code of codes) {
    for (const send of [mcp.modern, mcp.legacy]) {
      const { status, body } = await send("tools/call", { name: `fails_${code}` });
      assert.deepEqual([status, body.result.isError, body.result.content], [200, true, [{ type: "text", text: `It is ${code}.` }]]);
    }
  }
});

test("a tool may show content of its own, beside its output or alone", async (t) => {
  const picture = { type: "image", data: "AQ==", mimeType: "image/png", annotations: { priority: 1 } } as const;
  const link = { type: "resource_link", uri: "test://a", name: "a" } as const;
  const json = { type: "text", text: '{"done":true}' } as const;
  const { output: _output, run: _run, ...shows } = capability("shows", () => ({ done: true }));
  const capabilities: CapabilityDefinition[] = [
    capability("beside", () => answer([picture, link], { done: true })),
    capability("says_it_itself", () => answer([json, picture], { done: true })),
    { ...shows, run: () => answer([picture]) },
    { ...shows, name: "says_nothing", run: () => answer([]) },
  ];
  const mcp = await startMcp(t, { capabilities });
  for (const send of [mcp.modern, mcp.legacy]) {
    const call = async (name: string) => {
      const { content, structuredContent, isError } = (await send("tools/call", { name })).body.result;
      assert.equal(isError, undefined);
      return [content, structuredContent];
    };
    assert.deepEqual(await call("beside"), [[picture, link, json], { done: true }]);
    assert.deepEqual(await call("says_it_itself"), [[json, picture], { done: true }]);
    assert.deepEqual(await call("shows"), [[picture], undefined]);
    assert.deepEqual(await call("says_nothing"), [[], undefined]);
  }
});

test("a question that the client cannot answer is an error that names the capability, and a failed result for legacy clients", async (t) => {
  const asks = capability("asks", async (_input, { ask }) => {
    await ask.sample("poem", { messages: [], maxTokens: 5 });
    return { done: true };
  });
  const mcp = await startMcp(t, { capabilities: [{ ...asks, surfaces: ["mcp"] }] });
  const modern = await mcp.modern("tools/call", { name: "asks" });
  assert.deepEqual(
    [modern.status, modern.body.error.code, modern.body.error.data],
    [400, -32021, { requiredCapabilities: { sampling: {} } }],
  );
  const legacy = await mcp.legacy("tools/call", { name: "asks" });
  assert.deepEqual([legacy.status, legacy.body.result.isError], [200, true]);
});

test("a tool that runs as a task only needs a client that knows tasks, and others that can run longer answer as they are", async (t) => {
  const long = (task: "optional" | "required") =>
    capability(`long_${task}`, () => ({ done: true }), { longRunning: { task }, surfaces: ["mcp"] });
  const mcp = await startMcp(t, { capabilities: [long("optional"), long("required")] });
  const tasks = { [`${PREFIX}clientCapabilities`]: { extensions: { "io.modelcontextprotocol/tasks": {} } } };
  const refused = await mcp.modern("tools/call", { name: "long_required" });
  assert.deepEqual(
    [refused.status, refused.body.error.code, refused.body.error.data],
    [400, -32021, { requiredCapabilities: { extensions: { "io.modelcontextprotocol/tasks": {} } } }],
  );
  assert.equal((await mcp.legacy("tools/call", { name: "long_required" })).body.error.code, -32600);
  for (const send of [mcp.modern, mcp.legacy]) {
    assert.deepEqual((await send("tools/call", { name: "long_optional" })).body.result.structuredContent, { done: true });
  }
  for (const name of ["long_optional", "long_required"]) {
    const { resultType, taskId, content } = (await mcp.modern("tools/call", { name }, { meta: tasks })).body.result;
    assert.deepEqual([resultType, typeof taskId, content], ["task", "string", undefined]);
    const wrong = await mcp.modern("tools/call", { name, arguments: { unknown: 1 } }, { meta: tasks });
    assert.deepEqual([wrong.body.result.isError, wrong.body.result.taskId], [true, undefined]);
  }
});

test("an unknown tool and arguments that are no object are invalid parameters", async (t) => {
  const mcp = await startMcp(t);
  for (const params of [{ name: "no_such_tool" }, { name: "health_check", arguments: [] }, { name: "health_check", arguments: null }]) {
    for (const send of [mcp.modern, mcp.legacy]) {
      const { status, body } = await send("tools/call", params);
      assert.deepEqual([status, body.error.code], [200, -32602]);
    }
  }
});

test("what a tool broke of itself is an internal error that leaks nothing, and the log has it", async (t) => {
  const errors: string[] = [];
  const onLog = (level: string, _fields: Json, message: string) => void (level === "error" && errors.push(message));
  const capabilities = [
    capability("throws", () => {
      throw new Error("the secret cause");
    }),
    capability("answers_wrongly", () => ({ done: "the secret cause" as unknown as boolean })),
  ];
  const mcp = await startMcp(t, { capabilities, onLog });
  for (const { name } of capabilities) {
    for (const send of [mcp.modern, mcp.legacy]) {
      errors.length = 0;
      const { status, body, text, headers } = await send("tools/call", { name });
      assert.deepEqual([status, body.id, body.error.code], [200, 1, -32603]);
      assert.doesNotMatch(text, /secret/);
      assert.equal(body.error.data.requestId, headers.get("x-request-id"));
      assert.equal(errors.length, 1);
    }
  }
});

test("a store that cannot be reached is 503 with the time to wait", async (t) => {
  const unreachable = capability("unreachable", () => {
    throw new Unavailable("the disk is on fire");
  });
  const mcp = await startMcp(t, { capabilities: [unreachable] });
  const { status, headers, text } = await mcp.modern("tools/call", { name: "unreachable" });
  assert.deepEqual([status, headers.get("retry-after")], [503, "2"]);
  assert.doesNotMatch(text, /fire/);
});

test("scopes that the caller lacks are a 403 whose challenge names all that the tool needs", async (t) => {
  const both = capability("needs_both", () => ({ done: true }), { scopes: ["todos:read", "todos:write"] });
  const mcp = await startMcp(t, { capabilities: [both], scopes: ["todos:read"] });
  for (const send of [mcp.modern, mcp.legacy]) {
    const { status, headers } = await send("tools/call", { name: "needs_both" });
    assert.equal(status, 403);
    const challenge = headers.get("www-authenticate") ?? "";
    assert.match(challenge, /^Bearer resource_metadata="http:\/\/localhost:4000\/\.well-known\/oauth-protected-resource\/mcp"/);
    assert.match(challenge, /error="insufficient_scope"/);
    assert.match(challenge, /scope="todos:read todos:write"/);
  }
});

test("in a batch, scopes that the caller lacks fail the one call and not the others", async (t) => {
  const mcp = await startMcp(t, { scopes: ["openid"] });
  const call = (id: number, name: string) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name } });
  const { status, body } = await mcp.post([call(1, "list_todos"), call(2, "auth_session")]);
  assert.equal(status, 200);
  assert.deepEqual([body[0].error.code, body[1].result.structuredContent.subject], [-32600, "user-1"]);
});

test("a modern client that goes away cancels its call", { timeout: 10_000 }, async (t) => {
  const started = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  const waits = capability("waits", async (_input, { signal }) => {
    signal.addEventListener("abort", () => cancelled.resolve());
    started.resolve();
    await cancelled.promise;
    return { done: true };
  });
  const mcp = await startMcp(t, { capabilities: [waits] });
  const leaving = new AbortController();
  const call = mcp.modern("tools/call", { name: "waits" }, { signal: leaving.signal });
  await started.promise;
  leaving.abort();
  await assert.rejects(call);
  await cancelled.promise;
});

test("a legacy client that goes away does not cancel its call", { timeout: 10_000 }, async (t) => {
  const started = Promise.withResolvers<AbortSignal>();
  const release = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<boolean>();
  const waits = capability("waits", async (_input, { signal }) => {
    started.resolve(signal);
    await release.promise;
    finished.resolve(signal.aborted);
    return { done: true };
  });
  const mcp = await startMcp(t, { capabilities: [waits] });
  const leaving = new AbortController();
  const body = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "waits" } };
  const call = mcp.request("POST", { "content-type": "application/json" }, body, leaving.signal);
  const signal = await started.promise;
  const gone = mcp.disconnection();
  leaving.abort();
  await assert.rejects(call);
  await gone;
  assert.equal(signal.aborted, false);
  release.resolve();
  assert.equal(await finished.promise, false);
});

test("a call's log line names method, tool, era, revision and caller", { timeout: 10_000 }, async (t) => {
  const line = Promise.withResolvers<Json>();
  const onLog = (_level: string, fields: Json, message: string) => void (message === "request" && line.resolve(fields));
  const mcp = await startMcp(t, { onLog });
  await mcp.modern("tools/call", { name: "health_check" });
  const { surface, rpc, tool, era, revision, client, subject, status } = await line.promise;
  assert.deepEqual([surface, rpc, tool, status], ["mcp", "tools/call", "health_check", 200]);
  assert.deepEqual([era, revision, client, subject], ["modern", "2026-07-28", "client-1", "user-1"]);
});

test("the log line of a request that was not answered as asked says why", { timeout: 10_000 }, async (t) => {
  const lines: Json[] = [];
  const onLog = (_level: string, fields: Json, message: string) => void (message === "request" && lines.push(fields));
  const mcp = await startMcp(t, { onLog, scopes: ["todos:read"] });
  await mcp.modern("tools/call", { name: "none" });
  await mcp.modern("no/such");
  await mcp.modern("ping", {}, { headers: { "mcp-method": undefined } });
  await mcp.modern("tools/call", { name: "create_todo", arguments: { title: "Milk" } });
  await mcp.modern("tools/call", { name: "list_todos", arguments: { limit: "x" } });
  await mcp.post("{");
  await mcp.request("DELETE");
  while (lines.length < 7) await setImmediate();
  assert.deepEqual(
    lines.map(({ outcome, status }) => [outcome, status]),
    [
      ["invalid_params", 200],
      ["unknown_method", 404],
      ["header_mismatch", 400],
      ["insufficient_scope", 403],
      ["invalid_input", 200],
      ["parse_error", 400],
      ["session_needed", 400],
    ],
  );
});

test("a tool defined with defineCapability is called with its parsed input", async (t) => {
  const echo = defineCapability({
    name: "echo",
    title: "Echo",
    description: "Use this to hear what you said.",
    scopes: [],
    effect: "read",
    input: z.object({ text: z.string().default("silence").describe("What to say.") }),
    output: z.object({ text: z.string() }),
    run: ({ text }) => ({ text }),
  });
  const mcp = await startMcp(t, { capabilities: [echo as unknown as CapabilityDefinition] });
  assert.deepEqual((await mcp.modern("tools/call", { name: "echo" })).body.result.structuredContent, { text: "silence" });
});
