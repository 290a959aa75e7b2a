import type { ReplyBody } from "../../shared/http/exchange.ts";
import { JsonError, type JsonLimits, parseJson } from "../../shared/http/json.ts";
import { isObject } from "../../shared/is-object.ts";
import { McpError, renderingOf } from "./errors.ts";
import type { Era } from "./revisions.ts";

export type RequestId = string | number;
export type Params = Readonly<Record<string, unknown>>;

export interface RpcRequest {
  readonly kind: "request";
  readonly id: RequestId;
  readonly method: string;
  readonly params: Params;
}

export interface RpcNotification {
  readonly kind: "notification";
  readonly method: string;
  readonly params: Params;
}

/** A client's answer to a request of ours: a result, or an error. */
export interface RpcResponse {
  readonly kind: "response";
  readonly id: RequestId;
  readonly result?: unknown;
  readonly error?: unknown;
}

export type Message = RpcRequest | RpcNotification | RpcResponse;

const NO_PARAMS: Params = Object.freeze({});

/**
 * @throws {McpError} `parse_error` when the body is not JSON in UTF-8 (MCP 2026-07-28 basic/transports), `invalid_request`
 *   when it is nested too deeply or has too many values.
 */
export function parseMessage(body: Buffer, limits: JsonLimits): unknown {
  try {
    return parseJson(body, limits);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new McpError(error.code === "syntax" ? "parse_error" : "invalid_request", error.message);
  }
}

/** @throws {McpError} `invalid_request` when it is not a JSON-RPC 2.0 message as MCP narrows it (basic §messages). */
export function readMessage(value: unknown): Message {
  if (!isObject(value) || value["jsonrpc"] !== "2.0") throw invalid('A message is an object with "jsonrpc": "2.0".');
  const { method, params = NO_PARAMS } = value;
  if (method === undefined) return readResponse(value);
  if (typeof method !== "string") throw invalid("The method must be a string.");
  if (!isObject(params)) throw invalid("The params must be an object.");
  if (!Object.hasOwn(value, "id")) return { kind: "notification", method, params };
  const id = readableId(value);
  if (id === undefined) throw invalid("The id must be a string or an integer.");
  return { kind: "request", id, method, params };
}

/** The id an error names: nothing when it cannot be told, for null is not an id in MCP. */
export function readableId(value: unknown): RequestId | undefined {
  const id = isObject(value) ? value["id"] : undefined;
  return typeof id === "string" || Number.isSafeInteger(id) ? (id as RequestId) : undefined;
}

/** @param result JSON text; in bytes what is large and was rendered beforehand: it becomes a piece of its own. */
export function renderResponse(id: RequestId, result: string | Buffer): ReplyBody {
  const opening = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":`;
  return typeof result === "string" ? `${opening}${result}}` : [opening, result, "}"];
}

/** A message that needs no answer. */
export function renderNotification(method: string, params: Params): string {
  return JSON.stringify({ jsonrpc: "2.0", method, params });
}

/** A request of ours, to a legacy client. */
export function renderRequest(id: RequestId, method: string, params: Params): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

export function renderError(id: RequestId | undefined, error: McpError, era: Era): string {
  const { code } = renderingOf(error.fault, era);
  return JSON.stringify({ jsonrpc: "2.0", id, error: { code, message: error.message, data: error.data } });
}

function readResponse(value: Params): RpcResponse {
  const answers = Object.hasOwn(value, "result") !== Object.hasOwn(value, "error");
  const id = readableId(value);
  if (!answers || id === undefined) throw invalid("A message is a request, a notification or a response.");
  const { result, error } = value;
  return { kind: "response", id, result, error };
}

function invalid(message: string): McpError {
  return new McpError("invalid_request", message);
}
