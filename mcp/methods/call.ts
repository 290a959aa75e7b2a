import type { Caller } from "../../shared/capabilities/capability.ts";
import type { CallOrigin } from "../../shared/capabilities/context.ts";
import type { Service } from "../../shared/service.ts";
import type { Params } from "../protocol/json-rpc.ts";
import type { Era } from "../protocol/revisions.ts";

/** One request of the protocol, free of how it arrived. */
export interface Call {
  readonly era: Era;
  readonly revision: string;
  readonly params: Params;
  readonly caller: Caller;
  readonly service: Service;
  /** The HTTP request's id, and a signal that aborts when the call is cancelled by the rules of its era. */
  readonly origin: CallOrigin;
  /** Adds fields to the request's log line. */
  note(fields: Readonly<Record<string, unknown>>): void;
}

/**
 * Answers a call with a result of its era, as JSON text: what never changes is rendered once and kept.
 * @throws {McpError} for every outcome that is no result.
 */
export type MethodHandler = (call: Call) => string | Promise<string>;
