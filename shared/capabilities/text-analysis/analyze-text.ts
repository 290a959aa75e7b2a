import { z } from "zod";
import { CapabilityError, defineCapability } from "../capability.ts";
import { LANGUAGES } from "./language-codes.ts";
import { type Passages, passagesOf } from "./passages.ts";
import { summarize } from "./summary.ts";

const MAX_TEXT = 50_000;
const MAX_SUMMARY = 10;
const MAX_FREQUENT = 10;
const MAX_SENTENCE = 1_000;
/** Words that people read in a minute, silently (Brysbaert 2019). */
const READING_SPEED = 238;

export const analyzeText = defineCapability({
  name: "analyze_text",
  title: "Analyze a text",
  description:
    "Use this when exact figures about a text are needed: words, sentences, reading time, frequent words, key sentences; for English also readability and sentiment. Counts by rules and word lists, without a language model.",
  scopes: [],
  effect: "read",
  input: z.object({
    text: z.string().min(1).max(MAX_TEXT).describe("The text."),
    language: z
      .enum(LANGUAGES)
      .optional()
      .describe("The text's language, ISO 639-1; found out when left out, which needs a sentence or two."),
    // An object, so that REST takes all of it in a body: a text is too long for a query.
    summary: z
      .object({ sentences: z.int().min(1).max(MAX_SUMMARY).default(3).describe("How many sentences.") })
      .default({ sentences: 3 })
      .describe("How long the extract is."),
  }),
  output: z.object({
    language: z.string().optional().describe("The language that was assumed, ISO 639-1; absent when it is not known."),
    statistics: z
      .object({
        characters: z.int().describe("Characters as people count them."),
        words: z.int().describe("Words."),
        different_words: z.int().describe("Words that are not the same."),
        sentences: z.int().describe("Sentences."),
        paragraphs: z.int().describe("Paragraphs."),
        words_per_sentence: z.number().describe("Words of a sentence on average."),
        reading_minutes: z.number().describe("Minutes that reading takes."),
      })
      .describe("Counts."),
    frequent_words: z
      .array(z.object({ word: z.string().describe("The word."), count: z.int().describe("How often it is there.") }))
      .describe("The most frequent words, without those that every text of its language has."),
    summary: z.array(z.string()).describe("The sentences that say most, word for word and in their order."),
    readability: z
      .object({
        reading_ease: z.number().describe("Flesch reading ease: 90 and more very easy, 60 plain, 30 and less very hard."),
        grade: z.number().describe("Flesch-Kincaid grade: years of school in the United States."),
      })
      .optional()
      .describe("How hard the text is to read; English only."),
    sentiment: z
      .object({
        label: z.enum(["positive", "neutral", "negative"]).describe("In a word."),
        score: z.number().describe("The words' scores, -5 to 5 each, by the number of words."),
        positive_words: z.array(z.string()).describe("Words that speak well of something."),
        negative_words: z.array(z.string()).describe("Words that speak badly of something."),
      })
      .optional()
      .describe("The mood of the words, which takes no account of irony; English only."),
  }),
  async run({ text, language: given, summary: { sentences: wanted } }) {
    const { commonWords, detectLanguage } = await import("./language.ts");
    const language = given ?? detectLanguage(text);
    const passages = passagesOf(text, language);
    const { sentences, paragraphs, characters } = passages;
    const words = sentences.flatMap((sentence) => sentence.words);
    if (words.length === 0)
      throw new CapabilityError("invalid_input", "There is no word in the text.", { faults: [{ field: "text", message: "has no word" }] });
    const common = commonWords(language);
    return {
      ...(language === undefined ? {} : { language }),
      statistics: {
        characters,
        words: words.length,
        different_words: new Set(words).size,
        sentences: sentences.length,
        paragraphs,
        words_per_sentence: rounded(words.length / sentences.length),
        reading_minutes: rounded(words.length / READING_SPEED),
      },
      frequent_words: frequent(words.filter((word) => !common.has(word))),
      summary: summarize(sentences, wanted, common).map((sentence) => sentence.slice(0, MAX_SENTENCE).toWellFormed()),
      ...(language === "en" ? await english(text, passages) : {}),
    };
  },
});

async function english(text: string, passages: Passages) {
  const { analyzeEnglish } = await import("./english.ts");
  const { readability, sentiment } = analyzeEnglish(text, passages);
  return {
    readability: { reading_ease: rounded(readability.readingEase), grade: rounded(readability.grade) },
    sentiment: {
      label: sentiment.label,
      score: rounded(sentiment.score),
      positive_words: [...sentiment.positiveWords],
      negative_words: [...sentiment.negativeWords],
    },
  };
}

/** Words of one letter and figures tell nothing, except where a letter is a word. */
function frequent(words: readonly string[]) {
  const counts = new Map<string, number>();
  for (const word of words)
    if (/\p{L}/u.test(word) && (word.length > 1 || /\p{Script=Han}/u.test(word))) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .sort(([a, timesA], [b, timesB]) => timesB - timesA || (a < b ? -1 : 1))
    .slice(0, MAX_FREQUENT)
    .map(([word, count]) => ({ word, count }));
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
