import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { headerParametersOf } from "../../../shared/capabilities/header-parameters.ts";
import { inputSchemaOf } from "../../../shared/capabilities/schemas.ts";

const region = { type: "string", "x-mcp-header": "Region" };

test("annotated members are found with their way, also within others and through zod", () => {
  const { parameters, faults } = headerParametersOf({
    type: "object",
    properties: {
      region,
      plain: { type: "string" },
      where: { type: "object", properties: { zone: { type: "integer", "x-mcp-header": "Zone" } } },
      dry: { type: "boolean", "x-mcp-header": "Dry-Run" },
    },
  });
  assert.deepEqual(faults, []);
  assert.deepEqual(parameters, [
    { header: "Region", path: ["region"], type: "string" },
    { header: "Zone", path: ["where", "zone"], type: "integer" },
    { header: "Dry-Run", path: ["dry"], type: "boolean" },
  ]);

  const written = z.object({
    region: z.string().optional().describe("Where.").meta({ "x-mcp-header": "Region" }),
    kind: z.enum(["a", "b"]).default("a").meta({ "x-mcp-header": "Kind" }),
  });
  assert.deepEqual(headerParametersOf(inputSchemaOf(written)), {
    parameters: [
      { header: "Region", path: ["region"], type: "string" },
      { header: "Kind", path: ["kind"], type: "string" },
    ],
    faults: [],
  });
});

test("a member that is called like the annotation, or data that looks like it, is none", () => {
  const schema = {
    type: "object",
    properties: { "x-mcp-header": { type: "string" }, a: { type: "object", default: { "x-mcp-header": "A" }, enum: [region] } },
  };
  assert.deepEqual(headerParametersOf(schema), { parameters: [], faults: [] });
});

for (const [what, schema, fault] of [
  ["an empty header", { properties: { a: { ...region, "x-mcp-header": "" } } }, /^properties\.a: .* is not a header name/],
  ["a header with a space", { properties: { a: { ...region, "x-mcp-header": "A b" } } }, /is not a header name/],
  ["a header with a line break", { properties: { a: { ...region, "x-mcp-header": "A\r\nB" } } }, /is not a header name/],
  ["a header beyond ASCII", { properties: { a: { ...region, "x-mcp-header": "Région" } } }, /is not a header name/],
  ["a header that is no text", { properties: { a: { ...region, "x-mcp-header": 1 } } }, /is not a header name/],
  ["a number", { properties: { a: { ...region, type: "number" } } }, /no string, integer or boolean/],
  ["a list", { properties: { a: { ...region, type: "array" } } }, /no string, integer or boolean/],
  ["several types", { properties: { a: { ...region, type: ["string", "null"] } } }, /no string, integer or boolean/],
  ["the root", { ...region, type: "object" }, /^the root: .* properties alone/],
  ["an element", { properties: { a: { type: "array", items: region } } }, /^properties\.a\.items: .* properties alone/],
  ["a branch", { properties: { a: { anyOf: [region] } } }, /properties alone/],
  ["a condition", { if: { properties: { a: region } } }, /properties alone/],
  ["a definition", { $defs: { a: region }, properties: { a: { $ref: "#/$defs/a" } } }, /^\$defs\.a: .* properties alone/],
  ["a pattern's member", { patternProperties: { a: region } }, /properties alone/],
] as const) {
  test(`the annotation on ${what} is a fault`, () => {
    const { parameters, faults } = headerParametersOf({ type: "object", ...schema });
    assert.deepEqual([parameters.length, faults.length], [0, 1]);
    assert.match(faults[0] ?? "", fault);
  });
}

test("two headers that differ in case alone are one too many", () => {
  const { faults } = headerParametersOf({ type: "object", properties: { a: region, b: { ...region, "x-mcp-header": "REGION" } } });
  assert.match(faults[0] ?? "", /^properties\.b: the x-mcp-header "REGION" is there already/);
});
