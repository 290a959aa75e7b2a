/** A sentence as it stands, with its words. */
export interface Sentence {
  readonly text: string;
  /** In lower case, in order. */
  readonly words: readonly string[];
}

/** A text taken apart by the rules of its language (Unicode UAX 29). */
export interface Passages {
  readonly sentences: readonly Sentence[];
  readonly paragraphs: number;
  /** What people count as one, an accented letter or an emoji. */
  readonly characters: number;
}

/** @param locale A language's code; the rules that hold for most when absent. */
export function passagesOf(text: string, locale: string | undefined): Passages {
  const paragraphs = text.split(/\n\s*\n/).filter((paragraph) => paragraph.trim() !== "");
  const bySentence = new Intl.Segmenter(locale, { granularity: "sentence" });
  const byWord = new Intl.Segmenter(locale, { granularity: "word" });
  const byCharacter = new Intl.Segmenter(locale, { granularity: "grapheme" });
  const sentences = paragraphs.flatMap((paragraph) =>
    Array.from(bySentence.segment(paragraph.replace(/\s+/g, " ")), ({ segment }) => ({
      text: segment.trim(),
      words: Array.from(byWord.segment(segment))
        .filter(({ isWordLike }) => isWordLike)
        .map(({ segment: word }) => word.toLocaleLowerCase(locale)),
    })).filter(({ words }) => words.length > 0),
  );
  let characters = 0;
  for (const _ of byCharacter.segment(text)) characters++;
  return { sentences, paragraphs: paragraphs.length, characters };
}
