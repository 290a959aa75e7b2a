import { CapabilityError, type CapabilityErrorCode } from "../../shared/capabilities/capability.ts";
import { requiredCapabilities } from "../protocol/client-features.ts";
import { McpError, type McpFault } from "../protocol/errors.ts";

/** Outcomes of a prompt, a resource or a completion that have an error of the protocol. Others pass up as they are. */
const FAULTS: Readonly<Partial<Record<CapabilityErrorCode, McpFault>>> = {
  forbidden: "invalid_params",
  invalid_input: "invalid_params",
  not_found: "invalid_params",
  conflict: "invalid_params",
  client_capability: "missing_capability",
  interaction_required: "internal",
  rate_limited: "internal",
  unavailable: "internal",
  timed_out: "internal",
};

/** What was thrown, as an error of the protocol with its own words; sign-in, scopes and what is ours to mend pass as they are. */
export function protocolError(error: unknown): unknown {
  if (!(error instanceof CapabilityError)) return error;
  const fault = FAULTS[error.code];
  return fault ? new McpError(fault, error.message, dataOf(error)) : error;
}

function dataOf({ faults, interaction, retryAfter }: CapabilityError): Readonly<Record<string, unknown>> | undefined {
  if (interaction) return { requiredCapabilities: requiredCapabilities(interaction) };
  if (retryAfter !== undefined) return { retryAfter };
  return faults.length > 0 ? { faults } : undefined;
}
