import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { failsSaying, type OpenPacks, openPacks } from "../packs.mts";

let packs: OpenPacks;
before(async () => {
  packs = await openPacks({ CAPABILITIES: "text_analysis" });
});
after(() => packs.close());

const STORY = `The lighthouse stands on the northern cliff. Every evening the keeper climbs the stairs of the lighthouse and lights the lamp. His dog likes fish.

Ships at sea look for the lamp of the lighthouse when evening comes. The weather was fine.`;

test("a text is counted as its language counts", async () => {
  const { language, statistics } = await packs.call("analyze_text", { text: STORY });
  assert.equal(language, "en");
  assert.deepEqual(statistics, {
    characters: STORY.length,
    words: 42,
    different_words: 29,
    sentences: 5,
    paragraphs: 2,
    words_per_sentence: 8.4,
    reading_minutes: 0.18,
  });
});

test("characters are what people count as one", async () => {
  const { statistics } = await packs.call("analyze_text", { text: "é👩‍👩‍👧🇩🇪 ok" });
  assert.equal(statistics.characters, 6);
});

test("frequent words are those that tell something", async () => {
  const { frequent_words: words } = await packs.call("analyze_text", { text: STORY });
  assert.deepEqual(words.slice(0, 3), [
    { word: "lighthouse", count: 3 },
    { word: "evening", count: 2 },
    { word: "lamp", count: 2 },
  ]);
});

test("the extract has the sentences that the others speak of, as they stand and in their order", async () => {
  const { summary } = await packs.call("analyze_text", { text: STORY, summary: { sentences: 2 } });
  assert.deepEqual(summary, [
    "Every evening the keeper climbs the stairs of the lighthouse and lights the lamp.",
    "Ships at sea look for the lamp of the lighthouse when evening comes.",
  ]);
});

for (const [text, label] of [
  ["This is a wonderful, lovely place and everybody is happy.", "positive"],
  ["A terrible place. The food was awful and I hate the noise.", "negative"],
  ["It’s not good.", "negative"],
  ["The train leaves at nine from the second platform.", "neutral"],
] as const) {
  test(`"${text}" is ${label}`, async () => {
    assert.equal((await packs.call("analyze_text", { text, language: "en" })).sentiment.label, label);
  });
}

test("what is easy to read has a higher reading ease and a lower grade than what is hard", async () => {
  const of = async (text: string) => (await packs.call("analyze_text", { text, language: "en" })).readability;
  const easy = await of("The cat sat on the mat. The dog ran to the cat.");
  const hard = await of(
    "Notwithstanding considerable methodological heterogeneity, the interdisciplinary investigation demonstrated statistically significant correlations.",
  );
  assert.ok(easy.reading_ease > 90 && easy.grade < 3);
  assert.ok(hard.reading_ease < 0 && hard.grade > 16);
});

for (const [language, text, word] of [
  ["de", "Der Leuchtturm steht am Meer. Jeden Abend leuchtet der Leuchtturm für die Schiffe auf dem Wasser.", "leuchtturm"],
  ["fr", "Le phare se dresse près de la mer. Chaque soir, le phare éclaire les bateaux qui passent au loin.", "phare"],
  ["es", "El faro está junto al mar. Cada noche el faro ilumina los barcos que pasan cerca de la costa.", "faro"],
  ["ru", "Маяк стоит у моря. Каждый вечер маяк светит кораблям, которые плывут вдоль берега.", "маяк"],
  ["ja", "灯台は海のそばに立っている。毎晩、灯台は船のために光る。とても明るい。", "灯台"],
] as const) {
  test(`a text in ${language} is known as one and counted, and has no readability or sentiment`, async () => {
    const found = await packs.call("analyze_text", { text });
    assert.equal(found.language, language);
    assert.equal(found.frequent_words[0].word, word);
    assert.deepEqual([found.readability, found.sentiment], [undefined, undefined]);
  });
}

test("a text without a word is refused", async () => {
  await assert.rejects(packs.call("analyze_text", { text: " ... !!! \n" }), failsSaying("invalid_input", /no word/));
});

test("the longest texts take less than five seconds of the processor, whatever they are made of", async () => {
  const rare = Array.from({ length: 6_000 }, (_, at) => `wort${at}`).join(" ");
  for (const text of [
    "a b c. ".repeat(7_142),
    "one two three four. ".repeat(2_500),
    "x".repeat(50_000),
    `${"😀 ".repeat(16_000)}word`,
    rare.slice(0, 50_000),
    "not ".repeat(12_500),
  ]) {
    const used = process.cpuUsage();
    await packs.call("analyze_text", { text, language: "en" });
    assert.ok(process.cpuUsage(used).user < 5_000_000, text.slice(0, 10));
  }
});

test("any text with a word in it can be analyzed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 300 }), async (text) => {
      const { statistics, summary } = await packs.call("analyze_text", { text: `word ${text}` });
      assert.ok(statistics.words >= 1);
      assert.ok(summary.length >= 1);
    }),
    { numRuns: 200 },
  );
});
