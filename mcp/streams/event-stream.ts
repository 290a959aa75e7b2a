import type { Reply, Sink } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { createOpenStreams, type OpenStreams } from "./open-streams.ts";

/** An open event stream (WHATWG HTML §9.2), with its heartbeat, its lifetime and its bound for slow readers. */
export interface EventStream {
  /** Sends an event. A reader that is too far behind loses its stream instead. */
  send(event: StreamEvent): void;
  /** Ends the stream after what was sent. */
  end(): void;
  /** Aborts when the stream's time is up or the service stops: whoever opened it says goodbye and ends it, soon. */
  readonly ending: AbortSignal;
  /** Aborts when the stream is over, whoever ended it. */
  readonly over: AbortSignal;
}

export interface StreamEvent {
  /** The data, one line: JSON has no line breaks. */
  readonly data: string;
  readonly id?: string;
  /** The event's type; "message" when absent. */
  readonly event?: string;
  /** Milliseconds after which the client should come back when the stream ends. */
  readonly retry?: number;
}

const HEADERS = {
  "content-type": "text/event-stream",
  // Proxies that compress or collect a reply would hold its events back.
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** A comment says nothing and keeps a connection alive (WHATWG HTML §9.2.7). */
const COMMENT = ":\n\n";

/** Bytes that may wait for a slow reader, beside one message of any size. */
const MOST_PENDING = 4 * 1024 * 1024;
/**
 * Milliseconds in which a reader who seems slow may show that it is not: what is sent at one moment has not had a chance
 * to be taken, and under Encore takes some turns of the event loop to be.
 */
const BENEFIT_OF_DOUBT = 50;
/** The stream's time is shorter by up to this part, so that streams opened together do not all come back together. */
const JITTER = 0.1;

/**
 * A reply that is a stream of events. Takes the place of an open stream at once and gives it back when the stream is
 * over: return the reply, and let nothing fail in between.
 *
 * @param subject Undefined for strangers.
 * @param begin Is given the open stream.
 * @throws {HttpError} 503 when the process, 429 when the person has as many streams as it may.
 */
export function eventStreamReply(service: Service, subject: string | undefined, begin: (stream: EventStream) => void): Reply {
  const streams = service.part(createOpenStreams);
  const release = streams.reserve(subject);
  return { status: 200, headers: HEADERS, stream: (sink) => begin(openStream(service, streams, subject, sink, release)) };
}

function openStream(service: Service, streams: OpenStreams, subject: string | undefined, sink: Sink, release: () => void): EventStream {
  const { clock, log } = service;
  const { streamLifetime, streamQueue } = service.config.mcp;
  const ending = new AbortController();
  let isOver = false;
  let doubted = false;
  let written = 0;
  let first = 0;
  /** Where each event that may still wait ends, counted in bytes of the whole stream. */
  const ends: number[] = [];

  const stream = {
    endsAt: clock() + streamLifetime * (1 - JITTER * Math.random()),
    quietSince: clock(),
    beat() {
      // A reader with something to read needs no sign of life.
      if (sink.pending() === 0) sink.write(COMMENT);
    },
    startEnding: () => ending.abort(),
    end,
  };

  function finish(): void {
    if (isOver) return;
    isOver = true;
    streams.remove(stream);
    release();
  }

  function end(): void {
    if (isOver) return;
    finish();
    streams.endSoon(sink);
  }

  /** How many events wait for the reader, the next one included; more than one that waits counts its bytes as well. */
  function isBehind(): boolean {
    const pending = sink.pending();
    while (ends[0] !== undefined && ends[0] <= written - pending) ends.shift();
    if (ends.length === 0) first = 0;
    return ends.length > streamQueue || pending - first > MOST_PENDING;
  }

  function judgeAgain(): void {
    doubted = false;
    if (isOver || !isBehind()) return;
    log.warn({ subject, waiting: ends.length, bytes: sink.pending() }, "a stream ended: its reader is too slow");
    finish();
    sink.drop();
  }

  function send(event: StreamEvent): void {
    if (isOver) return;
    const text = render(event);
    const bytes = Buffer.byteLength(text);
    if (isBehind() && !doubted) {
      doubted = true;
      setTimeout(judgeAgain, BENEFIT_OF_DOUBT).unref();
    }
    sink.write(text);
    written += bytes;
    if (ends.length === 0) first = bytes;
    ends.push(written);
    stream.quietSince = clock();
  }

  sink.write(COMMENT);
  streams.add(stream);
  if (sink.signal.aborted) finish();
  else sink.signal.addEventListener("abort", finish, { once: true });
  return {
    send,
    end,
    ending: ending.signal,
    over: sink.signal,
  };
}

function render({ data, id, event, retry }: StreamEvent): string {
  let text = "";
  if (event !== undefined) text += `event: ${event}\n`;
  if (id !== undefined) text += `id: ${id}\n`;
  if (retry !== undefined) text += `retry: ${retry}\n`;
  return `${text}data: ${data}\n\n`;
}
