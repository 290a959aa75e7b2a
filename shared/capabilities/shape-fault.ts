/** One thing wrong with an input. `field` is a JSON path without the leading `$.`; "" is the input itself. */
export interface InputFault {
  readonly field: string;
  readonly message: string;
}

/** Characters of a name that came from the caller. */
const MAX_NAME = 60;

/** One thing wrong with a value. */
export interface ShapeFault extends InputFault {
  /** The rule that was broken, without the value: for the log. */
  readonly rule: string;
}

export type ShapeResult =
  | { readonly success: true; readonly data: Readonly<Record<string, unknown>> }
  | { readonly success: false; readonly faults: readonly ShapeFault[] };

/** Says whether a value has a shape, and what is wrong when it has not. */
export type ShapeCheck = (value: unknown) => ShapeResult;

/** `items[2].title`, with what the caller made up kept short. */
export function fieldOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part).slice(0, MAX_NAME)}`))
    .join("")
    .replace(/^\./, "");
}

/** All faults in one line, for a message. */
export function wordsOf(faults: readonly InputFault[]): string {
  return faults.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`)).join("; ");
}
