import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { createTextIndex } from "../../../../shared/capabilities/knowledge/text-index.ts";

const index = createTextIndex();
after(() => index.close());

const put = (path: string, title: string, text: string, headings = "") => index.put(path, title, [{ part: 1, headings, text }]);
put("tea.md", "Making tea", "Boil the water, pour it over the leaves and wait.");
put("coffee.md", "Making coffee", "Grind the beans. Tea drinkers boil water too.", "Espresso");
put("cafe.md", "Le café", "Où boire un expresso à Orléans ?");
put("japan.md", "東京の天気", "明日の東京は晴れです。");
put("code.md", "C++ and C#", "The option --no-verify, the file foo_bar.ts and node:sqlite.");

function paths(query: string, limit = 10): readonly string[] {
  return index.find(query, limit).map(({ path }) => path);
}

for (const [query, expected] of [
  ["boil water", ["coffee.md", "tea.md"]],
  ["making", ["coffee.md", "tea.md"]],
  ["boiling waters", ["coffee.md", "tea.md"]],
  ["cafe orleans", ["cafe.md"]],
  ["CAFÉ", ["cafe.md"]],
  ["東京", ["japan.md"]],
  ["晴れ", ["japan.md"]],
  ["--no-verify", ["code.md"]],
  ["foo_bar.ts", ["code.md"]],
  ["C++", ["code.md"]],
  ["espr", ["coffee.md"]],
  ["how do I grind anything", ["coffee.md"]],
  ["nothing-of-the-kind", []],
] as const) {
  test(`${query} finds ${expected.join(" and ") || "nothing"}`, () => {
    assert.deepEqual([...paths(query)].sort(), expected);
  });
}

test("a word in the title weighs more than one in the text", () => {
  assert.deepEqual(paths("tea"), ["tea.md", "coffee.md"]);
});

test("a snippet shows the words that were found, in one line", () => {
  assert.match(index.find("leaves", 1)[0]?.snippet ?? "", /over the leaves and wait/);
  assert.match(index.find("晴れ", 1)[0]?.snippet ?? "", /東京は晴れです/);
});

test("a snippet is from where most of the words stand together, and says that something stands before and after", () => {
  const filling = "filling ".repeat(500);
  put("long.md", "Long", `A zebra alone. ${filling} Here the zebra meets a quagga and a zebra. ${filling}`);
  const snippet = index.find("zebra quagga", 1)[0]?.snippet ?? "";
  assert.match(snippet, /^….*Here the zebra meets a quagga and a zebra\..*…$/);
  assert.ok(snippet.length <= 301);
  index.remove("long.md");
});

test("words that stand everywhere are found in less than two seconds of the processor", () => {
  const common = "the of and to in is that it for on with as was at by be this from or an are which we";
  const parts = Array.from({ length: 20 }, (_, at) => ({ part: at + 1, headings: "", text: `${common} `.repeat(700) }));
  index.put("common.md", "Common", parts);
  const used = process.cpuUsage();
  assert.equal(index.find(common, 10).length, 10);
  assert.ok(process.cpuUsage(used).user < 2_000_000);
  index.remove("common.md");
});

for (const query of [
  "",
  "   ",
  '"',
  '"unclosed',
  "a AND",
  "OR",
  "NOT tea",
  "NEAR(a b",
  "title:tea",
  "tea*",
  "^tea",
  "{title} : x",
  "-tea",
  "+",
  "(((",
  "tea; DROP TABLE texts",
  "' OR 1=1 --",
  "\0",
  "a\0b",
  "\ud800",
  "😀",
  "\u200b",
]) {
  test(`${JSON.stringify(query)} is a query like any other`, () => {
    assert.ok(Array.isArray(index.find(query, 10)));
  });
}

test("no text at all makes a search fail", () => {
  const syntax = fc.constantFrom('"', "*", "(", ")", "AND", "OR", "NOT", "NEAR", ":", "^", "-", "{", "}", "+", " ", "tea", "\0", "title");
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary", maxLength: 200 }),
        fc.array(syntax).map((all) => all.join("")),
      ),
      (query) => {
        assert.ok(index.find(query, 10).length <= 10);
      },
    ),
    { numRuns: 500 },
  );
});

test("what is put again replaces what was there, and what is removed is found no more", () => {
  put("new.md", "Zebra", "An animal");
  put("new.md", "Lion", "An animal");
  assert.deepEqual(paths("zebra"), []);
  assert.deepEqual(paths("lion"), ["new.md"]);
  index.remove("new.md");
  assert.deepEqual(paths("lion"), []);
});
