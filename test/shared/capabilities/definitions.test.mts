import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { type CapabilityDefinition, defineCapability } from "../../../shared/capabilities/capability.ts";
import type { ObjectSchema } from "../../../shared/capabilities/content.ts";
import { DefinitionError } from "../../../shared/capabilities/definition-check.ts";
import { definePrompt, defineResource, defineResourceTemplate } from "../../../shared/capabilities/features.ts";
import type { Pack } from "../../../shared/capabilities/offer.ts";
import { rawSchema } from "../../../shared/capabilities/raw-schema.ts";
import { registryOf } from "../../../shared/capabilities/registry.ts";
import type { Scope } from "../../../shared/capabilities/scopes.ts";

const echo = defineCapability({
  name: "echo",
  title: "Echo",
  description: "Use this when you test.",
  scopes: [],
  effect: "write",
  input: z.object({ text: z.string().describe("Any text.") }),
  output: z.object({ text: z.string() }),
  run: ({ text }) => ({ text }),
});
const note = defineResource({ uri: "notes://one", name: "one", scopes: [], read: () => "one" });
const notes = defineResourceTemplate({ uriTemplate: "notes://by/{owner}", name: "notes", scopes: [], read: ({ owner = "" }) => owner });
const greet = definePrompt({
  name: "greet",
  description: "Greets.",
  scopes: [],
  arguments: { who: { description: "Whom." } },
  get: () => [],
});

function faultsOf(pack: Pack): readonly string[] {
  try {
    registryOf([pack]);
  } catch (error) {
    assert.ok(error instanceof DefinitionError);
    return error.faults;
  }
  return [];
}

/** A schema from elsewhere, as the input. */
function raw(schema: Readonly<Record<string, unknown>>): Partial<CapabilityDefinition> {
  return { input: rawSchema({ type: "object", ...schema }) };
}

function nested(levels: number): ObjectSchema {
  let schema: ObjectSchema = { type: "object" };
  for (let level = 0; level < levels; level++) schema = { type: "object", properties: { a: schema } };
  return schema;
}

const MCP_ONLY = { surfaces: ["mcp"] } as const;

