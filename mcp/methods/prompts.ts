import { requireAccess } from "../../shared/capabilities/access.ts";
import type { Asker } from "../../shared/capabilities/ask.ts";
import type { PromptDefinition } from "../../shared/capabilities/features.ts";
import { withTimeLimit } from "../../shared/capabilities/time-limit.ts";
import { isObject } from "../../shared/is-object.ts";
import { withAnswers } from "../asking/rounds.ts";
import { McpError } from "../protocol/errors.ts";
import type { Call, MethodHandler } from "./call.ts";
import { inContext } from "./context.ts";
import { protocolError } from "./failure.ts";
import { createListing } from "./listing.ts";
import { renderResult } from "./result.ts";

/** `prompts/list` */
export const listPrompts: MethodHandler = createListing<PromptDefinition>({
  member: "prompts",
  itemsOf: ({ prompts }) => prompts,
  accessOf: ({ scopes }) => scopes,
  keyOf: ({ name }) => name,
  render: ({ name, title, description, arguments: declared = {} }) => ({
    name,
    title,
    description,
    arguments: Object.entries(declared).map(([argument, { title, description, required = false }]) => ({
      name: argument,
      title,
      description,
      required,
    })),
  }),
});

/** `prompts/get` */
export const getPrompt: MethodHandler = (call) => {
  const { name, arguments: given } = call.params;
  if (typeof name !== "string") throw new McpError("invalid_params", "prompts/get needs a name.");
  const prompt = call.service.registry.catalog.findPrompt(name);
  if (!prompt) throw new McpError("invalid_params", "There is no prompt with this name.");
  call.note({ prompt: name });
  requireAccess(prompt.scopes, call.caller);
  const filled = readArguments(prompt, given);
  return withAnswers(call, { method: "prompts/get", singleUse: false }, (asker) => get(call, prompt, filled, asker));
};

async function get(call: Call, prompt: PromptDefinition, given: Readonly<Record<string, string>>, asker: Asker): Promise<string> {
  try {
    const messages = await inContext(call, asker, (context) =>
      withTimeLimit(call.service.config.callTimeLimit, context, (limited) => prompt.get(given, limited)),
    );
    return renderResult(call.era, { description: prompt.description, messages });
  } catch (error) {
    throw protocolError(error);
  }
}

/**
 * The arguments that the prompt declares. Others are left out: the protocol does not forbid them, and a client that fills
 * in an older form of the prompt can do nothing about them.
 * @throws {McpError} `invalid_params` for what is no text, and for what is missing (MCP 2026-07-28 server/prompts §error-handling).
 */
function readArguments({ arguments: declared = {} }: PromptDefinition, given: unknown = {}): Readonly<Record<string, string>> {
  if (!isObject(given)) throw new McpError("invalid_params", "A prompt's arguments must be an object.");
  const read: Record<string, string> = {};
  const missing: string[] = [];
  for (const [name, { required = false }] of Object.entries(declared)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (typeof value === "string") read[name] = value;
    else if (value !== undefined) throw new McpError("invalid_params", `The argument ${name} must be a string.`);
    else if (required) missing.push(name);
  }
  if (missing.length > 0) throw new McpError("invalid_params", `The prompt needs the arguments ${missing.join(", ")}.`);
  return read;
}
