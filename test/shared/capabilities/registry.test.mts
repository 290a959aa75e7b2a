import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { type CapabilityDefinition, defineCapability } from "../../../shared/capabilities/capability.ts";
import { DefinitionError } from "../../../shared/capabilities/definition-check.ts";
import type { Announcer } from "../../../shared/capabilities/offer.ts";
import type { PackName } from "../../../shared/capabilities/pack-names.ts";
import { createRegistry, registryOf } from "../../../shared/capabilities/registry.ts";
import type { Scope } from "../../../shared/capabilities/scopes.ts";
import { ConfigError, loadConfig } from "../../../shared/config.ts";

const good = defineCapability({
  name: "echo",
  title: "Echo",
  description: "Use this when you test.",
  scopes: [],
  effect: "read",
  input: z.object({ text: z.string().describe("Any text.") }),
  output: z.object({ text: z.string() }),
  run: ({ text }) => ({ text }),
});

function registry(...capabilityPacks: PackName[]) {
  return createRegistry({ capabilityPacks, callTimeLimit: 60_000 }).catalog;
}

function capabilitiesOf(...capabilities: CapabilityDefinition[]) {
  return registryOf([{ capabilities }]).catalog.capabilities;
}

/** The faults of definitions, made of the good one with changes. */
function faultsOf(...changes: readonly Partial<CapabilityDefinition>[]): readonly string[] {
  try {
    registryOf([{ capabilities: changes.map((change) => ({ ...good, ...change })) }]);
  } catch (error) {
    assert.ok(error instanceof DefinitionError);
    return error.faults;
  }
  return [];
}

test("the packs of the configuration make the registry, in a fixed order", () => {
  const core = ["health_check", "identity_profile", "auth_session"];
  const todos = ["list_todos", "get_todo", "create_todo", "update_todo", "complete_todo", "delete_todo"];
  const namesOf = (...capabilityPacks: PackName[]) => registry(...capabilityPacks).capabilities.map(({ name }) => name);
  assert.deepEqual(namesOf("core", "todos"), [...core, ...todos]);
  assert.deepEqual(namesOf("todos", "todos"), todos);
  assert.deepEqual(namesOf(), []);
});

test("the registry's scopes are those that its capabilities need, sorted", () => {
  assert.deepEqual(registry("todos", "core").scopes, ["email", "openid", "profile", "todos:read", "todos:write"]);
  assert.deepEqual(registry("core").scopes, ["email", "openid", "profile"]);
});

test("packs that do not exist stop the start, all of them named", () => {
  assert.throws(
    () => loadConfig({ CAPABILITIES: "core calender constructor", LOG_LEVEL: "loud" }),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(
        error.faults.map((fault) => fault.split(":")[0]),
        ["CAPABILITIES", "CAPABILITIES", "LOG_LEVEL"],
      );
      return true;
    },
  );
});

test("every fault of every definition is reported at once, with its place", () => {
  const faults = faultsOf(
    { name: "Bad-Name", description: "x".repeat(301), title: " " },
    { name: "two", scopes: ["todos:raed" as Scope] },
    { name: "three", input: z.object({ text: z.string() }) },
    { name: "four", input: z.object({ text: z.string().describe("x".repeat(701)) }) },
  );
  assert.deepEqual(
    faults.map((fault) => fault.split(":")[0]),
    ["Bad-Name", "Bad-Name.title", "Bad-Name.description", "two.scopes", "three.input.text", "four.input.text"],
  );
});

for (const [what, change, fault] of [
  ["a name with capitals", { name: "Echo" }, /^Echo: the name does not match/],
  ["a name of 65 characters", { name: "a".repeat(65) }, /the name does not match/],
  ["a path with a slash", { path: "a/b" }, /^echo\.path: "a\/b" does not match/],
  ["an empty description", { description: "" }, /^echo\.description: is empty/],
  ["a member that JSON does not have", { input: z.object({ at: z.date().describe("When.") }) }, /^echo\.input: Date cannot be represented/],
  [
    "a choice of a text or an object where Actions offer it",
    { input: z.object({ a: z.union([z.string(), z.object({})]).describe("A.") }) },
    /^echo\.input: properties\.a: its alternatives are of different kinds; .* or set surfaces to \["mcp"\]$/,
  ],
  ["an alias with a dot", { aliases: ["a.b"] }, /^echo\.aliases: "a\.b" does not match/],
  ["an input whose root is a reference", { input: z.object({}).meta({ id: "Shared" }) }, /^echo\.input: the root is not an object/],
  ["an output whose root is a reference", { output: z.object({}).meta({ id: "Shared2" }) }, /^echo\.output: the root is not an object/],
] as const satisfies readonly (readonly [string, Partial<CapabilityDefinition>, RegExp])[]) {
  test(`${what} is a fault`, () => {
    const faults = faultsOf(change);
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? "", fault);
  });
}

test("a description of 300 characters and a parameter's of 700 are taken", () => {
  assert.deepEqual(faultsOf({ description: "x".repeat(300), input: z.object({ a: z.string().describe("x".repeat(700)) }) }), []);
});

