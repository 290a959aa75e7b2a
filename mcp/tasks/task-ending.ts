import { CapabilityError } from "../../shared/capabilities/capability.ts";
import type { Outcome } from "../../shared/capabilities/content.ts";
import type { Log } from "../../shared/log.ts";
import type { Ending, TaskError } from "../../shared/tasks/task-records.ts";
import { resultOf, type ToolResult, toolFailure } from "../methods/content.ts";
import { protocolError } from "../methods/failure.ts";
import { IMPLEMENTATION } from "../methods/result.ts";
import { SERVER_INFO } from "../protocol/envelope.ts";
import { McpError, renderingOf } from "../protocol/errors.ts";

/** The end of work that gave something. */
export function endingOf(outcome: Outcome): Ending {
  return completed(resultOf(outcome));
}

/**
 * What `tools/call` would have told the model completes the task; what it would have answered with an error fails it.
 * @param log Absent when nobody needs to know: the work was aborted.
 * @param requestId By which operators find the cause of what is ours to mend.
 */
export function endingOfError(error: unknown, log: Log | undefined, requestId: string): Ending {
  const failure = error instanceof CapabilityError ? toolFailure(error, "modern") : undefined;
  if (failure) return completed(failure);
  const known = protocolError(error);
  if (known instanceof McpError) return failed(errorOf(known));
  if (!(error instanceof CapabilityError)) log?.error({ request: requestId, err: error }, "call failed");
  return failed({ code: -32603, message: "Something went wrong on our side.", data: { requestId } });
}

/** In the whole dress of an answer to `tools/call`: clients read it as one. */
function completed(result: ToolResult): Ending {
  return { status: "completed", result: { resultType: "complete", ...result, _meta: { [SERVER_INFO]: IMPLEMENTATION } } };
}

function errorOf({ fault, message, data }: McpError): TaskError {
  return { code: renderingOf(fault, "modern").code, message, ...(data === undefined ? {} : { data }) };
}

function failed(error: TaskError): Ending {
  return { status: "failed", error, message: error.message };
}
