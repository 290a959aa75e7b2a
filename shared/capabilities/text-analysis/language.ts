import { franc } from "franc-min";
import lists from "stopword";
import { CODES, LANGUAGES, type Language } from "./language-codes.ts";

/** The library's own names where they differ from the code: Mandarin for Chinese. */
const DETECTED: Readonly<Record<string, Language>> = {
  ...Object.fromEntries(LANGUAGES.map((language) => [CODES[language], language])),
  cmn: "zh",
};

/** Letters below which no guess is worth making. */
const MIN_LETTERS = 10;

/** The language a text is most likely in; nothing when it is too short or in none of those known. */
export function detectLanguage(text: string): Language | undefined {
  return DETECTED[franc(text, { minLength: MIN_LETTERS, only: Object.keys(DETECTED) })];
}

/** Words of a language that say little of what a text is about, in lower case. */
export function commonWords(language: Language | undefined): ReadonlySet<string> {
  return new Set(language === undefined ? [] : lists[CODES[language]]);
}
