import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { McpError } from "../../mcp/protocol/errors.ts";
import { checkParamHeaders } from "../../mcp/protocol/param-headers.ts";
import { defineCapability, type HeaderParameter } from "../../shared/capabilities/capability.ts";
import { startMcp } from "./server.mts";

const REGION: HeaderParameter = { header: "Region", path: ["region"], type: "string" };

/** Whether arguments with this value and this header pass. */
function passes(parameter: HeaderParameter, input: Readonly<Record<string, unknown>>, header: string | undefined): boolean {
  try {
    checkParamHeaders([parameter], input, (name) => (name === `mcp-param-${parameter.header.toLowerCase()}` ? header : undefined));
    return true;
  } catch (error) {
    assert.ok(error instanceof McpError);
    assert.equal(error.fault, "header_mismatch");
    return false;
  }
}

function encoded(text: string): string {
  return `=?base64?${Buffer.from(text).toString("base64")}?=`;
}

test("any text passes when its header has it in base64, and no other text does", () => {
  const text = fc.string({ unit: "grapheme" });
  fc.assert(
    fc.property(text, text, (value, other) => {
      assert.ok(passes(REGION, { region: value }, encoded(value)));
      assert.equal(passes(REGION, { region: value }, encoded(other)), value === other);
    }),
  );
});

test("a header counts as it stands, without the whitespace around it and with its case", () => {
  for (const [value, header, expected] of [
    ["us-west1", "us-west1", true],
    ["us-west1", "  us-west1\t", true],
    ["us-west1", "US-WEST1", false],
    [" padded ", " padded ", false],
    [" padded ", encoded(" padded "), true],
    ["", "", true],
    ["=?base64?literal?=", encoded("=?base64?literal?="), true],
    ["=?base64?literal?=", "=?base64?literal?=", false],
    ["Hello", "=?base64?SGVsbG8?=", false],
    ["Hello", "=?base64?SGVs!!bG8=?=", false],
    ["Hello", "SGVsbG8=", false],
    ["=?base64?SGVsbG8=", "=?base64?SGVsbG8=", true],
    ["caf\u00e9", "caf\u00e9", false],
  ] as const) {
    assert.equal(passes(REGION, { region: value }, header), expected, `${value} and ${header}`);
  }
});

test("integers are compared as numbers and booleans as words", () => {
  const count: HeaderParameter = { header: "Count", path: ["count"], type: "integer" };
  for (const [value, header, expected] of [
    [42, "42", true],
    [42, "42.0", true],
    [-7, "-7", true],
    [42, "43", false],
    [42, "0x2a", false],
    [42, "4.2e1", false],
    [42, "", false],
    [0, "", false],
    [9_007_199_254_740_991, "9007199254740991", true],
    [9_007_199_254_740_992, "9007199254740993", false],
  ] as const) {
    assert.equal(passes(count, { count: value }, header), expected, `${value} and ${header}`);
  }
  const flag: HeaderParameter = { header: "Flag", path: ["flag"], type: "boolean" };
  assert.ok(passes(flag, { flag: true }, "true"));
  assert.ok(!passes(flag, { flag: true }, "True"));
  assert.ok(!passes(flag, { flag: false }, "true"));
});

test("a value needs its header, and a header needs a value", () => {
  assert.ok(!passes(REGION, { region: "us" }, undefined));
  for (const input of [{}, { region: null }]) {
    assert.ok(passes(REGION, input, undefined));
    assert.ok(!passes(REGION, input, "us"));
  }
  assert.ok(!passes(REGION, { region: ["us"] }, "us"));
});

test("the value is the one at the exact path, and what every object inherits is none", () => {
  const deep: HeaderParameter = { header: "Zone", path: ["place", "zone"], type: "string" };
  assert.ok(passes(deep, { place: { zone: "a" } }, "a"));
  assert.ok(passes(deep, { place: "a" }, undefined));
  assert.ok(passes(deep, { zone: "a" }, undefined));
  assert.ok(passes({ ...deep, path: ["constructor", "name"] }, {}, undefined));
});

test("a modern call whose parameter headers are wrong is refused before the tool runs, and a legacy one needs none", async (t) => {
  let runs = 0;
  const query = defineCapability({
    name: "query",
    title: "Query",
    description: "Use this in a test.",
    scopes: [],
    effect: "write",
    input: z.object({ region: z.string().describe("Where.").meta({ "x-mcp-header": "Region" }) }),
    output: z.object({ region: z.string() }),
    run: ({ region }) => {
      runs++;
      return { region };
    },
  });
  const mcp = await startMcp(t, { providers: [{ start: () => ({ capabilities: [query] }) }] });
  const params = { name: "query", arguments: { region: "us" } };
  for (const headers of [{}, { "mcp-param-region": "eu" }, { "mcp-param-region": "=?base64?dXM?=" }]) {
    const { status, body } = await mcp.modern("tools/call", params, { headers });
    assert.deepEqual([status, body.error.code, body.id], [400, -32020, 1]);
  }
  assert.equal(runs, 0);
  const right = { "mcp-param-region": "us", "mcp-param-other": "of no interest" };
  assert.deepEqual((await mcp.modern("tools/call", params, { headers: right })).body.result.structuredContent, { region: "us" });
  assert.deepEqual((await mcp.legacy("tools/call", params)).body.result.structuredContent, { region: "us" });
});
