import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { z } from "zod";
import { flatten } from "../../../shared/capabilities/flat-schema.ts";
import { FlatSchemaError } from "../../../shared/capabilities/schema-combination.ts";
import type { JsonSchema } from "../../../shared/capabilities/schemas.ts";

/** The flat form of one member. */
function memberOf(schema: z.ZodType): JsonSchema {
  return flatten(z.toJSONSchema(z.object({ a: schema }))).properties?.["a"] ?? {};
}

for (const [what, schema, expected] of [
  ["a text or nothing", z.string().nullable(), { type: ["string", "null"] }],
  ["a choice or nothing", z.enum(["x", "y"]).nullable(), { type: ["string", "null"], enum: ["x", "y", null] }],
  ["one of some values", z.union([z.literal("x"), z.literal("y")]), { type: "string", enum: ["x", "y"] }],
  ["a text or a number", z.union([z.string(), z.number()]), { type: ["string", "number"] }],
  [
    "lists of texts or of numbers",
    z.union([z.array(z.string()), z.array(z.number())]),
    { type: "array", items: { type: ["string", "number"] } },
  ],
  ["a pair", z.tuple([z.string(), z.number()]), { type: "array", minItems: 2, maxItems: 2, items: { type: ["string", "number"] } }],
  [
    "two kinds of objects",
    z.discriminatedUnion("kind", [z.object({ kind: z.literal("a"), n: z.number() }), z.object({ kind: z.literal("b"), t: z.string() })]),
    {
      type: "object",
      properties: { kind: { type: "string", enum: ["a", "b"] }, n: { type: "number" }, t: { type: "string" } },
      required: ["kind"],
      additionalProperties: false,
    },
  ],
  [
    "two objects at once",
    z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() })),
    { type: "object", properties: { a: { type: "string" }, b: { type: "string" } }, required: ["a", "b"], additionalProperties: false },
  ],
  ["members of any name", z.record(z.string(), z.number()), { type: "object", additionalProperties: { type: "number" }, properties: {} }],
  ["anything", z.unknown(), {}],
] as const satisfies readonly (readonly [string, z.ZodType, JsonSchema])[]) {
  test(`${what} has a flat form`, () => {
    assert.deepEqual(memberOf(schema), expected);
  });
}

test("what is said of the whole stays said", () => {
  const described = z
    .union([z.literal("x"), z.literal("y")])
    .describe("One of two.")
    .default("x");
  assert.deepEqual(memberOf(described), { description: "One of two.", default: "x", type: "string", enum: ["x", "y"] });
});

test("a flat schema stays as it is", () => {
  const schema = {
    type: "object",
    properties: { $ref: { type: "string" }, anyOf: { type: "array", items: { type: "string" } } },
    required: ["$ref"],
  };
  assert.deepEqual(flatten(schema), schema);
});

test("definitions are put in, under either name, and what stands beside a reference counts", () => {
  for (const holder of ["$defs", "definitions"]) {
    const schema = {
      type: "object",
      properties: { a: { $ref: `#/${holder}/x~1y`, description: "Mine." } },
      [holder]: { "x/y": { type: "string", description: "Its own." } },
    };
    assert.deepEqual(flatten(schema), { type: "object", properties: { a: { type: "string", description: "Mine." } } });
  }
});

test("what must be several objects at once is one object with the members of all, and open if either forbids the other's", () => {
  const one = { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false };
  const other = { type: "object", properties: { a: { minLength: 2 }, b: { type: "integer", minimum: 1 } }, required: ["b"] };
  const further = { properties: { b: { type: "number", minimum: 3 } } };
  assert.deepEqual(flatten({ description: "Both.", allOf: [one, other, further] }), {
    description: "Both.",
    type: "object",
    properties: { a: { type: "string", minLength: 2 }, b: { type: "integer", minimum: 3 } },
    required: ["a", "b"],
  });
});

for (const [what, schema, words] of [
  ["a text or an object", { anyOf: [{ type: "string" }, { type: "object" }] }, /^properties\.a: its alternatives are of different kinds/],
  ["a text that must be a number", { allOf: [{ type: "string" }, { type: "number" }] }, /^properties\.a: nothing is a string and a number/],
  ["two patterns", { allOf: [{ pattern: "a" }, { pattern: "b" }] }, /^properties\.a: "pattern" is there twice/],
  ["a reference to elsewhere", { $ref: "https://b.example/s.json" }, /^properties\.a: the reference https:/],
  ["a reference to nothing", { $ref: "#/$defs/none" }, /the reference #\/\$defs\/none/],
  ["a reference to itself", { $ref: "#/$defs/loop" }, /the reference #\/\$defs\/loop/],
] as const) {
  test(`${what} has no flat form, and the place is said`, () => {
    const root = { type: "object", properties: { a: schema }, $defs: { loop: { type: "array", items: { $ref: "#/$defs/loop" } } } };
    assert.throws(
      () => flatten(root),
      (error) => error instanceof FlatSchemaError && words.test(error.message),
    );
  });
}

test("definitions that refer to others many times over are refused in time", () => {
  const $defs = Object.fromEntries(
    Array.from({ length: 30 }, (_, level) => [
      `d${level}`,
      { type: "object", properties: { a: { $ref: `#/$defs/d${level + 1}` }, b: { $ref: `#/$defs/d${level + 1}` } } },
    ]),
  );
  const root = { type: "object", properties: { a: { $ref: "#/$defs/d0" } }, $defs: { ...$defs, d30: { type: "string" } } };
  assert.throws(() => flatten(root), /is larger than 20000 parts/);
});

const scalar = fc.oneof(
  fc.constantFrom({ type: "string" }, { type: "integer" }, { type: "number", minimum: 3 }, { type: "boolean" }, { type: "null" }),
  fc.array(fc.constantFrom("x", "y", 1, true), { minLength: 1, maxLength: 3 }).map((values) => ({ enum: [...new Set(values)] })),
);
const { schema: anySchema } = fc.letrec<{ readonly schema: JsonSchema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    scalar,
    fc.array(tie("schema"), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    fc.array(tie("schema"), { minLength: 1, maxLength: 2 }).map((allOf) => ({ allOf })),
    tie("schema").map((items) => ({ type: "array", items })),
    fc.tuple(fc.dictionary(fc.constantFrom("a", "b", "c"), tie("schema")), fc.subarray(["a", "b", "c"])).map(([properties, required]) => ({
      type: "object",
      properties,
      required: required.filter((name) => name in properties),
      additionalProperties: false,
    })),
  ),
}));
const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, "x", "y", "z", 1, 2.5, 7, true, false),
    fc.array(tie("value"), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value")),
  ),
})).value;

test("a flat form has no alternatives and admits whatever a schema of named members admits", () => {
  const ajv = new Ajv2020({ strict: false });
  fc.assert(
    fc.property(anySchema, fc.array(anyValue, { minLength: 5, maxLength: 10 }), (schema, values) => {
      let flat: JsonSchema;
      try {
        flat = flatten(schema);
      } catch (error) {
        assert.ok(error instanceof FlatSchemaError);
        return;
      }
      assert.doesNotMatch(JSON.stringify(flat), /"(anyOf|oneOf|allOf|\$ref)"/);
      const admits = ajv.compile(schema);
      const flatAdmits = ajv.compile(flat);
      for (const value of values) if (admits(value)) assert.ok(flatAdmits(value), JSON.stringify({ schema, flat, value }));
    }),
    { numRuns: 1_000 },
  );
});
