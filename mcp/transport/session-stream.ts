import type { Caller } from "../../shared/capabilities/capability.ts";
import { randomToken } from "../../shared/hash.ts";
import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { legacyNotificationOf } from "../methods/subscriptions.ts";
import { McpError } from "../protocol/errors.ts";
import { renderNotification } from "../protocol/json-rpc.ts";
import { createSessions, type OpenSession } from "../sessions/sessions.ts";
import { type EventStream, eventStreamReply } from "../streams/event-stream.ts";
import { createReplays } from "../streams/replay.ts";
import { createCallerWatch } from "../streams/watch.ts";
import { PRIMING_REVISION, RETRY } from "./reply-stream.ts";
import { acceptsStream } from "./reply-way.ts";

/**
 * The stream of a GET: what the server says of its own accord, or the rest of a call's stream that broke off
 * (MCP 2025-11-25 basic/transports §listening-for-messages, §resumability).
 * @throws {McpError} `invalid_request` for an event that is not known (any more).
 */
export async function openSessionStream(exchange: Exchange, service: Service, caller: Caller, session: OpenSession): Promise<Reply> {
  if (!acceptsStream(exchange.header("accept"))) {
    throw new HttpError(406, "A GET is answered with text/event-stream.");
  }
  const lastEventId = exchange.header("last-event-id");
  if (lastEventId !== undefined && positionOf(lastEventId) === undefined) return resume(lastEventId, exchange, service, session);
  const id = randomToken(9);
  const position = (lastEventId && positionOf(lastEventId)) || (await service.changes.position());
  let previous: string | undefined;
  await session.update((current) => {
    previous = current.stream;
    return { ...current, stream: id };
  });
  // One that the session had before ends now.
  if (previous !== undefined) service.changes.announce({ topic: "session", key: session.key });
  return eventStreamReply(service, caller.subject, (stream) => {
    if (session.revision >= PRIMING_REVISION) stream.send({ data: "", id: idOf(position), retry: RETRY });
    holdWhileGood(stream, exchange, service);
    carryNotifications(stream, position, session, id, service);
  });
}

async function resume(eventId: string, exchange: Exchange, service: Service, session: OpenSession): Promise<Reply> {
  const follow = await service.part(createReplays).open(session.key, eventId);
  if (!follow) throw new McpError("invalid_request", "There is no such event to go on after.");
  return eventStreamReply(service, session.subject, (stream) => {
    holdWhileGood(stream, exchange, service);
    const send = (event: { readonly id: string; readonly message: string }) => stream.send({ id: event.id, data: event.message });
    follow(send, stream.over)
      .catch((cause: unknown) => service.log.warn({ request: exchange.id, cause: String(cause) }, "a resumed stream ends early"))
      .finally(() => stream.end());
  });
}

/** Ends the stream in good order when its time is up, and when its token or its grant is no more. */
export function holdWhileGood(stream: EventStream, exchange: Exchange, service: Service): void {
  stream.ending.addEventListener("abort", () => stream.end(), { once: true });
  service.part(createCallerWatch).watch(exchange.header("authorization"), () => stream.end(), stream.over);
}

/** Carries what is announced to a session's stream, for as long as it is the session's. */
export function carryNotifications(stream: EventStream, after: number, { subject, key }: OpenSession, id: string, service: Service): void {
  const sessions = service.part(createSessions);
  let carried = Promise.resolve();
  service.changes.follow(
    after,
    (announcement, position) => {
      // Others' sessions, and tasks, which are the modern era's: none of them is worth a read for every stream there is.
      if (announcement.topic === "task" || (announcement.topic === "session" && announcement.key !== key)) return;
      carried = carried.then(async () => {
        const current = await sessions.read(subject, key).catch(() => undefined);
        if (current?.stream !== id) return stream.end();
        const notification = announcement.topic === "session" ? undefined : legacyNotificationOf(announcement, current);
        if (notification) stream.send({ id: idOf(position), data: renderNotification(notification.method, notification.params) });
      });
    },
    stream.over,
  );
}

/** Events of these streams are named by their place among all changes, so that any replica can go on after one. */
function idOf(position: number): string {
  return `c.${position}`;
}

function positionOf(eventId: string): number | undefined {
  const digits = /^c\.(\d{1,16})$/.exec(eventId)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
