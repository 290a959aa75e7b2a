import { type Caller, CapabilityError } from "../../shared/capabilities/capability.ts";
import type { Exchange, Reply } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { Unavailable } from "../../shared/state/store.ts";
import type { Call } from "../methods/call.ts";
import { dispatch } from "../methods/methods.ts";
import { type Dialect, dialectOf } from "../protocol/era.ts";
import { McpError } from "../protocol/errors.ts";
import { readProtocolHeaders } from "../protocol/headers.ts";
import { type RpcRequest, readableId, readMessage, renderResponse } from "../protocol/json-rpc.ts";
import { errorReply, JSON_HEADERS } from "./surface.ts";

/** A POST whose caller is known. */
export interface Arrival {
  readonly exchange: Exchange;
  readonly service: Service;
  readonly caller: Caller;
}

/** The reply to what needs no answer. */
export const ACCEPTED: Reply = { status: 202 };

/**
 * Answers the one message of a POST.
 * @throws what HTTP must say instead of JSON-RPC: missing scopes (403) and an unreachable store (503).
 */
export async function answerMessage(value: unknown, arrival: Arrival): Promise<Reply> {
  const { exchange } = arrival;
  try {
    const message = readMessage(value);
    const dialect = dialectOf(message, readProtocolHeaders(exchange));
    exchange.note({ ...dialect });
    return message.kind === "request" ? await answerRequest(message, dialect, arrival) : ACCEPTED;
  } catch (error) {
    // What is thrown before the era is known looks the same in both.
    if (error instanceof McpError) return errorReply(error, "modern", readableId(value));
    throw error;
  }
}

async function answerRequest(request: RpcRequest, dialect: Dialect, arrival: Arrival): Promise<Reply> {
  try {
    const result = await dispatch(request.method, callOf(request, dialect, arrival));
    return { status: 200, headers: JSON_HEADERS, body: renderResponse(request.id, result) };
  } catch (error) {
    if (error instanceof Unavailable || isScopeError(error)) throw error;
    return errorReply(toMcpError(error, arrival), dialect.era, request.id);
  }
}

/** A request as its method sees it. Going away cancels modern calls only (MCP 2025-11-25 basic/transports). */
export function callOf(request: RpcRequest, dialect: Dialect, { exchange, service, caller }: Arrival): Call {
  return {
    ...dialect,
    params: request.params,
    caller,
    service,
    origin: dialect.era === "modern" ? exchange : { id: exchange.id, signal: new AbortController().signal },
    note: exchange.note,
  };
}

/** What a method threw, as the client may see it: the text of what is ours to mend stays in the log. */
export function toMcpError(error: unknown, { exchange, service }: Arrival): McpError {
  if (error instanceof McpError) return error;
  const logged = error instanceof CapabilityError && error.code === "internal";
  const cancelled = error instanceof Error && error.name === "AbortError" && exchange.signal.aborted;
  if (!logged && !cancelled) service.log.error({ request: exchange.id, err: error }, "call failed");
  return new McpError("internal", "Something went wrong on our side.", { requestId: exchange.id });
}

export function isScopeError(error: unknown): error is CapabilityError {
  return error instanceof CapabilityError && error.code === "insufficient_scope";
}
