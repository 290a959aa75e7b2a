import { DatabaseSync } from "node:sqlite";
import type { Words } from "./document.ts";

/** One part of a document, as it is found. */
export interface IndexedPart extends Words {
  /** From 1. */
  readonly part: number;
}

export interface Found {
  readonly path: string;
  readonly part: number;
  readonly title: string;
  /** What stands around the words that were found, in one line. */
  readonly snippet: string;
}

export interface TextIndex {
  /** Takes a document in, in place of what it was. */
  put(path: string, title: string, parts: readonly IndexedPart[]): void;
  remove(path: string): void;
  /**
   * The best first. Any text is a query: its words are looked for all together; when nothing has them all, any of them;
   * when nothing has any, as beginnings of words.
   */
  find(query: string, limit: number): readonly Found[];
  close(): void;
}

const MAX_WORDS = 32;
const MAX_SNIPPET = 300;

/** Words that differ by their ending or their accents are the same. Titles weigh more than headings, those more than text. */
const SCHEMA = `
  CREATE TABLE parts (number INTEGER PRIMARY KEY, path TEXT NOT NULL, part INTEGER NOT NULL, title TEXT NOT NULL);
  CREATE INDEX parts_of ON parts (path);
  CREATE VIRTUAL TABLE texts USING fts5 (title, headings, body, tokenize = "porter unicode61 remove_diacritics 2");
`;
const FIND = `
  SELECT path, part, parts.title AS title, snippet(texts, 2, '', '', '…', 48) AS snippet
  FROM texts JOIN parts ON parts.number = texts.rowid
  WHERE texts MATCH ? ORDER BY bm25(texts, 10.0, 4.0, 1.0), path, part LIMIT ?
`;

/** Expressions of FTS5, from the strictest; in quotation marks nothing is syntax. */
const WAYS: readonly ((words: readonly string[]) => string)[] = [
  (words) => words.map(quoted).join(" AND "),
  (words) => words.map(quoted).join(" OR "),
  (words) => words.map((word) => `${quoted(word)} *`).join(" OR "),
];

/** Full text in memory (SQLite FTS5): made of the files at each start, so that there is nothing to keep in step. */
export function createTextIndex(): TextIndex {
  const database = new DatabaseSync(":memory:");
  database.exec(SCHEMA);
  const insertPart = database.prepare("INSERT INTO parts (path, part, title) VALUES (?, ?, ?)");
  const insertText = database.prepare("INSERT INTO texts (rowid, title, headings, body) VALUES (?, ?, ?, ?)");
  const deleteTexts = database.prepare("DELETE FROM texts WHERE rowid IN (SELECT number FROM parts WHERE path = ?)");
  const deleteParts = database.prepare("DELETE FROM parts WHERE path = ?");
  const find = database.prepare(FIND);

  const remove = (path: string) => {
    deleteTexts.run(path);
    deleteParts.run(path);
  };
  const found = (expression: string, limit: number) =>
    (find.all(expression, limit) as unknown as Found[]).map((row) => ({ ...row, snippet: oneLine(row.snippet) }));

  return {
    put(path, title, parts) {
      remove(path);
      for (const { part, headings, text } of parts) {
        const { lastInsertRowid } = insertPart.run(path, part, title);
        insertText.run(lastInsertRowid, apart(title), apart(headings), apart(text));
      }
    },
    remove,
    find(query, limit) {
      const words = wordsIn(query);
      if (words.length === 0) return [];
      for (const expressionOf of WAYS) {
        const results = found(expressionOf(words), limit);
        if (results.length > 0) return results;
      }
      return [];
    },
    close: () => database.close(),
  };
}

/** Whatever is not a word would be syntax, or nothing at all. */
function wordsIn(query: string): readonly string[] {
  const words = apart(query)
    .replace(/["\p{Cc}\p{Cs}]/gu, " ")
    .split(/[\s\u200b]+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word));
  return [...new Set(words)].slice(0, MAX_WORDS);
}

function quoted(word: string): string {
  return `"${word}"`;
}

const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]{2,}/gu;
const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });

/** Scripts that write without spaces get invisible ones between their words, which is where FTS5 looks for words. */
function apart(text: string): string {
  return text.replace(UNSPACED, (run) => Array.from(segmenter.segment(run), ({ segment }) => segment).join("\u200b"));
}

function oneLine(snippet: string): string {
  return snippet.replaceAll("\u200b", "").replace(/\s+/g, " ").trim().slice(0, MAX_SNIPPET).toWellFormed();
}
