import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import type { CapabilityDefinition, Paging } from "../../../shared/capabilities/capability.ts";
import { CUT_NOTE, shortened } from "../../../shared/capabilities/paging.ts";
import { registryOf } from "../../../shared/capabilities/registry.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of each member.
type Loose = any;

const byList = { list: "items", cursorAfter: (kept: number, { items }: Loose) => `after ${items[kept - 1].id}` } as Paging;
const byText = { text: "text", cursorAfter: (kept: number, _answer: Loose, { from = 0 }: Loose) => String(from + kept) } as Paging;

test("a list loses its last items, with a cursor behind the last that stays and a note", () => {
  const items = Array.from({ length: 50 }, (_, id) => ({ id, text: "x".repeat(100) }));
  const answer: Loose = shortened(byList, { total: 50, items, next_cursor: "after 49" }, {}, 2_000);
  assert.ok(JSON.stringify(answer).length <= 2_000);
  assert.ok(answer.items.length > 10);
  assert.deepEqual(answer.items, items.slice(0, answer.items.length));
  assert.equal(answer.next_cursor, `after ${answer.items.length - 1}`);
  assert.equal(answer.note, CUT_NOTE);
  assert.equal(answer.total, 50);
});

test("what is left with one item more would be too long", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 60 }), { minLength: 2, maxLength: 40 }),
      fc.integer({ min: 250, max: 900 }),
      (texts, most) => {
        const items = texts.map((text, id) => ({ id, text }));
        const answer: Loose = shortened(byList, { items }, {}, most);
        const kept = answer ? answer.items.length : 0;
        if (answer) assert.ok(JSON.stringify(answer).length <= most);
        if (kept + 1 >= items.length) return;
        const more = { items: items.slice(0, kept + 1), next_cursor: `after ${kept}`, note: CUT_NOTE };
        assert.ok(JSON.stringify(more).length > most);
      },
    ),
  );
});

test("a text ends at a paragraph, else a line, else a word, and the next call goes on there", () => {
  for (const [separator, ending] of [
    ["\n\n", "\n\n"],
    ["\n", "\n"],
    [" ", " "],
  ] as const) {
    const text = `${"w".repeat(40)}${separator}`.repeat(40);
    const answer: Loose = shortened(byText, { text }, { from: 7 }, 700);
    assert.ok(answer.text.endsWith(ending) && text.startsWith(answer.text));
    assert.equal(answer.next_cursor, String(7 + answer.text.length));
  }
});

test("the pieces of a text are the text, and no character is torn apart", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 300, maxLength: 2_000 }), (whole) => {
      let from = 0;
      let pieces = "";
      for (let text = whole; ; text = whole.slice(from)) {
        const answer: Loose = JSON.stringify({ text }).length <= 600 ? { text } : shortened(byText, { text }, { from }, 600);
        assert.ok(JSON.stringify(answer).length <= 600);
        assert.ok(answer.text.isWellFormed());
        pieces += answer.text;
        if (answer.next_cursor === undefined) break;
        assert.ok(Number(answer.next_cursor) > from);
        from = Number(answer.next_cursor);
      }
      assert.equal(pieces, whole);
    }),
    { numRuns: 50 },
  );
});

test("what cannot be cut enough is not cut", () => {
  assert.equal(shortened(byList, { items: [{ id: 0, text: "x".repeat(500) }, { id: 1 }] }, {}, 300), undefined);
  assert.equal(shortened(byList, { items: [], more: "x".repeat(500) }, {}, 300), undefined);
  assert.equal(shortened(byList, { items: "none" }, {}, 300), undefined);
  assert.equal(shortened(byText, { text: 3 }, {}, 300), undefined);
  assert.equal(shortened(byText, { text: "short", more: "x".repeat(500) }, {}, 300), undefined);
});

const paged = {
  name: "paged",
  title: "Paged",
  description: "Use this when you test.",
  scopes: [],
  effect: "read",
  input: z.object({ cursor: z.string().optional().describe("Where to go on.") }),
  output: z.object({ items: z.array(z.string()), next_cursor: z.string().optional(), note: z.string().optional() }),
  paging: { list: "items", cursorAfter: String },
  run: () => ({ items: [] }),
} satisfies CapabilityDefinition;

for (const [what, change, fault] of [
  ["a list that is none", { paging: { list: "note", cursorAfter: String } }, /^ {2}paged\.paging: "note" is no array of the output/],
  ["a text that is none", { paging: { text: "items", cursorAfter: String } }, /^ {2}paged\.paging: "items" is no string of the output/],
  ["no cursor in the input", { input: z.object({}) }, /^ {2}paged\.paging: the input has no optional text "cursor"/],
  ["a cursor that is required", { input: z.object({ cursor: z.string().describe("C.") }) }, /the input has no optional text "cursor"/],
  [
    "no next_cursor in the output",
    { output: z.object({ items: z.array(z.string()), note: z.string().optional() }) },
    /the output has no optional text "next_cursor"/,
  ],
  ["no output", { output: undefined }, /^ {2}paged\.paging: is there without an output/],
] as const) {
  test(`paging with ${what} is a fault with its place`, () => {
    const definition = { ...paged, ...change } as CapabilityDefinition;
    assert.throws(
      () => registryOf([{ capabilities: [definition] }]),
      (error: Error) => fault.test(error.message.split("\n")[1] ?? ""),
    );
  });
}

test("paging over members that are there is taken", () => {
  assert.doesNotThrow(() => registryOf([{ capabilities: [paged] }]));
});
