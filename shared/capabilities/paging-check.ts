import type { CapabilityDefinition } from "./capability.ts";
import type { Shape } from "./content.ts";
import { inputSchemaOf, type JsonSchema, outputSchemaOf, propertiesOf } from "./schemas.ts";

/** What the cut of a long answer writes, and what the next call brings. */
const OUTPUT_MEMBERS = ["next_cursor", "note"] as const;

/** All that is wrong with how a capability's long answers are cut; its schemas can be written down. */
export function pagingFaults({ name, paging, input, output }: CapabilityDefinition<Shape, Shape>): string[] {
  if (!paging) return [];
  const place = `${name}.paging`;
  if (!output) return [`${place}: is there without an output; take it away`];
  const [member, type] = "list" in paging ? [paging.list, "array"] : [paging.text, "string"];
  const answer = written(() => outputSchemaOf(output));
  const asked = written(() => inputSchemaOf(input));
  const faults = memberOf(answer, member)?.["type"] === type ? [] : [`${place}: "${member}" is no ${type} of the output; name one that is`];
  return [
    ...faults,
    ...OUTPUT_MEMBERS.filter((needed) => !isOptionalText(answer, needed)).map(
      (needed) => `${place}: the output has no optional text "${needed}"; add one`,
    ),
    ...(isOptionalText(asked, "cursor") ? [] : [`${place}: the input has no optional text "cursor"; add one`]),
  ];
}

/** What cannot be written down is said of the schema itself. */
function written(write: () => JsonSchema): JsonSchema {
  try {
    return write();
  } catch {
    return {};
  }
}

function memberOf(schema: JsonSchema, wanted: string): JsonSchema | undefined {
  return propertiesOf(schema).find(([name]) => name === wanted)?.[1];
}

function isOptionalText(schema: JsonSchema, name: string): boolean {
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  return memberOf(schema, name)?.["type"] === "string" && !required.includes(name);
}
