import { type Awaitable, andThen, attempt } from "../../shared/awaitable.ts";
import { requireAccess } from "../../shared/capabilities/access.ts";
import type { Asker } from "../../shared/capabilities/ask.ts";
import { type Access, type Capability, CapabilityError } from "../../shared/capabilities/capability.ts";
import type { Outcome } from "../../shared/capabilities/content.ts";
import { once } from "../../shared/capabilities/idempotency.ts";
import type { Config } from "../../shared/config.ts";
import { isObject } from "../../shared/is-object.ts";
import { limitCalls } from "../../shared/limits/calls.ts";
import { withAnswers } from "../asking/rounds.ts";
import { tasksNeeded } from "../protocol/client-features.ts";
import { McpError } from "../protocol/errors.ts";
import type { Params } from "../protocol/json-rpc.ts";
import { checkParamHeaders } from "../protocol/param-headers.ts";
import type { Era } from "../protocol/revisions.ts";
import { startTask } from "../tasks/tasks.ts";
import type { Call, MethodHandler } from "./call.ts";
import { renderOutcome, toolFailure } from "./content.ts";
import { inContext } from "./context.ts";
import { protocolError } from "./failure.ts";
import { createListing } from "./listing.ts";
import { renderResult, renderResultText } from "./result.ts";

/** A member of a call's `_meta` with which a client may send a write again without doing it again. */
const IDEMPOTENCY_KEY = "io.portico/idempotencyKey";

const NO_ARGUMENTS: Params = Object.freeze({});

/** `tools/list` */
export const listTools: MethodHandler = createListing<Capability>({
  member: "tools",
  itemsOf: ({ capabilities }) => capabilities.filter(isTool),
  accessOf: ({ access }) => access,
  keyOf: ({ name }) => name,
  render: toTool,
});

/** `tools/call` */
export const callTool: MethodHandler = (call) => {
  const { name, arguments: input = NO_ARGUMENTS } = call.params;
  if (typeof name !== "string") throw new McpError("invalid_params", "tools/call needs the tool's name.");
  if (!isObject(input)) throw new McpError("invalid_params", "A tool's arguments must be an object.");
  const capability = call.service.registry.catalog.findCapability(name);
  if (!capability || !isTool(capability)) throw new McpError("invalid_params", "There is no tool with this name.");
  call.note({ tool: capability.name });
  requireAccess(capability.access, call.caller);
  if (capability.longRunning?.task === "required") requireTasks(call);
  if (call.era === "modern") checkParamHeaders(capability.headerParameters, input, (name) => call.header(name));
  const { singleUseAnswers: singleUse } = capability;
  return withAnswers(call, { method: "tools/call", singleUse }, (asker) => run(call, capability, input, asker));
};

function run(call: Call, capability: Capability, input: Params, asker: Asker): Awaitable<string> {
  return attempt(
    () => {
      limitCalls(call.service, call.caller, call);
      return andThen(perform(call, capability, input, asker), (given) =>
        typeof given === "string" ? given : renderResultText(call.era, renderOutcome(given)),
      );
    },
    (error) => {
      const failure = error instanceof CapabilityError ? toolFailure(error, call.era) : undefined;
      if (!failure) throw protocolError(error);
      call.note({ outcome: (error as CapabilityError).code });
      return renderResult(call.era, failure);
    },
  );
}

/** An outcome, or the handle of a task as JSON text. */
function perform(call: Call, capability: Capability, input: Params, asker: Asker): Awaitable<Outcome | string> {
  const { _meta: meta } = call.params;
  const key = capability.effect === "read" || !isObject(meta) ? undefined : meta[IDEMPOTENCY_KEY];
  if (key !== undefined) return performOnce(call, capability, key, async () => performNow(call, capability, input, asker));
  return performNow(call, capability, input, asker);
}

function performNow(call: Call, capability: Capability, input: Params, asker: Asker): Awaitable<Outcome | string> {
  if (capability.longRunning && takesTasks(call)) return begin(call, capability, input, asker);
  return inContext(call, asker, (context) => capability.call(input, context));
}

async function performOnce(call: Call, capability: Capability, key: unknown, work: () => Promise<Outcome | string>) {
  const { service, caller, params, origin } = call;
  if (typeof key !== "string") throw new McpError("invalid_params", `${IDEMPOTENCY_KEY} must be a string.`);
  if (!caller) throw new CapabilityError("unauthenticated", "An idempotency key belongs to a signed-in person.");
  try {
    return await once(service, { capability, surface: "mcp", caller, key, input: params["arguments"], signal: origin.signal }, work);
  } catch (error) {
    // The model did nothing wrong: its client did.
    if (error instanceof CapabilityError && error.code === "key_reused") throw new McpError("invalid_params", error.message);
    throw error;
  }
}

/**
 * The body of a 401 for a tool that needs a sign-in where others need none: clients that read the body find what clients
 * that read the status find in the header.
 * @param challenge The value of `WWW-Authenticate`.
 */
export function renderSignInNeeded(era: Era, message: string, challenge: string): string {
  const failure = { content: [{ type: "text", text: message }], isError: true };
  return renderResult(era, failure, { "mcp/www_authenticate": [challenge] });
}

/** Asks and checks all there is before a task is made (SEP-2663 §task-creation). */
async function begin(call: Call, capability: Capability, input: Params, asker: Asker): Promise<string> {
  const prepared = await inContext(call, asker, (context) => capability.prepare(input, context));
  return startTask(call, capability, prepared);
}

/** Tasks are an extension of the modern era, and each has an owner. */
function takesTasks({ era, client, caller }: Call): boolean {
  return era === "modern" && client.tasks && caller !== undefined;
}

function requireTasks(call: Call): void {
  if (!call.caller) throw new CapabilityError("unauthenticated", "This runs as a task, which needs a signed-in person.");
  if (takesTasks(call)) return;
  throw tasksNeeded("This tool runs as a task only: the client must declare that it knows tasks.");
}

function isTool({ surfaces }: Capability): boolean {
  return surfaces.includes("mcp");
}

/** Every hint is spelled out: ChatGPT asks for them, and what is left out defaults to the worst (MCP 2026-07-28 server/tools). */
function toTool(capability: Capability, { mcp }: Config): object {
  const { name, title, description, inputSchema, outputSchema, effect, idempotent, openWorld, access } = capability;
  const annotations = {
    title,
    readOnlyHint: effect === "read",
    destructiveHint: effect === "destructive",
    idempotentHint: idempotent,
    openWorldHint: openWorld,
  };
  const securitySchemes = [schemeOf(access, mcp.access)];
  return { name, title, description, inputSchema, outputSchema, annotations, securitySchemes, _meta: { securitySchemes } };
}

/** What ChatGPT reads to know for which tools it has to sign in (Apps SDK, authentication): some hosts keep only `_meta`. */
function schemeOf(access: Access, door: Config["mcp"]["access"]): object {
  if (access !== "public") return { type: "oauth2", scopes: access };
  return door === "mixed" ? { type: "noauth" } : { type: "oauth2", scopes: [] };
}
