import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type CapabilityDefinition, CapabilityError } from "../../../shared/capabilities/capability.ts";
import type { ObjectSchema } from "../../../shared/capabilities/content.ts";
import { createContext } from "../../../shared/capabilities/context.ts";
import { rawSchema } from "../../../shared/capabilities/raw-schema.ts";
import { registryOf } from "../../../shared/capabilities/registry.ts";
import type { InputFault } from "../../../shared/capabilities/shape-fault.ts";
import { type Calls, createLines, failsWith, openCalls, origin } from "./calls.mts";

let calls: Calls;
before(async () => {
  calls = await openCalls();
});
after(() => calls.service.close());

function capabilityOf(input: ObjectSchema, change: Partial<CapabilityDefinition> = {}) {
  const definition: CapabilityDefinition = {
    name: "foreign",
    title: "Foreign",
    description: "Use this when you test.",
    scopes: "public",
    effect: "write",
    surfaces: ["mcp"],
    input: rawSchema(input),
    output: rawSchema({ type: "object" }),
    run: (given) => ({ given }),
    ...change,
  };
  const [capability] = registryOf([{ capabilities: [definition] }]).catalog.capabilities;
  assert.ok(capability);
  return capability;
}

async function faultsOf(schema: ObjectSchema, input: unknown): Promise<readonly InputFault[]> {
  const call = async () => capabilityOf(schema).call(input, createContext(calls.service, undefined, origin()));
  const failed = await call().catch((error: unknown) => error);
  assert.ok(failed instanceof CapabilityError && failed.code === "invalid_input");
  return failed.faults;
}

const ADDRESSED: ObjectSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "https://a.example/addressed",
  type: "object",
  $defs: { address: { $anchor: "address", type: "object", properties: { city: { type: "string", format: "email" } }, required: ["city"] } },
  properties: { by: { enum: ["post", "mail"] }, to: { $ref: "#address" }, "a/b": { type: "array", items: { type: "integer" } } },
  required: ["by"],
  if: { properties: { by: { const: "post" } }, required: ["by"] },
  // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so.
  then: { required: ["to"] },
  additionalProperties: false,
};

test("a raw schema is shown as it was written and its input handed over as it came", async () => {
  const capability = capabilityOf(ADDRESSED);
  assert.equal(capability.inputSchema, ADDRESSED);
  const input = { by: "post", to: { city: "not an e-mail address", more: 1 }, "a/b": [1] };
  const { output } = await capability.call(input, createContext(calls.service, undefined, origin()));
  assert.deepEqual(output, { given: input });
});

for (const [what, input, field, message] of [
  ["a missing member", {}, "by", /^is required$/],
  ["a member that a condition asks for", { by: "post" }, "to", /^is required$/],
  ["a missing member of a member", { by: "mail", to: {} }, "to.city", /^is required$/],
  ["an unknown member", { by: "mail", colour: 1 }, "colour", /^is not known here$/],
  ["a wrong element of a member with a slash", { by: "mail", "a/b": [1, "x"] }, "a/b[1]", /must be integer/],
  ["a list", [], "", /must be object/],
  ["no input", undefined, "by", /^is required$/],
] as const) {
  test(`${what} is refused by its field`, async () => {
    const [fault] = await faultsOf(ADDRESSED, input);
    assert.equal(fault?.field, field);
    assert.match(fault?.message ?? "", message);
  });
}

test("two schemas of one name are two schemas", async () => {
  const other = capabilityOf({ $id: "https://a.example/addressed", type: "object", required: ["other"] });
  const context = createContext(calls.service, undefined, origin());
  await assert.rejects(async () => other.call({ by: "mail" }, context), failsWith("invalid_input"));
  await capabilityOf(ADDRESSED).call({ by: "mail" }, context);
});

test("a name of JSON Schema's own taken by a schema takes nothing from the others", async () => {
  capabilityOf({ $id: "https://json-schema.org/draft/2020-12/schema", type: "object" });
  assert.equal((await faultsOf({ ...ADDRESSED }, {})).length, 1);
});

test("an input nested deeper than the stack is a fault of the input", async () => {
  let deep: object = {};
  for (let level = 0; level < 100_000; level++) deep = { child: deep };
  const [fault] = await faultsOf({ type: "object", properties: { child: { $ref: "#" } } }, deep);
  assert.equal(fault?.message, "is nested too deeply");
});

test("an output that does not fit its raw schema is logged with its places and without its data", async () => {
  const { log, lines } = createLines();
  const output = rawSchema({ type: "object", properties: { n: { type: "number" } }, required: ["m"] });
  const capability = capabilityOf({ type: "object" }, { output, run: () => ({ n: "a-secret", m: 1 }) });
  await assert.rejects(
    async () => capability.call({}, createContext({ ...calls.service, log }, undefined, origin())),
    failsWith("internal"),
  );
  assert.deepEqual(
    lines.map(({ fields }) => fields),
    [{ request: "request-1", capability: "foreign", places: ["n: type"] }],
  );
});
