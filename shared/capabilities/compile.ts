import { type Awaitable, andThen } from "../awaitable.ts";
import type { SurfaceName } from "../bearer/audience.ts";
import { requireAccess } from "./access.ts";
import { type Caller, type Capability, type CapabilityDefinition, CapabilityError, type Context, type Prepared } from "./capability.ts";
import { Answer, type ContentBlock, type ObjectSchema, type Outcome, type Shape } from "./content.ts";
import { headerParametersOf } from "./header-parameters.ts";
import { shortened } from "./paging.ts";
import { inputSchemaOf, isObjectSchema, type JsonSchema, outputSchemaOf, refuseUnknown } from "./schemas.ts";
import { checkOf } from "./shape.ts";
import { type ShapeCheck, wordsOf } from "./shape-fault.ts";
import { withTimeLimit } from "./time-limit.ts";

const BOTH: readonly SurfaceName[] = ["mcp", "actions"];
const NO_ALIASES: readonly string[] = [];
const NO_CONTENT: readonly ContentBlock[] = [];

/** Where a capability is offered. */
export function surfacesOf({ surfaces = BOTH }: Pick<CapabilityDefinition, "surfaces">): readonly SurfaceName[] {
  return surfaces;
}

/**
 * Makes a definition callable; the registry has checked it.
 * @param callTimeLimit Milliseconds, for a definition that sets none.
 */
export function compile(definition: CapabilityDefinition, callTimeLimit: number): Capability {
  const { timeLimit = callTimeLimit } = definition;
  // Work that outlives its request is bounded by its task's life.
  const taskLimit = definition.longRunning ? (definition.timeLimit ?? Number.POSITIVE_INFINITY) : timeLimit;
  const input = refuseUnknown(definition.input);
  const inputSchema = objectSchema(definition, inputSchemaOf(input));
  const checkInput = checkOf(input);
  const readOutcome = outcomeReader(definition);

  /** Access comes first: a stranger learns nothing of the input. */
  const admit = (given: unknown, caller: Caller | undefined): Readonly<Record<string, unknown>> => {
    requireAccess(definition.scopes, caller);
    return readInput(checkInput, given);
  };
  const prepare = (limit: number, checked: Readonly<Record<string, unknown>>, context: Context): unknown => {
    if (!definition.prepare) return undefined;
    return withTimeLimit(limit, context, (timed) => definition.prepare?.(checked, timed));
  };
  const run = (limit: number, checked: Readonly<Record<string, unknown>>, context: Context, prepared: unknown): Awaitable<Outcome> =>
    andThen(
      withTimeLimit(limit, context, (timed) => definition.run(checked, timed, prepared)),
      (result) => readOutcome(result, context),
    );

  return {
    name: definition.name,
    title: definition.title,
    description: definition.description,
    access: definition.scopes,
    effect: definition.effect,
    idempotent: definition.effect === "read" || definition.idempotent === true,
    openWorld: definition.openWorld === true,
    surfaces: surfacesOf(definition),
    path: definition.path,
    aliases: definition.aliases ?? NO_ALIASES,
    inputSchema,
    outputSchema: definition.output && objectSchema(definition, outputSchemaOf(definition.output)),
    headerParameters: headerParametersOf(inputSchema).parameters,
    longRunning: definition.longRunning,
    timeLimit,
    singleUseAnswers: definition.singleUseAnswers === true,
    async prepare(given, context, patience = timeLimit): Promise<Prepared> {
      const checked = admit(given, context.caller);
      const prepared = await prepare(Math.min(timeLimit, patience), checked, context);
      return { run: async (later) => run(taskLimit, checked, later, prepared) };
    },
    call(given, context, patience = Number.POSITIVE_INFINITY) {
      const checked = admit(given, context.caller);
      const limit = Math.min(timeLimit, patience);
      if (!definition.prepare) return run(limit, checked, context, undefined);
      const startedAt = performance.now();
      return andThen(prepare(limit, checked, context), (prepared) =>
        run(Math.min(timeLimit, patience - (performance.now() - startedAt)), checked, context, prepared),
      );
    },
    shorten: (output, given, most) => definition.paging && shortened(definition.paging, output, readInput(checkInput, given), most),
  };
}

function objectSchema({ name }: CapabilityDefinition, schema: JsonSchema): ObjectSchema {
  if (!isObjectSchema(schema)) throw new Error(`${name} was not checked`);
  return schema;
}

/** Absent arguments are no arguments. */
function readInput(check: ShapeCheck, given: unknown): Readonly<Record<string, unknown>> {
  const checked = check(given ?? {});
  if (checked.success) return checked.data;
  const faults = checked.faults.map(({ field, message }) => ({ field, message }));
  throw new CapabilityError("invalid_input", `The input is not valid. ${wordsOf(faults)}`, { faults });
}

/** What does not fit its declaration is a fault of the capability: the log says where, and nobody gets the data. */
function outcomeReader({ name, output }: Pick<CapabilityDefinition<Shape, Shape>, "name" | "output">) {
  const check = output && checkOf(output);
  const fail = (context: Context, places: readonly string[], message: string): never => {
    context.log.error({ capability: name, places }, message);
    throw new CapabilityError("internal", "Something went wrong on our side.");
  };

  return (result: unknown, context: Context): Outcome => {
    const shown = result instanceof Answer;
    const value: unknown = shown ? result.output : result;
    const content: readonly ContentBlock[] = shown ? result.content : NO_CONTENT;
    if (!check) {
      if (shown && value === undefined) return { content };
      return fail(context, [], "a capability that declares no output gave one, or no content");
    }
    const checked = check(value);
    if (checked.success) return { output: checked.data, content };
    const places = checked.faults.map(({ field, rule }) => `${field}: ${rule}`);
    return fail(context, places, "an output does not fit its schema");
  };
}
