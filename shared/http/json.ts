import { isUtf8 } from "node:buffer";
import { Refusal } from "../refusal.ts";

/** How much a JSON text may hold. */
export interface JsonLimits {
  /** How deeply objects and lists may be nested: whatever walks the value later must not run out of stack. */
  readonly depth: number;
  /** Members, elements, objects and lists in all: a check may find a fault in each, which is hundreds of bytes for one. */
  readonly values: number;
}

/** Why a body is not taken: it is no JSON in UTF-8 (`syntax`), or more of it than may be (`excess`). */
export class JsonError extends Refusal {
  override readonly name = "JsonError";
  readonly code: "syntax" | "excess";

  constructor(code: JsonError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws {JsonError} */
export function parseJson(body: Buffer, limits: JsonLimits): unknown {
  if (!isUtf8(body)) throw new JsonError("syntax", "The body is not UTF-8.");
  const text = body.toString("utf8");
  const { depth, values } = sizeOf(text);
  if (depth > limits.depth) throw new JsonError("excess", `The body is nested more than ${limits.depth} deep.`);
  if (values > limits.values) throw new JsonError("excess", `The body has more than ${limits.values} values.`);
  try {
    return JSON.parse(text);
  } catch {
    throw new JsonError("syntax", "The body is not JSON.");
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** How deep the brackets go that are not in strings, and how many of them and of the commas between values there are. */
function sizeOf(text: string): JsonLimits {
  let depth = 0;
  let deepest = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === 0x7b || code === 0x5b) {
      depth++;
      values++;
      if (depth > deepest) deepest = depth;
    } else if (code === COMMA) values++;
    else if (code === 0x7d || code === 0x5d) depth--;
  }
  return { depth: deepest, values };
}

/** Where the string that begins at `start` has its closing quote; the text's end where it has none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}
