import type { Exchange, Reply } from "../../shared/http/exchange.ts";
import { dispatch } from "../methods/methods.ts";
import { envelopeOf } from "../protocol/envelope.ts";
import { type Dialect, legacyDialect } from "../protocol/era.ts";
import { McpError } from "../protocol/errors.ts";
import { readProtocolHeaders } from "../protocol/headers.ts";
import { type Message, type RpcRequest, readMessage, renderError, renderResponse } from "../protocol/json-rpc.ts";
import { BATCH_REVISION, namesModernEra } from "../protocol/revisions.ts";
import { ACCEPTED, type Arrival, callOf, isScopeError, toMcpError } from "./message.ts";
import { JSON_HEADERS } from "./surface.ts";

/** Messages in a batch at most: they run at the same time. */
const MAX_BATCH = 50;

/**
 * Answers a JSON-RPC batch, which one legacy revision has (MCP 2025-03-26 basic §batching). All or nothing: a batch
 * with one message that may not be in it is refused whole, before anything runs.
 * @throws {McpError} `invalid_request`
 */
export async function answerBatch(values: readonly unknown[], arrival: Arrival): Promise<Reply> {
  const { exchange } = arrival;
  const dialect = batchDialect(exchange);
  if (values.length === 0 || values.length > MAX_BATCH) throw refused(`A batch has 1 to ${MAX_BATCH} messages.`);
  const messages = values.map(readMessage);
  for (const message of messages) checkElement(message);
  exchange.note({ ...dialect, batch: messages.length });
  const requests = messages.filter((message) => message.kind === "request");
  if (requests.length === 0) return ACCEPTED;
  const responses = await Promise.all(requests.map((request) => answerElement(request, dialect, arrival)));
  return { status: 200, headers: JSON_HEADERS, body: `[${responses.join(",")}]` };
}

function batchDialect(exchange: Exchange): Dialect {
  const { version } = readProtocolHeaders(exchange);
  const dialect = namesModernEra(version) ? undefined : legacyDialect(version);
  if (dialect?.revision !== BATCH_REVISION) throw refused("This revision has no batches.");
  return dialect;
}

function checkElement(message: Message): void {
  if (message.kind === "response") return;
  if (message.method === "initialize") throw refused("initialize may not be part of a batch.");
  if (envelopeOf(message.params)) throw refused("A batch holds no messages of a revision without batches.");
}

/** One element's fault is its own: the others are answered. */
async function answerElement(request: RpcRequest, dialect: Dialect, arrival: Arrival): Promise<string> {
  try {
    return renderResponse(request.id, await dispatch(request.method, callOf(request, dialect, arrival)));
  } catch (error) {
    const shown = isScopeError(error) ? new McpError("invalid_request", error.message) : toMcpError(error, arrival);
    return renderError(request.id, shown, dialect.era);
  }
}

function refused(message: string): McpError {
  return new McpError("invalid_request", message);
}
