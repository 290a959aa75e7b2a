import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { partsOf, readMarkdown, wordsOf } from "../../../../shared/capabilities/knowledge/document.ts";

for (const [what, source, title] of [
  ["the front matter's title", "---\nlayout: page\ntitle: The Title # a remark\n---\n# Heading", "The Title"],
  ["a title in double quotes", '---\ntitle: "A \\"quoted\\" title: yes"\n---\n', 'A "quoted" title: yes'],
  ["a title in single quotes", "---\ntitle: 'It''s'\n---\n", "It's"],
  ["the first heading", "Some text\n\n# The *first* `heading` of [us](x) ##\n\n# Second", "The first heading of us"],
  ["no heading of a block of code", "```sh\n# a comment\n```\n\n# Real", "Real"],
  ["the file's name where there is nothing else", "text", "how to start"],
  ["the file's name where the title is empty", '---\ntitle: ""\n---\n#\n', "how to start"],
  ["one line of at most 200 characters", `# ${"x".repeat(300)}`, "x".repeat(200)],
] as const) {
  test(`a document's title is ${what}`, () => {
    assert.equal(readMarkdown("guides/how-to_start.md", source).title, title);
  });
}

test("a line of a million blanks or brackets has a title as soon as any other", () => {
  for (const filling of [" ", "[", "\t#", "`"]) {
    const long = `a${filling.repeat(1_000_000)}b`;
    assert.match(readMarkdown("a.md", `# ${long}\n`).title, /^a/);
    assert.match(readMarkdown("a.md", `---\ntitle: ${long}\n---\n`).title, /^a/);
  }
  assert.equal(readMarkdown("a.md", `---\ntitle:${" ".repeat(1_000_000)}\n---\n# Other`).title, "Other");
});

test("the body has no front matter, and a rule at the beginning is none", () => {
  assert.equal(readMarkdown("a.md", "---\r\ntitle: A\r\n---\r\n\r\nText\n").body, "Text\n");
  assert.equal(readMarkdown("a.md", "---\n\nText\n").body, "---\n\nText\n");
});

test("search is told the words and not the marks", async () => {
  const { headings, text } = await wordsOf(
    "# A *big* heading\n\nSome **bold** [link](https://x.example) and `code`.\nNext line\n\n- item\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nlet x;\n```\n<b>html</b>",
  );
  assert.equal(headings, "A big heading");
  assert.equal(text, "Some bold link and code. Next line\nitem\na\nb\n1\n2\nlet x;\n\n<b>html</b>");
});

test("a long body is cut before headings, and the parts together are the body", () => {
  const chapter = (at: number) => `## Chapter ${at}\n\n${"Some words of it.\n".repeat(900)}`;
  const body = Array.from({ length: 12 }, (_, at) => chapter(at)).join("");
  const parts = partsOf(body);
  assert.equal(parts.join(""), body);
  assert.ok(parts.length > 2 && parts.length < 6);
  for (const part of parts) assert.match(part, /^## Chapter/);
});

test("whatever a body holds, each part fits into an answer, is whole text, and nothing is lost", () => {
  const line = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 50 }),
    fc.constantFrom(
      "\u0001".repeat(30_000),
      "\u0001".repeat(9_990),
      `# ${"x".repeat(9_000)}`,
      "😀".repeat(20_000),
      '"\\'.repeat(20_000),
      "# heading",
      "",
      "word ".repeat(5_000),
    ),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
      const body = lines.join("\n");
      const parts = partsOf(body);
      assert.equal(parts.join(""), body);
      for (const part of parts) {
        assert.ok(part !== "" || body === "");
        assert.ok(JSON.stringify(part).length <= 61_000);
        assert.ok(part.isWellFormed());
      }
    }),
    { numRuns: 100 },
  );
});
