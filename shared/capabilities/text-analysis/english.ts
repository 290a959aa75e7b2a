import { flesch } from "flesch";
import { fleschKincaid } from "flesch-kincaid";
import Sentiment from "sentiment";
import { syllable } from "syllable";
import type { Passages } from "./passages.ts";

/** What is known of English texts alone: the formulas and the word list were made for no other language. */
export interface EnglishFindings {
  readonly readability: {
    /** Flesch 1948: 0, hard, to 100, easy, and beyond. */
    readonly readingEase: number;
    /** Kincaid 1975: years of school in the United States. */
    readonly grade: number;
    readonly syllables: number;
  };
  readonly sentiment: {
    readonly label: "positive" | "neutral" | "negative";
    /** The words' scores (AFINN-165, -5 to 5) by the number of words. */
    readonly score: number;
    readonly positiveWords: readonly string[];
    readonly negativeWords: readonly string[];
  };
}

const MAX_WORDS = 10;
/** Letters: nothing longer is a word of English, and counting its syllables would take long. */
const MAX_LETTERS = 50;
/** One word of the mildest kind among twenty. */
const NEUTRAL = 0.05;

const sentiment = new Sentiment();

export function analyzeEnglish(text: string, { sentences }: Passages): EnglishFindings {
  const words = sentences.flatMap((sentence) => sentence.words);
  const syllables = words.reduce((sum, word) => sum + (word.length > MAX_LETTERS ? 1 : Math.max(1, syllable(word))), 0);
  const counts = { sentence: sentences.length, word: words.length, syllable: syllables };
  // Its list has straight apostrophes.
  const { comparative, positive, negative } = sentiment.analyze(text.replaceAll("’", "'"));
  return {
    readability: { readingEase: flesch(counts), grade: fleschKincaid(counts), syllables },
    sentiment: {
      label: comparative > NEUTRAL ? "positive" : comparative < -NEUTRAL ? "negative" : "neutral",
      score: comparative,
      positiveWords: firstOf(positive),
      negativeWords: firstOf(negative),
    },
  };
}

/** It finds words from the end. */
function firstOf(words: readonly string[]): readonly string[] {
  return [...new Set(words.toReversed())].slice(0, MAX_WORDS);
}
