import { HttpError, type Sink } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";

/** The open event streams of this process: who has how many, and one timer for the heartbeats and lifetimes of all. */
export interface OpenStreams {
  /**
   * Takes the place of one stream. The returned function gives it back.
   * @throws {HttpError} 503 or 429
   */
  reserve(subject: string | undefined): () => void;
  add(stream: TimedStream): void;
  remove(stream: TimedStream): void;
  /** Ends a reply; a reader who takes nothing more does not hold its connection for ever. */
  endSoon(sink: Sink): void;
}

/** A stream as its timer sees it. Times are milliseconds since the epoch. */
export interface TimedStream {
  readonly endsAt: number;
  /** When something was last sent. */
  quietSince: number;
  /** Gives a sign of life. */
  beat(): void;
  /** Has whoever opened the stream say goodbye. */
  startEnding(): void;
  end(): void;
}

/** Milliseconds between two looks at all streams. */
const TICK = 1000;
/** Milliseconds between the beginning of the end and the end. */
const GRACE = 1000;
/** Milliseconds for which an ended reply may wait for its reader. */
const LINGER = 10_000;
/** Seconds. Some stream ends every few moments where there are many. */
const RETRY_AFTER = { "retry-after": "5" };

export function createOpenStreams({ config, clock, stopping }: Pick<Service, "config" | "clock" | "stopping">): OpenStreams {
  const { streams: most, streamsPerSubject, streamHeartbeat } = config.mcp;
  const open = new Set<TimedStream>();
  const counts = new Map<string | undefined, number>();
  let taken = 0;
  let lingering: { readonly sink: Sink; readonly until: number }[] = [];
  let timer: NodeJS.Timeout | undefined;
  stopping.addEventListener("abort", () => finish([...open]), { once: true });

  function look(): void {
    const now = clock();
    const due: TimedStream[] = [];
    for (const stream of open) {
      if (now >= stream.endsAt) {
        // It is watched no longer: the grace has a timer of its own.
        open.delete(stream);
        due.push(stream);
      } else if (now - stream.quietSince >= streamHeartbeat) {
        stream.quietSince = now;
        stream.beat();
      }
    }
    if (due.length > 0) finish(due);
    lingering = lingering.filter(({ sink, until }) => sink.pending() > 0 && !dropAfter(sink, until, now));
    if (open.size + lingering.length > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function finish(streams: readonly TimedStream[]): void {
    for (const stream of streams) stream.startEnding();
    setTimeout(() => streams.forEach((stream) => void stream.end()), GRACE).unref();
  }

  function watch(): void {
    timer ??= setInterval(look, TICK).unref();
  }

  return {
    reserve(subject) {
      // Strangers cannot be told apart; half of all places stays for people who signed in.
      const mostOfSubject = subject === undefined ? Math.ceil(most / 2) : streamsPerSubject;
      const count = counts.get(subject) ?? 0;
      if (taken >= most) throw new HttpError(503, "This service has as many open streams as it can hold. Try again shortly.", RETRY_AFTER);
      if (count >= mostOfSubject) {
        const message = `There are ${count} open streams of yours here, and no more are allowed. Close one or try again shortly.`;
        throw new HttpError(429, message, RETRY_AFTER);
      }
      taken++;
      counts.set(subject, count + 1);
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        taken--;
        const left = (counts.get(subject) ?? 1) - 1;
        if (left === 0) counts.delete(subject);
        else counts.set(subject, left);
      };
    },
    add(stream) {
      if (stopping.aborted) return finish([stream]);
      open.add(stream);
      watch();
    },
    remove: (stream) => void open.delete(stream),
    endSoon(sink) {
      sink.end();
      if (sink.pending() === 0) return;
      lingering.push({ sink, until: clock() + LINGER });
      watch();
    },
  };
}

function dropAfter(sink: Sink, until: number, now: number): boolean {
  if (now < until) return false;
  sink.drop();
  return true;
}
