import { type Capability, CapabilityError, type CapabilityErrorCode } from "../../shared/capabilities/capability.ts";
import { createContext } from "../../shared/capabilities/context.ts";
import type { Service } from "../../shared/service.ts";
import { McpError } from "../protocol/errors.ts";
import { isObject } from "../protocol/json-rpc.ts";
import type { Call, MethodHandler } from "./call.ts";
import { createListing } from "./listing.ts";
import { renderResult } from "./result.ts";

/** `tools/list` */
export const listTools: MethodHandler = (call) => call.service.part(toolListing)(call);

/** `tools/call` */
export const callTool: MethodHandler = async (call) => {
  const { name, arguments: input = {} } = call.params;
  if (typeof name !== "string") throw new McpError("invalid_params", "tools/call needs the tool's name.");
  if (!isObject(input)) throw new McpError("invalid_params", "A tool's arguments must be an object.");
  const capability = call.service.capabilities.find(name);
  if (!capability) throw new McpError("invalid_params", "There is no tool with this name.");
  call.note({ tool: name });
  try {
    return renderOutput(call, await capability.call(input, createContext(call.service, call.caller, call.origin)));
  } catch (error) {
    if (error instanceof CapabilityError && TOLD_TO_THE_MODEL.has(error.code)) return renderFailure(call, error);
    throw error;
  }
};

/** Outcomes the model can act on: a result with `isError`. All others are faults of the request or of ours. */
const TOLD_TO_THE_MODEL: ReadonlySet<CapabilityErrorCode> = new Set([
  "forbidden",
  "invalid_input",
  "not_found",
  "conflict",
  "rate_limited",
  "unavailable",
]);

function toolListing({ capabilities }: Service): MethodHandler {
  return createListing({ member: "tools", items: capabilities.all.map(toTool), keyOf: ({ name }) => name });
}

/** Every hint is spelled out: ChatGPT asks for them, and what is left out defaults to the worst (MCP 2026-07-28 server/tools). */
function toTool({ name, title, description, inputSchema, outputSchema, effect, idempotent }: Capability) {
  const annotations = {
    title,
    readOnlyHint: effect === "read",
    destructiveHint: effect === "destructive",
    idempotentHint: idempotent,
    openWorldHint: false,
  };
  return { name, title, description, inputSchema, outputSchema, annotations };
}

/** The structured output, and the same as text for clients that show only text. */
function renderOutput({ era }: Call, output: Record<string, unknown>): string {
  return renderResult(era, { content: [{ type: "text", text: JSON.stringify(output) }], structuredContent: output });
}

/** The message names each fault of an input. */
function renderFailure({ era, note }: Call, error: CapabilityError): string {
  note({ outcome: error.code });
  return renderResult(era, { content: [{ type: "text", text: error.message }], isError: true });
}
