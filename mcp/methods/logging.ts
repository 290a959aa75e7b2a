import { LOG_SEVERITIES, type LogSeverity } from "../../shared/capabilities/capability.ts";
import { McpError } from "../protocol/errors.ts";
import type { MethodHandler } from "./call.ts";
import { renderResult } from "./result.ts";

/** `logging/setLevel` (MCP 2025-11-25 server/utilities/logging): what the session wants to be told, from now on. */
export const setLevel: MethodHandler = async ({ era, params, session }) => {
  const { level } = params;
  if (!isSeverity(level)) throw new McpError("invalid_params", `The level must be one of ${LOG_SEVERITIES.join(", ")}.`);
  if (!session) throw new McpError("session_needed", "A log level is set for a session: begin one with initialize.");
  await session.update((value) => ({ ...value, logSeverity: level }));
  return renderResult(era, {});
};

function isSeverity(level: unknown): level is LogSeverity {
  return (LOG_SEVERITIES as readonly unknown[]).includes(level);
}
