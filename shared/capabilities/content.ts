import type { z } from "zod";
import type { ShapeResult } from "./shape-fault.ts";

/** For whom a piece of content is, and how much it matters (MCP 2026-07-28 server/resources §annotations). */
export interface Annotations {
  readonly audience?: readonly ("user" | "assistant")[];
  /** From 0, optional, to 1, needed. */
  readonly priority?: number;
  /** ISO 8601. */
  readonly lastModified?: string;
}

/** What a resource holds, as it stands in an answer. `blob` is base64. */
export type ResourceContents =
  | { readonly uri: string; readonly mimeType?: string; readonly text: string }
  | { readonly uri: string; readonly mimeType?: string; readonly blob: string };

/** One piece of what a tool shows or a prompt says (MCP 2026-07-28 schema ContentBlock). `data` is base64. */
export type ContentBlock =
  | { readonly type: "text"; readonly text: string; readonly annotations?: Annotations }
  | { readonly type: "image"; readonly data: string; readonly mimeType: string; readonly annotations?: Annotations }
  | { readonly type: "audio"; readonly data: string; readonly mimeType: string; readonly annotations?: Annotations }
  | { readonly type: "resource"; readonly resource: ResourceContents; readonly annotations?: Annotations }
  | {
      readonly type: "resource_link";
      readonly uri: string;
      readonly name: string;
      readonly title?: string;
      readonly description?: string;
      readonly mimeType?: string;
      /** Bytes. */
      readonly size?: number;
      readonly annotations?: Annotations;
    };

/** Content beside, or instead of, a structured output. Made by {@link answer}. */
export class Answer<O> {
  readonly content: readonly ContentBlock[];
  readonly output: O | undefined;

  constructor(content: readonly ContentBlock[], output: O | undefined) {
    this.content = content;
    this.output = output;
  }
}

/**
 * An answer that shows something of its own: pictures, sounds, resources, or text that is not the output written as JSON.
 * @param output Needed when the capability declares one.
 */
export function answer<O = never>(content: readonly ContentBlock[], output?: O): Answer<O> {
  return new Answer(content, output);
}

/** What a capability gave, checked. */
export interface Outcome {
  /** Absent for a capability that declares no output. */
  readonly output?: Readonly<Record<string, unknown>>;
  /** Empty when the output says it all. */
  readonly content: readonly ContentBlock[];
}

/** A JSON Schema 2020-12 whose root is an object. */
export type ObjectSchema = { readonly type: "object"; readonly [keyword: string]: unknown };

/** A schema that comes from elsewhere: kept as written. Made by `rawSchema` of raw-schema.ts. */
export interface RawSchema {
  readonly jsonSchema: ObjectSchema;
  /** What is wrong with the schema, with the mend; nothing when it can be used. */
  fault(): string | undefined;
  /** Says whether a value fits. @throws {Error} for a schema that is none. */
  check(value: unknown): ShapeResult;
}

/** How a shape is declared: by zod, or as the JSON Schema it already is. */
export type Shape = z.ZodObject | RawSchema;

export function isRaw(shape: Shape): shape is RawSchema {
  return !("_zod" in shape);
}

/** Whether something is a shape, whoever wrote it: types say so only to those who have them checked. */
export function isShape(value: unknown): value is Shape {
  if (typeof value !== "object" || value === null) return false;
  if ("_zod" in value) return (value as z.ZodType).def.type === "object";
  return "jsonSchema" in value && "check" in value;
}

/** What comes out of a shape's check. */
export type Checked<S extends Shape> = S extends z.ZodObject ? z.output<S> : Readonly<Record<string, unknown>>;
/** What goes into it. */
export type Unchecked<S extends Shape> = S extends z.ZodObject ? z.input<S> : Readonly<Record<string, unknown>>;
