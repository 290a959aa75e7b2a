import { requireAccess } from "../../shared/capabilities/access.ts";
import { CapabilityError } from "../../shared/capabilities/capability.ts";
import { createCompletionContext } from "../../shared/capabilities/context.ts";
import type { Completer } from "../../shared/capabilities/features.ts";
import { isObject } from "../../shared/is-object.ts";
import { createAllowances, type Rate } from "../../shared/limits/allowance.ts";
import type { Service } from "../../shared/service.ts";
import { McpError } from "../protocol/errors.ts";
import type { Call, MethodHandler } from "./call.ts";
import { protocolError } from "./failure.ts";
import { renderResult } from "./result.ts";

/** MCP 2026-07-28 server/utilities/completion §completion-results. */
const MAX_VALUES = 100;
/** A person types no faster (MCP 2026-07-28 server/utilities/completion §implementation-considerations). */
const RATE: Rate = { burst: 50, perSecond: 10 };

/** Strangers share one. */
function createCompletionLimit({ clock }: Service): (subject: string) => boolean {
  return createAllowances(RATE, clock);
}

/** `completion/complete`: whoever may not use a thing is given no suggestions for it either. */
export const complete: MethodHandler = async (call) => {
  const { ref, argument, context } = call.params;
  if (!call.service.part(createCompletionLimit)(call.caller?.subject ?? "")) {
    throw new McpError("invalid_request", "Too many completions at once. Ask again in a second.");
  }
  const { name, value } = readArgument(argument);
  const filled = readFilled(context);
  const completer = completerOf(call, ref, name);
  const values = completer ? await suggest(call, completer, value, filled) : [];
  const completion = { values: values.slice(0, MAX_VALUES), total: values.length, hasMore: values.length > MAX_VALUES };
  return renderResult(call.era, { completion });
};

async function suggest(
  { service, caller, origin }: Call,
  completer: Completer,
  typed: string,
  filled: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  try {
    return await withinTime(service.config.callTimeLimit, async (late) => {
      const limited = {
        id: origin.id,
        get signal() {
          return AbortSignal.any([origin.signal, late]);
        },
      };
      return completer(typed, createCompletionContext(service, caller, limited, filled));
    });
  } catch (error) {
    throw protocolError(error);
  }
}

/** @param work Is given a signal that aborts when the time is up. @throws {CapabilityError} `timed_out` */
async function withinTime<T>(limit: number, work: (late: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new CapabilityError("timed_out", "It took longer than it may.");
    controller.abort(error);
    reject(error);
  }, limit);
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What completes the argument; nothing when it takes any text, or has no completer.
 * @throws {McpError} `invalid_params` for a reference to nothing that is offered.
 */
function completerOf({ service, caller }: Call, ref: unknown, argument: string): Completer | undefined {
  const { catalog } = service.registry;
  const { type, name, uri }: Readonly<Record<string, unknown>> = isObject(ref) ? ref : {};
  if (type === "ref/prompt" && typeof name === "string") {
    const prompt = catalog.findPrompt(name);
    if (!prompt) throw new McpError("invalid_params", "There is no prompt with this name.");
    requireAccess(prompt.scopes, caller);
    return own(prompt.arguments, argument)?.complete;
  }
  if (type === "ref/resource" && typeof uri === "string") {
    const template = catalog.findTemplate(uri);
    if (template) {
      requireAccess(template.scopes, caller);
      return own(template.complete, argument);
    }
    // The address of a resource has nothing to fill in.
    if (catalog.findResource(uri)) return undefined;
    throw new McpError("invalid_params", "There is no resource template with this uri.");
  }
  throw new McpError("invalid_params", "The ref must name a prompt (ref/prompt) or a resource template (ref/resource).");
}

/** A client names the member: what every object inherits is none. */
function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined;
}

function readArgument(argument: unknown): { readonly name: string; readonly value: string } {
  const { name, value }: Readonly<Record<string, unknown>> = isObject(argument) ? argument : {};
  if (typeof name === "string" && typeof value === "string") return { name, value };
  throw new McpError("invalid_params", "The argument must have a name and a value, both strings.");
}

function readFilled(context: unknown): Readonly<Record<string, string>> {
  if (context === undefined) return {};
  const filled = isObject(context) ? (context["arguments"] ?? {}) : undefined;
  if (isObject(filled) && Object.values(filled).every((value) => typeof value === "string")) return filled as Record<string, string>;
  throw new McpError("invalid_params", "The context's arguments must be an object of strings.");
}
