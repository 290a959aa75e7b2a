import { z } from "zod";
import type { Interaction } from "../../shared/capabilities/ask.ts";
import { isObject } from "../../shared/is-object.ts";
import { McpError } from "./errors.ts";

/** What a client said it can do (MCP 2026-07-28 schema ClientCapabilities), as far as we ask for it. Kept with its session. */
export const clientFeaturesCodec = z.strictObject({
  form: z.boolean(),
  url: z.boolean(),
  sampling: z.boolean(),
  sampling_tools: z.boolean(),
  roots: z.boolean(),
  tasks: z.boolean(),
});
export type ClientFeatures = z.infer<typeof clientFeaturesCodec>;

export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

export const NO_FEATURES: ClientFeatures = { form: false, url: false, sampling: false, sampling_tools: false, roots: false, tasks: false };

/** An empty `elicitation` means forms (MCP 2025-11-25 client/elicitation §capabilities). */
export function readClientFeatures(capabilities: unknown): ClientFeatures {
  if (!isObject(capabilities)) return NO_FEATURES;
  const { elicitation, sampling, roots, extensions } = capabilities;
  const url = isObject(elicitation) && isObject(elicitation["url"]);
  return {
    form: isObject(elicitation) && (isObject(elicitation["form"]) || !url),
    url,
    sampling: isObject(sampling),
    sampling_tools: isObject(sampling) && isObject(sampling["tools"]),
    roots: isObject(roots),
    tasks: isObject(extensions) && isObject(extensions[TASKS_EXTENSION]),
  };
}

const REQUIRED: Readonly<Record<Interaction | "tasks", Readonly<Record<string, unknown>>>> = {
  form: { elicitation: { form: {} } },
  url: { elicitation: { url: {} } },
  sampling: { sampling: {} },
  sampling_tools: { sampling: { tools: {} } },
  roots: { roots: {} },
  tasks: { extensions: { [TASKS_EXTENSION]: {} } },
};

/** What an error says a client would have to declare. */
export function requiredCapabilities(feature: Interaction | "tasks"): Readonly<Record<string, unknown>> {
  return REQUIRED[feature];
}

/** What a client is told that would have to know tasks. */
export function tasksNeeded(message: string): McpError {
  return new McpError("missing_capability", message, { requiredCapabilities: requiredCapabilities("tasks") });
}
