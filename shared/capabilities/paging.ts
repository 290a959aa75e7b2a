import type { Paging } from "./capability.ts";

type Members = Readonly<Record<string, unknown>>;

/** What an answer says that was cut. */
export const CUT_NOTE = "The answer was too long and is cut here. Call again with next_cursor as cursor for the rest.";

/** Texts are cut at a line's or a word's end if that is in the last part of what fits. */
const BOUNDARY_PART = 0.2;

/**
 * An answer with so much left out that its JSON has at most `most` characters, and a cursor that leads on.
 * @returns Nothing when not even one item, or one character, fits.
 */
export function shortened(paging: Paging, output: Members, input: Members, most: number): Members | undefined {
  return "list" in paging ? shortenList(paging, output, input, most) : shortenText(paging, output, input, most);
}

function shortenList({ list, cursorAfter }: Paging & { readonly list: string }, output: Members, input: Members, most: number) {
  const items = output[list];
  if (!Array.isArray(items)) return undefined;
  const cutAt = (kept: number) => cut(output, list, items.slice(0, kept), cursorAfter(kept, output, input));
  return largest(items.length - 1, cutAt, most)?.answer;
}

function shortenText({ text: member, cursorAfter }: Paging & { readonly text: string }, output: Members, input: Members, most: number) {
  const text = output[member];
  if (typeof text !== "string") return undefined;
  const cutAt = (kept: number) => cut(output, member, text.slice(0, kept), cursorAfter(kept, output, input));
  const found = largest(text.length - 1, cutAt, most);
  return found && cutAt(boundaryBefore(text, found.kept));
}

function cut(output: Members, member: string, value: unknown, cursor: string): Members {
  return { ...output, [member]: value, next_cursor: cursor, note: CUT_NOTE };
}

/** The longest answer that fits, found by halving; cursors of different length make no difference that matters. */
function largest(atMost: number, cutAt: (kept: number) => Members, most: number) {
  let low = 0;
  let high = atMost;
  let answer: Members | undefined;
  while (low < high) {
    const kept = Math.ceil((low + high) / 2);
    const candidate = cutAt(kept);
    if (JSON.stringify(candidate).length <= most) {
      low = kept;
      answer = candidate;
    } else {
      high = kept - 1;
    }
  }
  return answer && { kept: low, answer };
}

/** Never between the halves of a surrogate pair. */
function boundaryBefore(text: string, end: number): number {
  const from = Math.floor(end * (1 - BOUNDARY_PART));
  const tail = text.slice(from, end);
  for (const boundary of ["\n\n", "\n", " "]) {
    const at = tail.lastIndexOf(boundary);
    if (at >= 0) return from + at + boundary.length;
  }
  return /[\uD800-\uDBFF]/.test(text.charAt(end - 1)) && end > 1 ? end - 1 : end;
}
