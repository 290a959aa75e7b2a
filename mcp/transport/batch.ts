import { type Reply, textOf } from "../../shared/http/exchange.ts";
import { dispatch } from "../methods/methods.ts";
import { envelopeOf } from "../protocol/envelope.ts";
import { type Dialect, legacyDialect } from "../protocol/era.ts";
import { McpError } from "../protocol/errors.ts";
import { readProtocolHeaders } from "../protocol/headers.ts";
import { type Message, type RpcRequest, readMessage, renderError, renderResponse } from "../protocol/json-rpc.ts";
import { BATCH_REVISION, namesModernEra } from "../protocol/revisions.ts";
import type { Arrival } from "./arrival.ts";
import { ACCEPTED, shownError, takeNotification, takeResponse, underWay } from "./message.ts";
import { createReplyWay } from "./reply-way.ts";
import { callOf } from "./request-call.ts";
import { errorReply, JSON_HEADERS } from "./surface.ts";
import type { Way } from "./way.ts";

/**
 * Answers a JSON-RPC batch, which one legacy revision has (MCP 2025-03-26 basic §batching). All or nothing: a batch
 * with one message that may not be in it is refused whole, before anything runs.
 * @throws {McpError} `invalid_request`
 */
export async function answerBatch(values: readonly unknown[], arrival: Arrival): Promise<Reply> {
  const { exchange, service } = arrival;
  const { batchLimit } = service.config.mcp;
  const dialect = batchDialect(arrival);
  if (values.length === 0 || values.length > batchLimit) throw refused(`A batch has 1 to ${batchLimit} messages.`);
  const messages = values.map(readMessage);
  for (const message of messages) checkElement(message);
  exchange.note({ ...dialect, batch: messages.length });
  for (const message of messages) {
    if (message.kind === "notification") await takeNotification(message, arrival);
    if (message.kind === "response") await takeResponse(message, arrival);
  }
  const requests = messages.filter((message) => message.kind === "request");
  if (requests.length === 0) return ACCEPTED;
  const running = underWay(arrival, requests.length);
  const way = createReplyWay(arrival, dialect, {
    stream: "possible",
    onSlow: running.watch,
    renderFailure: (error) => errorReply(shownError(error, arrival), dialect.era, undefined),
  });
  const work = requests.map((request) => {
    const own = createElementWay(way);
    running.begin(request.id, () => own.cancel());
    return answerElement(request, dialect, arrival, own);
  });
  return way.reply(Promise.all(work).then(renderBatch).finally(running.end));
}

/** What was cancelled has no response; a batch of nothing else has no body. */
function renderBatch(responses: readonly (string | undefined)[]): Reply {
  const given = responses.filter((response) => response !== undefined);
  return given.length === 0 ? ACCEPTED : { status: 200, headers: JSON_HEADERS, body: `[${given.join(",")}]` };
}

/** The same way back for each element of a batch, but each is cancelled on its own. */
function createElementWay(way: Way): Way {
  const controller = new AbortController();
  return {
    signal: AbortSignal.any([way.signal, controller.signal]),
    get ending() {
      return way.ending;
    },
    send: (message, onLost) => way.send(message, onLost),
    releaseConnection: (retry) => way.releaseConnection(retry),
    cancel: () => controller.abort(),
    beginSession: (given) => way.beginSession(given),
  };
}

function batchDialect({ exchange, session }: Arrival): Dialect {
  const { version } = readProtocolHeaders(exchange);
  const dialect = namesModernEra(version) ? undefined : legacyDialect(version, session?.revision);
  if (dialect?.revision !== BATCH_REVISION) throw refused("This revision has no batches.");
  return dialect;
}

function checkElement(message: Message): void {
  if (message.kind === "response") return;
  if (message.method === "initialize") throw refused("initialize may not be part of a batch.");
  if (envelopeOf(message.params)) throw refused("A batch holds no messages of a revision without batches.");
}

/** One element's fault is its own: the others are answered. */
async function answerElement(request: RpcRequest, dialect: Dialect, arrival: Arrival, way: Way): Promise<string | undefined> {
  try {
    return textOf(renderResponse(request.id, await dispatch(request.method, callOf(request, dialect, arrival, way))));
  } catch (error) {
    if (way.signal.aborted) return undefined;
    return renderError(request.id, shownError(error, arrival), dialect.era);
  }
}

function refused(message: string): McpError {
  return new McpError("invalid_request", message);
}
