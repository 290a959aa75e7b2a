import { Refusal } from "../../shared/refusal.ts";
import type { Era } from "./revisions.ts";

/** What a fault is on the wire in one era: the JSON-RPC code and the HTTP status. */
interface Rendering {
  readonly code: number;
  readonly status: number;
}

/**
 * Every fault of the protocol. One code may have two statuses (-32602 is 400 for the envelope, 200 for a method's
 * parameters), so faults have names. Codes from -32020 on are known to modern clients only: a legacy error must not
 * bear them, or clients that speak both eras misjudge the server (MCP 2026-07-28 basic/transports/streamable-http).
 */
const FAULTS = {
  parse_error: inBothEras(-32700, 400),
  invalid_request: inBothEras(-32600, 400),
  invalid_envelope: inBothEras(-32602, 400),
  header_mismatch: inBothEras(-32020, 400),
  /** Its data names the capabilities that the client would have to declare. */
  missing_capability: { modern: { code: -32021, status: 400 }, legacy: { code: -32600, status: 200 } },
  unsupported_revision: inBothEras(-32022, 400),
  unknown_method: { modern: { code: -32601, status: 404 }, legacy: { code: -32601, status: 200 } },
  invalid_params: inBothEras(-32602, 200),
  resource_not_found: { modern: { code: -32602, status: 200 }, legacy: { code: -32002, status: 200 } },
  /** Legacy alone has sessions (MCP 2025-11-25 basic/transports §session-management). */
  session_needed: inBothEras(-32600, 400),
  session_ended: inBothEras(-32600, 404),
  internal: inBothEras(-32603, 200),
} satisfies Record<string, Record<Era, Rendering>>;

export type McpFault = keyof typeof FAULTS;

/** A request that cannot be answered with a result. The message is safe to show. */
export class McpError extends Refusal {
  override readonly name = "McpError";
  readonly fault: McpFault;
  readonly data: Readonly<Record<string, unknown>> | undefined;

  constructor(fault: McpFault, message: string, data?: Readonly<Record<string, unknown>>) {
    super(message);
    this.fault = fault;
    this.data = data;
  }
}

/** The code and HTTP status of a fault. */
export function renderingOf(fault: McpFault, era: Era): Rendering {
  return FAULTS[fault][era];
}

function inBothEras(code: number, status: number): Record<Era, Rendering> {
  return { modern: { code, status }, legacy: { code, status } };
}