test("a nested member is no fault, in a read neither: it comes in a body", () => {
  for (const effect of ["read", "write"] as const) {
    assert.deepEqual(faultsOf({ effect, input: z.object({ a: z.object({}).describe("A.") }) }), []);
  }
});

test("an alias finds the capability, and nobody is shown it", () => {
  const { catalog } = registryOf([{ capabilities: [{ ...good, aliases: ["old_echo"] }] }]);
  assert.equal(catalog.findCapability("old_echo"), catalog.findCapability("echo"));
  assert.deepEqual(
    catalog.capabilities.map(({ name }) => name),
    ["echo"],
  );
});

test("Actions offer what the configuration chooses, and no more than they take", () => {
  const many = Array.from({ length: 31 }, (_, index) => ({ ...good, name: `echo_${index}` }));
  const namesOf = (operations?: readonly string[], capabilities: readonly CapabilityDefinition[] = many) => {
    const providers = [{ start: () => ({ capabilities }) }];
    const { catalog } = createRegistry({ capabilityPacks: [], callTimeLimit: 60_000, operations }, { providers });
    return catalog.operations.map(({ name }) => name);
  };
  assert.throws(() => namesOf(), /the operations: are 31, and GPT Actions take 30; name those they need in ACTIONS_OPERATIONS/);
  assert.deepEqual(namesOf(["echo_7", "echo_3"]), ["echo_3", "echo_7"]);
  assert.deepEqual(namesOf([]), []);
  assert.equal(namesOf(undefined, many.slice(1)).length, 30);
  const slow = { ...good, name: "slow", longRunning: { task: "optional" } } as const;
  assert.throws(() => namesOf(undefined, [slow, ...many.slice(2)]), /the operations: are 31/);
  assert.throws(() => namesOf(["echo_3", "ecko"]), /ACTIONS_OPERATIONS: "ecko" is no capability that Actions can offer/);
});

test("what is offered later is not refused because Actions take less", () => {
  let announcer: Announcer | undefined;
  const provider = {
    start(given: Announcer) {
      announcer = given;
      return {};
    },
  };
  const registry = createRegistry({ capabilityPacks: [], callTimeLimit: 60_000 }, { providers: [provider] });
  announcer?.offer({ capabilities: Array.from({ length: 31 }, (_, index) => ({ ...good, name: `echo_${index}` })) });
  assert.equal(registry.catalog.capabilities.length, 31);
});

test("the configuration names operations, with none as a word of its own", () => {
  const operationsOf = (text?: string) => loadConfig(text === undefined ? {} : { ACTIONS_OPERATIONS: text }).operations;
  assert.equal(operationsOf(), undefined);
  assert.deepEqual(operationsOf("a, b  c"), ["a", "b", "c"]);
  assert.deepEqual(operationsOf("none"), []);
});

test("no name and no path may be there twice", () => {
  assert.match(faultsOf({}, {})[0] ?? "", /^echo: "echo" is already a name, alias or path of echo/);
  assert.match(faultsOf({}, { name: "other", path: "echo" })[0] ?? "", /^other: "echo" is already a name, alias or path of echo/);
  assert.match(faultsOf({ path: "same" }, { name: "other", path: "same" })[0] ?? "", /^other: "same"/);
  assert.match(faultsOf({ aliases: ["old"] }, { name: "old" })[0] ?? "", /^old: "old" is already a name, alias or path of echo/);
  assert.match(faultsOf({ aliases: ["old", "old"] })[0] ?? "", /^echo: "old"/);
});

test("an input schema refuses unknown members, an output schema lets a later release add some", () => {
  const [capability] = capabilitiesOf(good);
  assert.deepEqual(capability?.inputSchema, {
    type: "object",
    properties: { text: { type: "string", description: "Any text." } },
    required: ["text"],
    additionalProperties: false,
  });
  assert.deepEqual(capability?.outputSchema, { type: "object", properties: { text: { type: "string" } }, required: ["text"] });
});

test("a member with a default is optional in the input schema", () => {
  const input = z.object({ limit: z.int().min(1).max(9).default(3).describe("How many.") });
  const [capability] = capabilitiesOf({ ...good, input });
  assert.equal(capability?.inputSchema["required"], undefined);
  assert.deepEqual(capability?.inputSchema["properties"], {
    limit: { type: "integer", minimum: 1, maximum: 9, default: 3, description: "How many." },
  });
});

test("a read is idempotent, a write only when it says so", () => {
  const [read, write, said] = capabilitiesOf(
    good,
    { ...good, name: "b", effect: "write" },
    { ...good, name: "c", effect: "destructive", idempotent: true },
  );
  assert.deepEqual([read?.idempotent, write?.idempotent, said?.idempotent], [true, false, true]);
});

test("descriptions of all packs begin as clients want them", () => {
  for (const { name, description } of registry("core", "todos").capabilities) {
    assert.match(description, /^Use this when /, name);
  }
});
