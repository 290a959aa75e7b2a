import type { FuncKeywordDefinition } from "ajv/dist/2020.js";

/**
 * `uniqueItems` in a time that grows with the list (JSON Schema 2020-12 validation §6.4.3). Ajv's own compares each item
 * that is no scalar with each other one: ten thousand of them, which are a small request, take it seconds.
 */
export const uniqueItems: FuncKeywordDefinition = {
  keyword: "uniqueItems",
  type: "array",
  schemaType: "boolean",
  error: { message: "must not have the same item twice" },
  validate: (wanted: boolean, items: readonly unknown[]) => !wanted || new Set(items.map(textOf)).size === items.length,
};

/** The same text for the same value: the order of members says nothing (JSON Schema 2020-12 core §4.2.2). */
function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join(",")}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${textOf(member)}`).join(",")}}`;
}
