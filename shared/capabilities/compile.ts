import type { z } from "zod";
import {
  type Access,
  type Caller,
  type Capability,
  type CapabilityDefinition,
  CapabilityError,
  type Context,
  type InputFault,
} from "./capability.ts";
import { inputSchemaOf, isObjectSchema, outputSchemaOf, refuseUnknown } from "./schemas.ts";

/** Faults named in one answer, and characters of a name that came from the caller. */
const MAX_FAULTS = 20;
const MAX_NAME = 60;

/** Makes a definition callable; the registry has checked it. */
export function compile(definition: CapabilityDefinition): Capability {
  const input = refuseUnknown(definition.input);
  const inputSchema = inputSchemaOf(input);
  const outputSchema = outputSchemaOf(definition.output);
  if (!isObjectSchema(inputSchema) || !isObjectSchema(outputSchema)) throw new Error(`${definition.name} was not checked`);

  return {
    name: definition.name,
    title: definition.title,
    description: definition.description,
    access: definition.scopes,
    effect: definition.effect,
    idempotent: definition.effect === "read" || definition.idempotent === true,
    path: definition.path,
    inputSchema,
    outputSchema,
    async call(given, context) {
      checkAccess(definition.scopes, context.caller);
      const result = await definition.run(parseInput(input, given), context);
      return parseOutput(definition, result, context);
    },
  };
}

function checkAccess(access: Access, caller: Caller | undefined): void {
  if (access === "public") return;
  if (!caller) throw new CapabilityError("unauthenticated", "This needs a signed-in person.");
  if (access.every((scope) => caller.scopes.has(scope))) return;
  throw new CapabilityError("insufficient_scope", `This needs the scopes ${access.join(" ")}.`, { scopes: access });
}

/** Absent arguments are no arguments. */
function parseInput<I extends z.ZodObject>(schema: I, given: unknown): z.output<I> {
  const parsed = schema.safeParse(given ?? {}, { error: requiredMessage });
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap(faultsOf).slice(0, MAX_FAULTS);
  const words = faults.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`));
  throw new CapabilityError("invalid_input", `The input is not valid. ${words.join("; ")}`, { faults });
}

function requiredMessage(issue: z.core.$ZodRawIssue): string | undefined {
  return issue.code === "invalid_type" && issue.input === undefined ? "is required" : undefined;
}

function faultsOf(issue: z.core.$ZodIssue): InputFault[] {
  if (issue.code !== "unrecognized_keys") return [{ field: fieldOf(issue.path), message: issue.message }];
  return issue.keys.map((key) => ({ field: fieldOf([...issue.path, key]), message: "is not known here" }));
}

/** `items[2].title`, with what the caller made up kept short. */
function fieldOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part).slice(0, MAX_NAME)}`))
    .join("")
    .replace(/^\./, "");
}

/** What does not fit its schema is a fault of the capability: the log says where, and nobody gets the data. */
function parseOutput({ name, output }: CapabilityDefinition, result: unknown, context: Context): Record<string, unknown> {
  const parsed = output.safeParse(result);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.map(({ path, code }) => `${fieldOf(path)}: ${code}`);
  context.log.error({ capability: name, places }, "an output does not fit its schema");
  throw new CapabilityError("internal", "Something went wrong on our side.");
}
