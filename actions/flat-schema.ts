/** The keywords this room reads; the others pass through. */
export interface Schema {
  readonly type?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly [keyword: string]: unknown;
}

/**
 * A schema with its own definitions put in where they are referred to: ChatGPT resolves references within a document,
 * not within a schema, and reads a flat one best.
 *
 * @throws {Error} for a reference that is not to `$defs`, or that leads back to itself.
 */
export function flatten(root: Readonly<Record<string, unknown>>): Schema {
  const definitions = (root["$defs"] ?? {}) as Readonly<Record<string, unknown>>;

  function walk(value: unknown, open: readonly string[]): unknown {
    if (Array.isArray(value)) return value.map((item) => walk(item, open));
    if (typeof value !== "object" || value === null) return value;
    const { $ref, $defs, ...rest } = value as Readonly<Record<string, unknown>>;
    const members = Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, walk(member, open)]));
    if (typeof $ref !== "string") return members;
    const name = /^#\/\$defs\/(.+)$/.exec($ref)?.[1] ?? "";
    const definition = definitions[name];
    if (definition === undefined || open.includes(name)) throw new Error(`the reference ${$ref} cannot be put in place`);
    return { ...(walk(definition, [...open, name]) as object), ...members };
  }

  return walk(root, []) as Schema;
}
