import type { HeaderParameter } from "./capability.ts";
import { visitSchemas } from "./schema-walk.ts";
import type { JsonSchema } from "./schemas.ts";

const ANNOTATION = "x-mcp-header";
/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TYPES: readonly unknown[] = ["string", "integer", "boolean"] satisfies readonly HeaderParameter["type"][];

export interface HeaderParameters {
  readonly parameters: readonly HeaderParameter[];
  /** Each with the place below the schema, and the mend. */
  readonly faults: readonly string[];
}

/**
 * The members of an input that are repeated in headers. Clients drop a tool whose annotations break the rules, so that
 * each of them is a fault (MCP 2026-07-28 server/tools §x-mcp-header).
 */
export function headerParametersOf(input: JsonSchema): HeaderParameters {
  const parameters: HeaderParameter[] = [];
  const faults: string[] = [];
  const names = new Set<string>();
  visitSchemas(input, (schema, { place, members }) => {
    const header = schema[ANNOTATION];
    if (header === undefined) return;
    const fault = faultOf(header, schema["type"], members, names);
    if (fault !== undefined) {
      faults.push(`${place === "" ? "the root" : place}: ${fault}`);
      return;
    }
    names.add(String(header).toLowerCase());
    parameters.push({ header: String(header), path: members ?? [], type: schema["type"] as HeaderParameter["type"] });
  });
  return { parameters, faults };
}

function faultOf(header: unknown, type: unknown, members: readonly string[] | undefined, names: ReadonlySet<string>): string | undefined {
  if (typeof header !== "string" || !TOKEN.test(header)) return `its ${ANNOTATION} is not a header name; use letters, digits and -`;
  if (names.has(header.toLowerCase())) return `the ${ANNOTATION} "${header}" is there already; choose another`;
  if (!members || members.length === 0) return `its ${ANNOTATION} is not on a member that properties alone lead to; move it to one`;
  if (!TYPES.includes(type)) return `its ${ANNOTATION} is on a member that is no string, integer or boolean; take it away`;
  return undefined;
}
