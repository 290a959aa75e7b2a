import { type ParseResult, parseSync } from "oxc-parser";

/** Something Encore would refuse or silently misread. */
export interface Finding {
  /** Relative to the app's folder. */
  readonly file: string;
  readonly line: number;
  readonly message: string;
  /** What to do about it. */
  readonly mend: string;
}

/** A `.ts` file of the app, parsed. */
export interface Source {
  /** Relative to the app's folder, with forward slashes. */
  readonly file: string;
  readonly text: string;
  readonly parsed: ParseResult;
  /** A finding at an offset of the text. */
  finding(at: number, message: string, mend: string): Finding;
}

export function parseSource(file: string, text: string): Source {
  const parsed = parseSync(file, text, { lang: "ts", sourceType: "module" });
  const lineOf = (at: number) => text.slice(0, at).split("\n").length;
  return { file, text, parsed, finding: (at, message, mend) => ({ file, line: lineOf(at), message, mend }) };
}
