import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { type Access, type CapabilityDefinition, CapabilityError } from "../../shared/capabilities/capability.ts";
import { answer } from "../../shared/capabilities/content.ts";
import type { Pack } from "../../shared/capabilities/offer.ts";
import { callerOf, startMethods } from "./calls.mts";
import type { Json } from "./server.mts";

function tool(name: string, scopes: Access, change: Partial<CapabilityDefinition> = {}): CapabilityDefinition {
  const base = { title: "A test", description: "Use this in a test.", effect: "read" as const };
  return { ...base, name, scopes, input: z.object({}), output: z.object({ done: z.boolean() }), run: () => ({ done: true }), ...change };
}

const TOOLS = [tool("open", "public"), tool("own", []), tool("reads", ["todos:read"]), tool("writes", ["todos:read", "todos:write"])];
const NO_PACKS = { CAPABILITIES: "core" };

async function listed(
  methods: Awaited<ReturnType<typeof startMethods>>,
  scopes: readonly string[] | null,
  method = "tools/list",
  member = "tools",
) {
  const caller = scopes && callerOf("user-1", "client-1", scopes);
  const result = await methods.call(method, { caller });
  return result[member].map(({ name }: Json) => name).filter((name: string) => !name.includes("_"));
}

test("everything is listed to everyone, unless the configuration hides what the caller was not granted", async (t) => {
  const all = await startMethods(t, { pack: { capabilities: TOOLS }, env: NO_PACKS });
  assert.deepEqual(await listed(all, []), ["open", "own", "reads", "writes"]);

  const granted = await startMethods(t, { pack: { capabilities: TOOLS }, env: { ...NO_PACKS, MCP_LISTED_TOOLS: "granted" } });
  for (const [scopes, names] of [
    [[], ["open", "own"]],
    [["other:scope"], ["open", "own"]],
    [["todos:read"], ["open", "own", "reads"]],
    [["todos:write"], ["open", "own"]],
    [
      ["todos:write", "todos:read"],
      ["open", "own", "reads", "writes"],
    ],
  ] as const) {
    assert.deepEqual(await listed(granted, scopes), names);
    assert.deepEqual(await listed(granted, scopes), names);
  }
});

test("a stranger is listed all that signing in could give him", async (t) => {
  const env = { ...NO_PACKS, MCP_LISTED_TOOLS: "granted", MCP_ACCESS: "mixed" };
  const methods = await startMethods(t, { pack: { capabilities: TOOLS }, env });
  assert.deepEqual(await listed(methods, null), ["open", "own", "reads", "writes"]);
});

test("resources, templates and prompts are hidden like tools", async (t) => {
  const pack = {
    resources: [{ uri: "test://a", name: "a", scopes: ["todos:read"] as const, read: () => "" }],
    resourceTemplates: [{ uriTemplate: "test://{b}/b", name: "b", scopes: ["todos:read"] as const, read: () => "" }],
    prompts: [{ name: "c", description: "A prompt.", scopes: ["todos:read"] as const, get: () => [] }],
  };
  const methods = await startMethods(t, { pack, env: { ...NO_PACKS, MCP_LISTED_TOOLS: "granted" } });
  for (const [method, member, name] of [
    ["resources/list", "resources", "a"],
    ["resources/templates/list", "resourceTemplates", "b"],
    ["prompts/list", "prompts", "c"],
  ] as const) {
    assert.deepEqual(await listed(methods, [], method, member), []);
    assert.deepEqual(await listed(methods, ["todos:read"], method, member), [name]);
  }
});

test("a change of what is offered is listed at once, and a page's cursor goes on if its item is still there", async (t) => {
  const many = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => tool(`${prefix}${index}`, []));
  const methods = await startMethods(t, { pack: { capabilities: many("a", 250) }, env: { ...NO_PACKS, ACTIONS_OPERATIONS: "none" } });
  const before = await methods.call("tools/list");
  methods.announcer.offer({ capabilities: [tool("first", []), ...many("a", 249)] });
  const next = await methods.call("tools/list", { params: { cursor: before.nextCursor } });
  const last = before.tools.at(-1).name.slice(1);
  assert.deepEqual([next.tools.length, next.tools[0].name], [100, `a${Number(last) + 1}`]);
  methods.announcer.offer({ capabilities: many("b", 1) });
  assert.equal((await methods.call("tools/list")).tools.at(-1).name, "b0");
  await assert.rejects(methods.call("tools/list", { params: { cursor: before.nextCursor } }), /cursor/);
});

