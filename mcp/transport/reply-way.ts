import { HttpError, type Reply } from "../../shared/http/exchange.ts";
import type { Dialect } from "../protocol/era.ts";
import { createSessions } from "../sessions/sessions.ts";
import { type EventStream, eventStreamReply } from "../streams/event-stream.ts";
import { createReplays, type Replay } from "../streams/replay.ts";
import { createCallerWatch } from "../streams/watch.ts";
import type { Arrival } from "./arrival.ts";
import { isResumable, JSON_HEADERS } from "./surface.ts";
import type { ReplyWay } from "./way.ts";

/**
 * Milliseconds after which a call that has said nothing becomes a stream: heartbeats keep proxies from cutting it, and a
 * legacy client can come back for its answer.
 */
const PATIENCE = 2_000;
/** Milliseconds after which a client whose stream ended before its answer should come back. */
export const RETRY = 1_000;
/** The first revision whose clients know events without data (SEP-1699). */
export const PRIMING_REVISION = "2025-11-25";

export interface ReplyWayOptions {
  /** "never" for what must be answered in one piece, "only" for what has no other answer than a stream. */
  readonly stream: "never" | "possible" | "only";
  /** Called when the calls of this way turn out to take long. */
  readonly onSlow: () => void;
  /** Renders what `work` threw as the body of a reply. */
  readonly renderFailure: (error: unknown) => Reply;
}

/**
 * A modern call's way ends with its connection. A legacy call goes on without one: what it says is kept, so that its
 * client can come back for it at any replica, where a GET is ours.
 */
export function createReplyWay(arrival: Arrival, dialect: Dialect, options: ReplyWayOptions): ReplyWay {
  const { exchange, service, caller, session } = arrival;
  const resumed = session && isResumable(exchange) ? session : undefined;
  const primed = resumed !== undefined && dialect.revision >= PRIMING_REVISION;
  const waiting: { readonly message: string; readonly onLost: (() => void) | undefined }[] = [];
  let possible = options.stream !== "never" && acceptsStream(exchange.header("accept"));
  let begunSession: string | undefined;
  let streaming: Promise<Reply> | undefined;
  let begun = () => {};
  /** Resolves when the client has its stream. */
  const { promise: opening, resolve: hasOpened } = Promise.withResolvers<void>();
  let stream: EventStream | undefined;
  /** Aborts when a stream has said all there is, whether or not its client is still there. */
  let done: AbortController | undefined;
  let replay: Replay | undefined;
  let controller: AbortController | undefined;
  let ending: AbortController | undefined;
  /** Messages are kept and sent one after the other. */
  let sent = Promise.resolve();

  function startStream(): void {
    if (streaming || !possible) return;
    streaming = openStream();
    // Whoever waits for the reply sees to a failure.
    streaming.catch(() => {});
    options.onSlow();
    begun();
  }

  async function openStream(): Promise<Reply> {
    if (resumed) replay = await service.part(createReplays).begin(resumed.key);
    try {
      return streamReply();
    } catch (error) {
      // What nobody will write to must not be kept up.
      await replay?.finish();
      replay = undefined;
      throw error;
    }
  }

  function streamReply(): Reply {
    return eventStreamReply(service, caller?.subject, (opened) => {
      stream = opened;
      if (primed && replay) opened.send({ data: "", id: replay.start, retry: RETRY });
      done = new AbortController();
      service.part(createCallerWatch).watch(exchange.header("authorization"), cutOff, done.signal);
      opened.ending.addEventListener("abort", () => ending?.abort());
      // Whoever ended it, and under Encore too: nobody can hear the answer any more.
      if (dialect.era === "modern") opened.over.addEventListener("abort", () => way.cancel(), { once: true });
      for (const { message } of waiting.splice(0)) emit(message);
      hasOpened();
    });
  }

  /** The caller is nobody any more. */
  function cutOff(): void {
    way.cancel();
    stream?.end();
  }

  function emit(message: string): void {
    const kept = replay;
    if (kept) sent = sent.then(() => keep(kept, message));
    else stream?.send({ data: message });
  }

  /** What cannot be kept can still be sent. */
  async function keep(kept: Replay, message: string): Promise<void> {
    const id = await kept.append(message).catch((cause: unknown) => {
      service.log.error({ request: exchange.id, err: cause }, "a message could not be kept");
      return undefined;
    });
    if (stream?.over.aborted === false) stream.send(id === undefined ? { data: message } : { data: message, id });
  }

  function say(message: string, onLost?: () => void): void {
    if (stream) emit(message);
    else waiting.push({ message, onLost });
  }

  async function finish(work: Promise<Reply>): Promise<void> {
    const reply = await work.catch(options.renderFailure);
    if (typeof reply.body === "string" && reply.body !== "") say(reply.body);
    await opening;
    await sent;
    await replay?.finish();
    stream?.end();
    done?.abort();
  }

  const way: ReplyWay = {
    get isStream() {
      return streaming !== undefined;
    },
    get signal() {
      if (!controller) {
        controller = new AbortController();
        if (dialect.era === "modern") {
          const { signal } = exchange;
          if (signal.aborted) controller.abort();
          else signal.addEventListener("abort", () => controller?.abort(), { once: true });
        }
      }
      return controller.signal;
    },
    get ending() {
      ending ??= new AbortController();
      if (stream?.ending.aborted) ending.abort();
      return ending.signal;
    },
    send(message, onLost) {
      startStream();
      if (!possible) return false;
      say(message, onLost);
      return true;
    },
    releaseConnection(retry) {
      if (!primed) return;
      startStream();
      void opening
        .then(() => sent)
        .then(() => {
          if (replay) stream?.send({ data: "", id: replay.start, retry });
          stream?.end();
        });
    },
    cancel() {
      controller ??= new AbortController();
      controller.abort();
    },
    async beginSession(given) {
      if (caller) begunSession = (await service.part(createSessions).begin(caller, given)).id;
    },
    headers: () => (begunSession === undefined ? JSON_HEADERS : { ...JSON_HEADERS, "mcp-session-id": begunSession }),
    async reply(work) {
      if (options.stream === "only" && !possible) {
        way.cancel();
        throw new HttpError(406, "This is answered with text/event-stream: accept it.");
      }
      const started = new Promise<void>((resolve) => {
        begun = resolve;
        if (streaming) resolve();
      });
      const settled = work.then(
        () => {},
        () => {},
      );
      const patience = possible ? setTimeout(startStream, PATIENCE).unref() : undefined;
      await Promise.race([settled, started]);
      clearTimeout(patience);
      if (!streaming) {
        // What is said too late must not open a stream that nobody was given.
        possible = false;
        return work;
      }
      try {
        const reply = await streaming;
        void finish(work).catch((cause: unknown) =>
          service.log.error({ request: exchange.id, err: cause }, "a stream could not be finished"),
        );
        return reply;
      } catch (error) {
        if (options.stream === "only") {
          way.cancel();
          throw error;
        }
        // Too many streams, or the store is away: what it had to say is lost, its answer is not.
        service.log.warn({ request: exchange.id, cause: String(error) }, "a call goes on without a stream");
        possible = false;
        for (const { onLost } of waiting.splice(0)) onLost?.();
        return work;
      }
    },
  };
  return way;
}

/** Clients must accept both; what names neither is taken for one that forgot. */
export function acceptsStream(accept: string | undefined): boolean {
  return accept === undefined || /text\/event-stream|text\/\*|\*\/\*/i.test(accept);
}
