import { isObject } from "../is-object.ts";
import type { JsonSchema } from "./schemas.ts";

/** Where a schema stands in another. */
export interface SchemaPlace {
  /** Keywords and names from the root, for people; "" is the root. */
  readonly place: string;
  /** The names of the members that lead here; undefined when something else than `properties` does. */
  readonly members: readonly string[] | undefined;
}

/** Keywords that hold schemas by names of the author's own choice. */
const NAMED = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]);
/** Keywords that hold data: what looks like a schema there is none. */
const DATA = new Set(["default", "const", "enum", "examples", "required", "dependentRequired"]);

/** Calls `visit` for a schema and for each within it. */
export function visitSchemas(root: JsonSchema, visit: (schema: JsonSchema, place: SchemaPlace) => void): void {
  walk(root, { place: "", members: [] });

  function walk(schema: JsonSchema, at: SchemaPlace): void {
    visit(schema, at);
    for (const [keyword, value] of Object.entries(schema)) {
      if (DATA.has(keyword) || typeof value !== "object" || value === null) continue;
      const below = join(at.place, keyword);
      if (Array.isArray(value) || NAMED.has(keyword)) {
        for (const [name, item] of Object.entries(value)) {
          const members = keyword === "properties" && at.members ? [...at.members, name] : undefined;
          if (isObject(item)) walk(item, { place: join(below, name), members });
        }
      } else if (isObject(value)) {
        walk(value, { place: below, members: undefined });
      }
    }
  }
}

function join(place: string, name: string): string {
  return place === "" ? name : `${place}.${name}`;
}
