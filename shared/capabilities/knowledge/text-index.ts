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

type Row = Omit<Found, "snippet"> & { readonly number: number };

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
/** Characters of a snippet, of the stretch in which found words count together, and of what stands before the first. */
const MAX_SNIPPET = 300;
const WINDOW = 200;
const LEAD = 60;

/** Words that differ by their ending or their accents are the same. Titles weigh more than headings, those more than text. */
const SCHEMA = `
  CREATE TABLE parts (number INTEGER PRIMARY KEY, path TEXT NOT NULL, part INTEGER NOT NULL, title TEXT NOT NULL);
  CREATE INDEX parts_of ON parts (path);
  CREATE VIRTUAL TABLE texts USING fts5 (title, headings, body, tokenize = "porter unicode61 remove_diacritics 2");
`;
const FIND = `
  SELECT number, path, part, parts.title AS title
  FROM texts JOIN parts ON parts.number = texts.rowid
  WHERE texts MATCH ? ORDER BY bm25(texts, 10.0, 4.0, 1.0), path, part LIMIT ?
`;
const MARK = "\u0001";
/** FTS5's own snippets take time that grows with the square of how often the words are there: seconds for a common one. */
const TEXT = "SELECT highlight(texts, 2, char(1), '') AS marked FROM texts WHERE texts MATCH ? AND rowid = ?";

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
  const textOf = database.prepare(TEXT);

  const remove = (path: string) => {
    deleteTexts.run(path);
    deleteParts.run(path);
  };
  const found = (expression: string, limit: number) =>
    (find.all(expression, limit) as unknown as Row[]).map(({ number, ...row }): Found => {
      const { marked } = textOf.get(expression, number) as unknown as { readonly marked: string };
      return { ...row, snippet: snippetOf(marked) };
    });

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

/** Where most marks stand together, from a word's beginning shortly before the first of them. */
function snippetOf(marked: string): string {
  const marks: number[] = [];
  for (let at = marked.indexOf(MARK); at >= 0; at = marked.indexOf(MARK, at + 1)) marks.push(at);
  let densest = 0;
  let most = 0;
  for (let first = 0, next = 0; first < marks.length; first++) {
    while (next < marks.length && (marks[next] ?? 0) - (marks[first] ?? 0) < WINDOW) next++;
    if (next - first > most) {
      most = next - first;
      densest = marks[first] ?? 0;
    }
  }
  const early = Math.max(0, densest - LEAD);
  const start = early === 0 ? 0 : early + Math.max(0, marked.slice(early, densest).search(/(?<=[\s\u200b])/));
  const end = start + 2 * MAX_SNIPPET;
  return `${start > 0 ? "…" : ""}${oneLine(marked.slice(start, end))}`;
}

function oneLine(text: string): string {
  const line = text.replaceAll(MARK, "").replaceAll("\u200b", "").replace(/\s+/g, " ").trim();
  return (line.length > MAX_SNIPPET ? `${line.slice(0, MAX_SNIPPET - 1)}…` : line).toWellFormed();
}
