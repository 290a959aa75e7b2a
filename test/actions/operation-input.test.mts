import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createQueryReader } from "../../actions/operation-input.ts";

const read = createQueryReader({
  type: "object",
  properties: {
    text: { type: "string" },
    whole: { type: "integer" },
    real: { type: "number" },
    flag: { type: "boolean" },
    texts: { type: "array", items: { type: "string" } },
    wholes: { type: "array", items: { type: "integer" } },
  },
});

function asked(query: string): unknown {
  return read(new URLSearchParams(query));
}

test("texts become what the schema says they are", () => {
  assert.deepEqual(asked("text=12&whole=12&real=-1.5e3&flag=true"), { text: "12", whole: 12, real: -1500, flag: true });
  assert.deepEqual(asked("flag=false&real=0"), { flag: false, real: 0 });
});

test("a list is repeated, and one element makes a list as well", () => {
  assert.deepEqual(asked("texts=a&texts=b,c&wholes=1"), { texts: ["a", "b,c"], wholes: [1] });
});

test("what is not of its type stays as it was sent, for the schema to refuse", () => {
  for (const text of ["many", "0x10", "1_0", " 1", "01", "+1", "Infinity", "NaN", "1e"]) {
    assert.deepEqual(read(new URLSearchParams({ whole: text })), { whole: text });
  }
  assert.deepEqual(asked("flag=TRUE&flag2=1"), { flag: "TRUE", flag2: "1" });
  assert.deepEqual(asked("text=a&text=b"), { text: ["a", "b"] });
});

test("names of an object's own workings are ordinary names", () => {
  const input = asked("__proto__=a&constructor=b") as object;
  assert.deepEqual(Object.keys(input), ["__proto__", "constructor"]);
  assert.equal(Object.getPrototypeOf(input), Object.prototype);
});

test("every number and every list of texts comes through a query unchanged", () => {
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.array(fc.string({ minLength: 1, unit: "binary" }), { minLength: 1 }),
      (real, texts) => {
        const query = new URLSearchParams([["real", String(real)], ...texts.map((text): [string, string] => ["texts", text])]);
        const { real: given, texts: list } = read(query) as { readonly real: number; readonly texts: readonly string[] };
        assert.ok(given === real);
        assert.deepEqual(list, texts);
      },
    ),
  );
});
