import { randomToken } from "../../shared/hash.ts";
import { type Exchange, HttpError, type Reply, textOf } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { dispatch } from "../methods/methods.ts";
import { NO_FEATURES } from "../protocol/client-features.ts";
import type { Dialect } from "../protocol/era.ts";
import { McpError } from "../protocol/errors.ts";
import { type RpcRequest, readMessage, renderError, renderResponse } from "../protocol/json-rpc.ts";
import { createSessions, type OpenSession } from "../sessions/sessions.ts";
import { type EventStream, eventStreamReply } from "../streams/event-stream.ts";
import { createInbox } from "../streams/inbox.ts";
import { createCallerWatch } from "../streams/watch.ts";
import type { Arrival } from "./arrival.ts";
import { ACCEPTED, isAccessError, shownError, takeNotification, takeResponse, underWay } from "./message.ts";
import { callOf } from "./request-call.ts";
import { carryNotifications, holdWhileGood } from "./session-stream.ts";
import { readJsonBody } from "./streamable-http.ts";
import { MESSAGES_PATH, scopeReply } from "./surface.ts";
import type { Way } from "./way.ts";

/** The revision whose transport this is; `initialize` may settle on a newer one. */
const REVISION = "2024-11-05";
/** Milliseconds for which the reply to a POST waits, to say in HTTP that a call lacks scopes. */
const PATIENCE = 100;

/** The streams that this process holds, by the ids in their sessions' outlets. */
function createOutlets(service: Service): Map<string, EventStream> {
  const outlets = new Map<string, EventStream>();
  service.part(createInbox).handle("message", (letter) => {
    const { stream, message } = JSON.parse(letter) as { readonly stream: string; readonly message: string };
    outlets.get(stream)?.send({ data: message });
  });
  return outlets;
}

/**
 * Opens the stream of an HTTP+SSE client and tells it where to post (MCP 2024-11-05 basic/transports §http-with-sse).
 * The session lives as long as the stream.
 */
export async function handleSse(exchange: Exchange, service: Service): Promise<Reply> {
  if (exchange.method !== "GET") throw new HttpError(405, "This endpoint takes GET; newer clients post to /mcp.", { allow: "GET" });
  const caller = await service.bearer.verify(exchange.header("authorization"), "mcp");
  exchange.note({ client: caller.clientId, subject: caller.subject });
  const sessions = service.part(createSessions);
  const outlets = service.part(createOutlets);
  const inbox = service.part(createInbox);
  const streamId = randomToken(9);
  const position = await service.changes.position();
  const outlet = { replica: inbox.replica, stream: streamId };
  const { id, session } = await sessions.begin(caller, { revision: REVISION, features: NO_FEATURES, stream: streamId, outlet });
  const end = () =>
    sessions.end(session).catch((cause: unknown) => service.log.warn({ cause: String(cause) }, "a session stays until it expires"));
  try {
    return eventStreamReply(service, caller.subject, (stream) => {
      const stopExpecting = inbox.expect();
      outlets.set(streamId, stream);
      stream.over.addEventListener("abort", () => {
        outlets.delete(streamId);
        stopExpecting();
        void end();
      });
      stream.send({ event: "endpoint", data: `${MESSAGES_PATH}?sessionId=${id}` });
      holdWhileGood(stream, exchange, service);
      carryNotifications(stream, position, session, streamId, service);
    });
  } catch (error) {
    await end();
    throw error;
  }
}

/**
 * Takes a message of an HTTP+SSE client, at any replica; what there is to answer goes to its stream.
 * @throws {McpError} `session_needed`, `session_ended` and what is wrong with the message.
 */
export async function handleMessages(exchange: Exchange, service: Service): Promise<Reply> {
  if (exchange.method !== "POST") throw new HttpError(405, "This endpoint takes POST.", { allow: "POST" });
  const caller = await service.bearer.verify(exchange.header("authorization"), "mcp");
  exchange.note({ client: caller.clientId, subject: caller.subject });
  const id = exchange.query.get("sessionId");
  if (id === null) throw new McpError("session_needed", "The sessionId of the endpoint event is missing.");
  const session = await service.part(createSessions).find(id, caller);
  if (!session.outlet) throw new McpError("session_ended", "This session has no HTTP+SSE stream.");
  const message = readMessage(await readJsonBody(exchange, service));
  const arrival = { exchange, service, caller, session };
  if (message.kind === "notification") return takeNotification(message, arrival);
  if (message.kind === "response") return takeResponse(message, arrival);
  return run(message, { era: "legacy", revision: session.revision }, arrival, session.outlet);
}

/** The POST is accepted while its call goes on, unless the call lacks scopes: that is said in HTTP. */
async function run(request: RpcRequest, dialect: Dialect, arrival: Arrival, outlet: NonNullable<OpenSession["outlet"]>): Promise<Reply> {
  const { exchange, service } = arrival;
  const way = createOutletWay(arrival, outlet);
  const running = underWay(arrival);
  const done = new AbortController();
  running.begin(request.id, () => way.cancel());
  running.watch();
  const work = answer(request, dialect, arrival, way).finally(() => {
    running.end();
    done.abort();
  });
  const { promise: late, resolve } = Promise.withResolvers<Reply>();
  const timer = setTimeout(() => {
    service.part(createCallerWatch).watch(exchange.header("authorization"), way.cancel, done.signal);
    resolve(ACCEPTED);
  }, PATIENCE);
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function answer(request: RpcRequest, dialect: Dialect, arrival: Arrival, way: Way): Promise<Reply> {
  try {
    way.send(textOf(renderResponse(request.id, await dispatch(request.method, callOf(request, dialect, arrival, way)))));
  } catch (error) {
    if (way.signal.aborted) return ACCEPTED;
    way.send(renderError(request.id, shownError(error, arrival), dialect.era));
    if (isAccessError(error)) return scopeReply(error, request, dialect.era, arrival);
  }
  return ACCEPTED;
}

/** Everything goes to the stream of the session's GET. */
function createOutletWay({ exchange, service, session }: Arrival, { replica, stream }: NonNullable<OpenSession["outlet"]>): Way {
  const inbox = service.part(createInbox);
  const controller = new AbortController();
  let sent = Promise.resolve();
  return {
    signal: controller.signal,
    ending: service.stopping,
    send(message) {
      sent = sent
        .then(() => inbox.send(replica, "message", JSON.stringify({ stream, message })))
        .catch((cause: unknown) => service.log.error({ request: exchange.id, err: cause }, "a message could not be delivered"));
      return true;
    },
    releaseConnection() {},
    cancel: () => controller.abort(),
    async beginSession(given) {
      await session?.update((current) => ({ ...current, ...given }));
    },
  };
}
