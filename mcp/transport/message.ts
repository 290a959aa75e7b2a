import { type Awaitable, andThen, attempt, lastly } from "../../shared/awaitable.ts";
import { CapabilityError } from "../../shared/capabilities/capability.ts";
import { HttpError, type Reply } from "../../shared/http/exchange.ts";
import { Unavailable } from "../../shared/state/store.ts";
import { createQuestions } from "../asking/questions.ts";
import { dispatch } from "../methods/methods.ts";
import { type Dialect, dialectOf } from "../protocol/era.ts";
import { McpError } from "../protocol/errors.ts";
import { readProtocolHeaders } from "../protocol/headers.ts";
import {
  type Message,
  type RequestId,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
  readableId,
  readMessage,
  renderResponse,
} from "../protocol/json-rpc.ts";
import { createLoad } from "../sessions/load.ts";
import { createRunningCalls } from "../sessions/running.ts";
import type { Arrival } from "./arrival.ts";
import { acceptsStream, createReplyWay } from "./reply-way.ts";
import { callOf } from "./request-call.ts";
import { errorReply, scopeReply } from "./surface.ts";
import type { ReplyWay } from "./way.ts";

/** The reply to what needs no answer. */
export const ACCEPTED: Reply = { status: 202 };

/**
 * Answers the one message of a POST.
 * @throws what HTTP must say instead of JSON-RPC: an unreachable store (503).
 */
export function answerMessage(value: unknown, arrival: Arrival): Awaitable<Reply> {
  const { exchange, session } = arrival;
  return attempt(
    () => {
      const message = readMessage(value);
      const dialect = dialectOf(message, readProtocolHeaders(exchange), session?.revision);
      exchange.note({ era: dialect.era, revision: dialect.revision });
      return answerUnderstood(message, dialect, arrival);
    },
    (error) => {
      // What is thrown before the era is known looks the same in both.
      if (!(error instanceof McpError)) throw error;
      exchange.note({ outcome: error.fault });
      return errorReply(error, "modern", readableId(value));
    },
  );
}

function answerUnderstood(message: Message, dialect: Dialect, arrival: Arrival): Awaitable<Reply> {
  if (message.kind === "notification") return takeNotification(message, arrival);
  if (message.kind === "response") return takeResponse(message, arrival);
  const stream = STREAMS.get(message.method) ?? "possible";
  if (stream === "only" && !acceptsStream(arrival.exchange.header("accept"))) {
    throw new HttpError(406, "This is answered with text/event-stream: accept it.");
  }
  // What is nothing but a stream is counted as one.
  const running = underWay(arrival, stream === "only" ? 0 : 1);
  const way = createReplyWay(arrival, dialect, {
    stream,
    onSlow: running.watch,
    renderFailure: (error) => errorReply(shownError(error, arrival), dialect.era, message.id),
  });
  running.begin(message.id, () => way.cancel());
  return way.reply(lastly(() => answerRequest(message, dialect, arrival, way), running.end));
}

/** `initialize` names a session in its headers; a subscription is a stream. */
const STREAMS: ReadonlyMap<string, "never" | "only"> = new Map([
  ["initialize", "never"],
  ["subscriptions/listen", "only"],
]);

/**
 * Counts the calls of one POST, and keeps those of a legacy session in the list of what can be cancelled.
 * @throws {HttpError} 429 when the caller has too many under way.
 */
export function underWay({ session, service, caller }: Arrival, count = 1) {
  const load = service.part(createLoad);
  load.add(caller?.subject, count);
  const calls: { watch(): void; end(): void }[] = [];
  return {
    begin(id: RequestId, cancel: () => void) {
      if (session) calls.push(service.part(createRunningCalls).begin(session.key, id, cancel));
    },
    watch() {
      for (const call of calls) call.watch();
    },
    end() {
      load.remove(caller?.subject, count);
      for (const call of calls) call.end();
    },
  };
}

function answerRequest(request: RpcRequest, dialect: Dialect, arrival: Arrival, way: ReplyWay): Awaitable<Reply> {
  return attempt(
    () =>
      andThen(dispatch(request.method, callOf(request, dialect, arrival, way)), (result) => ({
        status: 200,
        headers: way.headers(),
        body: renderResponse(request.id, result),
      })),
    (error) => {
      if (error instanceof Unavailable) return Promise.reject(error);
      // Cancelled: nothing is answered (MCP 2025-11-25 basic/utilities/cancellation).
      if (dialect.era === "legacy" && way.signal.aborted) {
        arrival.exchange.note({ outcome: "cancelled" });
        return ACCEPTED;
      }
      if (isAccessError(error) && !way.isStream) return scopeReply(error, request, dialect.era, arrival);
      return errorReply(shownError(error, arrival), dialect.era, request.id);
    },
  );
}

/** `notifications/cancelled` has an effect; the others are good to know. */
export async function takeNotification({ method, params }: RpcNotification, { session, service }: Arrival): Promise<Reply> {
  const { requestId } = params;
  if (method === "notifications/cancelled" && session && (typeof requestId === "string" || Number.isSafeInteger(requestId))) {
    await service.part(createRunningCalls).cancel(session.key, requestId as RequestId);
  }
  return ACCEPTED;
}

/** @throws {McpError} `session_needed`, or `invalid_request` when nobody waits for this response. */
export async function takeResponse(response: RpcResponse, { session, service }: Arrival): Promise<Reply> {
  if (!session) throw new McpError("session_needed", "A response belongs to a session: the Mcp-Session-Id header is missing.");
  if (await service.part(createQuestions).answer(session.key, response)) return ACCEPTED;
  throw new McpError("invalid_request", "Nobody waits for this response.");
}

/** What a method threw, as the client may see it, and noted: the text of what is ours to mend stays in the log. */
export function shownError(error: unknown, arrival: Arrival): McpError {
  const shown = shownAs(error, arrival);
  arrival.exchange.note({ outcome: error instanceof CapabilityError ? error.code : shown.fault });
  return shown;
}

function shownAs(error: unknown, { exchange, service }: Arrival): McpError {
  if (error instanceof McpError) return error;
  if (error instanceof Unavailable) return new McpError("internal", "The service cannot reach its state right now. Try again shortly.");
  if (isAccessError(error)) return new McpError("invalid_request", error.message);
  const logged = error instanceof CapabilityError && error.code === "internal";
  const cancelled = error instanceof Error && error.name === "AbortError";
  if (!logged && !cancelled) service.log.error({ request: exchange.id, err: error }, "call failed");
  return new McpError("internal", "Something went wrong on our side.", { requestId: exchange.id });
}

/** Who calls must sign in, or be granted more. */
export function isAccessError(error: unknown): error is CapabilityError {
  return error instanceof CapabilityError && (error.code === "insufficient_scope" || error.code === "unauthenticated");
}
