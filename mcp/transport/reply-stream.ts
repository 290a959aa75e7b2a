import { type Reply, textOf } from "../../shared/http/exchange.ts";
import type { Dialect } from "../protocol/era.ts";
import { type EventStream, eventStreamReply } from "../streams/event-stream.ts";
import { createReplays, type Replay } from "../streams/replay.ts";
import { createCallerWatch } from "../streams/watch.ts";
import type { Arrival } from "./arrival.ts";
import { isResumable } from "./surface.ts";

/** Milliseconds after which a client whose stream ended before its answer should come back. */
export const RETRY = 1_000;
/** The first revision whose clients know events without data (SEP-1699). */
export const PRIMING_REVISION = "2025-11-25";

/** The event stream that the reply to a POST has become. */
export interface ReplyStream {
  /** The reply that opens it. Rejects when there are too many streams, or nothing can be kept for those who come back. */
  readonly opened: Promise<Reply>;
  /** Whether what lasts as long as its stream should end. */
  readonly isEnding: boolean;
  /** Says a message, once the stream is open. @param onLost Called when it turns out that it never will be. */
  say(message: string, onLost?: () => void): void;
  /** Lets the connection go, for a client that can come back after `retry` milliseconds. */
  release(retry: number): void;
  /** Says the body of the last reply, and ends. */
  finish(last: Promise<Reply>): Promise<void>;
  /** It was never opened: whoever said something hears of it. */
  giveUp(): void;
}

export interface ReplyStreamListener {
  /** The answer has no reader any more, by the rules of its era, or the caller is nobody any more. */
  cancel(): void;
  /** What lasts as long as the stream should end. */
  ending(): void;
}

/** Whether the client knows that it can come back to the stream, and by which event. */
export function isPrimed({ exchange, session }: Arrival, { revision }: Dialect): boolean {
  return session !== undefined && isResumable(exchange) && revision >= PRIMING_REVISION;
}

/**
 * Opens the stream of a reply. A modern client's calls end with it. A legacy call goes on without: what it says is kept, so
 * that its client can come back for it at any replica, where a GET is ours.
 */
export function openReplyStream(arrival: Arrival, dialect: Dialect, listener: ReplyStreamListener): ReplyStream {
  const { exchange, service, caller, session } = arrival;
  const resumed = session && isResumable(exchange) ? session : undefined;
  const waiting: { readonly message: string; readonly onLost: (() => void) | undefined }[] = [];
  /** Resolves when the client has its stream. */
  const { promise: opening, resolve: hasOpened } = Promise.withResolvers<void>();
  let stream: EventStream | undefined;
  /** Aborts when the stream has said all there is, whether or not its client is still there. */
  let done: AbortController | undefined;
  let replay: Replay | undefined;
  /** Messages are kept and sent one after the other. */
  let sent = Promise.resolve();

  async function open(): Promise<Reply> {
    if (resumed) replay = await service.part(createReplays).begin(resumed.key);
    try {
      return eventStreamReply(service, caller?.subject, begin);
    } catch (error) {
      // What nobody will write to must not be kept up.
      await replay?.finish();
      replay = undefined;
      throw error;
    }
  }

  function begin(opened: EventStream): void {
    stream = opened;
    if (replay && isPrimed(arrival, dialect)) opened.send({ data: "", id: replay.start, retry: RETRY });
    done = new AbortController();
    service.part(createCallerWatch).watch(exchange.header("authorization"), cutOff, done.signal);
    opened.ending.addEventListener("abort", () => listener.ending());
    // Whoever ended it, and under Encore too: nobody can hear the answer any more.
    if (dialect.era === "modern") opened.over.addEventListener("abort", () => listener.cancel(), { once: true });
    for (const { message } of waiting.splice(0)) emit(message);
    hasOpened();
  }

  /** The caller is nobody any more. */
  function cutOff(): void {
    listener.cancel();
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

  const opened = open();
  // Whoever waits for the reply sees to a failure.
  opened.catch(() => {});
  return {
    opened,
    get isEnding() {
      return stream?.ending.aborted === true;
    },
    say,
    release(retry) {
      void opening
        .then(() => sent)
        .then(() => {
          if (replay) stream?.send({ data: "", id: replay.start, retry });
          stream?.end();
        });
    },
    async finish(last) {
      const text = textOf((await last).body ?? "");
      if (text !== "") say(text);
      await opening;
      await sent;
      await replay?.finish();
      stream?.end();
      done?.abort();
    },
    giveUp() {
      for (const { onLost } of waiting.splice(0)) onLost?.();
    },
  };
}