for (const [what, change, fault] of [
  ["no surface", { surfaces: [] }, /^echo\.surfaces: is empty/],
  ["a time limit of zero", { timeLimit: 0 }, /^echo\.timeLimit: 0 is not a whole number of milliseconds/],
  ["a time limit of half a millisecond", { timeLimit: 0.5 }, /^echo\.timeLimit: 0\.5 is not/],
  ["a time limit that no timer has", { timeLimit: 2 ** 31 }, /^echo\.timeLimit: 2147483648 is not/],
  ["a task kept for no time", { longRunning: { task: "optional", ttl: -1 } }, /^echo\.longRunning\.ttl: -1 is not/],
  ["a task polled without a pause", { longRunning: { task: "optional", pollInterval: 0 } }, /^echo\.longRunning\.pollInterval: 0 is not/],
  ["a name that the service has", { name: "get_task" }, /^get_task: "get_task" is already a name, alias or path of the service/],
  ["a path that the service has", { path: "tasks" }, /^echo: "tasks" is already a name, alias or path of the service/],
  [
    "a header of a number",
    { input: z.object({ n: z.number().describe("N.").meta({ "x-mcp-header": "N" }) }) },
    /^echo\.input: properties\.n: .* no string, integer or boolean/,
  ],
  ["a raw member on Actions without a description", raw({ properties: { a: { type: "string" } } }), /^echo\.input\.a: has no description/],
  ["a raw schema that is none", raw({ properties: { a: { type: "text" } } }), /^echo\.input: schema is invalid/],
  ["a raw schema of another dialect", raw({ $schema: "http://json-schema.org/draft-07/schema#" }), /^echo\.input: .*JSON Schema 2020-12/],
  [
    "a reference to elsewhere",
    { ...MCP_ONLY, ...raw({ properties: { a: { $ref: "https://b.example/s.json" } } }) },
    /^echo\.input: refers to https:/,
  ],
  ["a reference to nothing", { ...MCP_ONLY, ...raw({ properties: { a: { $ref: "#/$defs/b" } } }) }, /^echo\.input: can't resolve/],
  [
    "an address within a schema",
    { ...MCP_ONLY, ...raw({ properties: { a: { $id: "b" } } }) },
    /^echo\.input: has an \$id at properties\.a/,
  ],
  ["a raw schema that is too deep", { ...MCP_ONLY, input: rawSchema(nested(40)) }, /^echo\.input: is too large/],
  ["a raw schema that is too long", { ...MCP_ONLY, ...raw({ description: "x".repeat(200_001) }) }, /^echo\.input: is too large/],
  [
    "a raw schema of too many parts",
    { ...MCP_ONLY, ...raw({ enum: Array.from({ length: 10_001 }, () => 1) }) },
    /^echo\.input: is too large/,
  ],
  ["a raw root that is no object", { input: rawSchema({ type: "string" } as unknown as ObjectSchema) }, /^echo\.input: the root is not/],
  ["a raw output that is none", { output: rawSchema({ type: "object", required: "all" }) }, /^echo\.output: schema is invalid/],
  [
    "a raw schema that has no flat form on Actions",
    raw({ properties: { a: { description: "A.", $ref: "#" } } }),
    /^echo\.input: properties\.a: the reference # cannot be put in place/,
  ],
] as const satisfies readonly (readonly [string, Partial<CapabilityDefinition>, RegExp])[]) {
  test(`${what} is a fault with its place`, () => {
    const faults = faultsOf({ capabilities: [{ ...echo, ...change }] });
    assert.equal(faults.length, 1, faults.join("\n"));
    assert.match(faults[0] ?? "", fault);
  });
}

for (const [what, change] of [
  ["a choice of a text or an object", { input: z.object({ a: z.union([z.string(), z.object({})]).describe("A.") }) }],
  ["a raw schema without descriptions", raw({ properties: { a: { type: "string" } } })],
  ["a raw schema that refers to itself", raw({ properties: { child: { $ref: "#" } } })],
  ["a required task", { longRunning: { task: "required", ttl: 1_000, pollInterval: 10 } }],
  ["a raw schema at the deepest", { input: rawSchema(nested(31)) }],
] as const satisfies readonly (readonly [string, Partial<CapabilityDefinition>])[]) {
  test(`${what} is no fault where MCP alone offers it`, () => {
    assert.deepEqual(faultsOf({ capabilities: [{ ...echo, ...MCP_ONLY, ...change }] }), []);
  });
}

test("resources, templates and prompts that are right are offered and found", () => {
  const { catalog } = registryOf([{ resources: [note], resourceTemplates: [notes], prompts: [greet] }]);
  assert.deepEqual(catalog.findResource("notes://one"), { resource: note });
  const found = catalog.findResource("notes://by/ann");
  assert.ok(found && "template" in found);
  assert.equal(found.template.uriTemplate, notes.uriTemplate);
  assert.deepEqual(found.variables, { owner: "ann" });
  assert.equal(catalog.findResource("notes://two"), undefined);
  assert.equal(catalog.findTemplate("notes://by/{owner}"), found.template);
  assert.equal(catalog.findPrompt("greet"), greet);
});

test("a resource is found before a template that its address fits as well", () => {
  const own = { ...note, uri: "notes://by/ann" };
  assert.deepEqual(registryOf([{ resources: [own], resourceTemplates: [notes] }]).catalog.findResource(own.uri), { resource: own });
});

test("the catalog's scopes are those of everything in it", () => {
  const { catalog } = registryOf([
    {
      resources: [{ ...note, scopes: ["todos:read"] }],
      resourceTemplates: [{ ...notes, scopes: "public" }],
      prompts: [{ ...greet, scopes: ["profile", "openid"] }],
    },
  ]);
  assert.deepEqual(catalog.scopes, ["openid", "profile", "todos:read"]);
});

const unknown = ["todos:raed" as Scope];
for (const [what, pack, fault] of [
  ["a relative address", { resources: [{ ...note, uri: "/one" }] }, /^the resource \/one: is not an absolute address/],
  ["an address with a space", { resources: [{ ...note, uri: "notes://a b" }] }, /is not an absolute address/],
  ["an address that is there twice", { resources: [note, note] }, /^the resource notes:\/\/one: is there twice/],
  ["a resource without a name", { resources: [{ ...note, name: " " }] }, /^the resource notes:\/\/one\.name: is empty/],
  ["a resource of minus one byte", { resources: [{ ...note, size: -1 }] }, /\.size: is not a number of bytes/],
  [
    "a resource that matters too much",
    { resources: [{ ...note, annotations: { priority: 2 } }] },
    /\.annotations\.priority: is not from 0 to 1/,
  ],
  ["a resource changed at no time", { resources: [{ ...note, annotations: { lastModified: "soon" } }] }, /\.lastModified: is not a time/],
  ["a resource's unknown scope", { resources: [{ ...note, scopes: unknown }] }, /^the resource notes:\/\/one\.scopes: "todos:raed" is not/],
  [
    "a template with an open brace",
    { resourceTemplates: [{ ...notes, uriTemplate: "notes://{a" }] },
    /^the template notes:\/\/\{a: its braces/,
  ],
  ["a template that is there twice", { resourceTemplates: [notes, notes] }, /^the template .* is there twice/],
  ["a template's unknown scope", { resourceTemplates: [{ ...notes, scopes: unknown }] }, /^the template .*\.scopes: /],
  [
    "a completer for a variable that a template does not have",
    { resourceTemplates: [{ ...notes, complete: { owner: () => [], other: () => [] } }] },
    /^the template .*\.complete\.other: is not a variable of it/,
  ],
  ["a prompt's name with capitals", { prompts: [{ ...greet, name: "Greet" }] }, /^the prompt Greet: the name does not match/],
  ["a prompt that is there twice", { prompts: [greet, greet] }, /^the prompt greet: is there twice/],
  ["a prompt without a description", { prompts: [{ ...greet, description: "" }] }, /^the prompt greet\.description: is empty/],
  ["a prompt's unknown scope", { prompts: [{ ...greet, scopes: unknown }] }, /^the prompt greet\.scopes: /],
  [
    "a prompt's argument without a description",
    { prompts: [{ ...greet, arguments: { who: { description: "" } } }] },
    /^the prompt greet\.arguments\.who: has no description/,
  ],
] as const satisfies readonly (readonly [string, Pack, RegExp])[]) {
  test(`${what} is a fault with its place`, () => {
    const faults = faultsOf(pack);
    assert.equal(faults.length, 1, faults.join("\n"));
    assert.match(faults[0] ?? "", fault);
  });
}