test("every list comes in pages, in both eras", async (t) => {
  const numbers = Array.from({ length: 230 }, (_, index) => index);
  const get = () => [];
  const read = () => "";
  const pack: Pack = {
    prompts: numbers.map((number) => ({ name: `p${number}`, description: "One.", scopes: [], get })),
    resources: numbers.map((number) => ({ uri: `test://${number}`, name: "one", scopes: [], read })),
    resourceTemplates: numbers.map((number) => ({ uriTemplate: `test://${number}/{id}`, name: "one", scopes: [], read })),
  };
  const methods = await startMethods(t, { pack });
  const lists = [
    ["prompts/list", "prompts", "name"],
    ["resources/list", "resources", "uri"],
    ["resources/templates/list", "resourceTemplates", "uriTemplate"],
  ] as const;
  for (const era of ["modern", "legacy"] as const) {
    for (const [method, member, key] of lists) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await methods.call(method, { era, params: cursor === undefined ? {} : { cursor } });
        seen.push(...page[member].map((item: Json) => item[key]));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      assert.deepEqual([seen.length, new Set(seen).size], [230, 230], `${method} ${era}`);
      await assert.rejects(methods.call(method, { era, params: { cursor: "x" } }), { fault: "invalid_params" });
    }
  }
});

test("a capability that is not for MCP is no tool", async (t) => {
  const methods = await startMethods(t, { pack: { capabilities: [tool("elsewhere", [], { surfaces: ["actions"] })] }, env: NO_PACKS });
  assert.deepEqual(await listed(methods, []), []);
  await assert.rejects(methods.call("tools/call", { params: { name: "elsewhere" } }), /no tool/);
});

test("a tool says how it is signed in to, at the top and in _meta", async (t) => {
  const expected = {
    open: { mixed: { type: "noauth" }, "signed-in": { type: "oauth2", scopes: [] } },
    own: { mixed: { type: "oauth2", scopes: [] }, "signed-in": { type: "oauth2", scopes: [] } },
    writes: {
      mixed: { type: "oauth2", scopes: ["todos:read", "todos:write"] },
      "signed-in": { type: "oauth2", scopes: ["todos:read", "todos:write"] },
    },
  };
  for (const access of ["mixed", "signed-in"] as const) {
    const methods = await startMethods(t, { pack: { capabilities: TOOLS }, env: { ...NO_PACKS, MCP_ACCESS: access } });
    const { tools } = await methods.call("tools/list");
    for (const [name, schemes] of Object.entries(expected)) {
      const { securitySchemes, _meta } = tools.find((one: Json) => one.name === name);
      assert.deepEqual(securitySchemes, [schemes[access]]);
      assert.deepEqual(_meta.securitySchemes, securitySchemes);
    }
  }
});

test("hints follow from the capability, and a schema of an output is there when there is an output", async (t) => {
  const { output: _output, run: _run, ...shows } = tool("shows", []);
  const wide = tool("wide", [], { openWorld: true, effect: "destructive", idempotent: true });
  const capabilities = [wide, { ...shows, run: () => answer([]) }];
  const methods = await startMethods(t, { pack: { capabilities }, env: NO_PACKS });
  const { tools } = await methods.call("tools/list");
  const [first, second] = ["wide", "shows"].map((name) => tools.find((one: Json) => one.name === name));
  const { title: _title, ...hints } = first.annotations;
  assert.deepEqual(hints, { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true });
  assert.deepEqual(["outputSchema" in first, "outputSchema" in second], [true, false]);
});

test("a failure of the request's access passes the tool's own errors by", async (t) => {
  const methods = await startMethods(t, { pack: { capabilities: TOOLS }, env: NO_PACKS });
  const code = (expected: string) => (error: unknown) => error instanceof CapabilityError && error.code === expected;
  await assert.rejects(methods.call("tools/call", { params: { name: "reads" }, caller: null }), code("unauthenticated"));
  const caller = callerOf("user-1", "client-1", []);
  await assert.rejects(methods.call("tools/call", { params: { name: "reads" }, caller }), code("insufficient_scope"));
});
