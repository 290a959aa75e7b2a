import type { Service } from "../../shared/service.ts";
import type { Blob, Blobs } from "../../shared/state/blobs.ts";
import type { Page } from "../../shared/state/store.ts";
import { eventIdOf, eventKind, parseEventId, purposeOf, type StreamRecord, sequenceId, streamKind } from "./replay-records.ts";

export interface ReplayedEvent {
  readonly id: string;
  readonly message: string;
}

/**
 * Gives the events after one, as they come, until the stream is finished or `signal` aborts. It waits for a store that is
 * down.
 */
export type Follow = (onEvent: (event: ReplayedEvent) => void, signal: AbortSignal) => Promise<void>;

/** How kept streams are read. */
export interface Following {
  /**
   * What follows a session's stream after an event; nothing when the session has no stream with such an event (any
   * more), or something after it is lost.
   * @throws {Unavailable}
   */
  open(session: string, eventId: string): Promise<Follow | undefined>;
}

/** A stream that this process writes, for those who follow it here. */
export interface OwnStream {
  isFinished(): boolean;
  /** Resolves when there is more to read, or the stream is finished. */
  changed(): Promise<void>;
}

/** Milliseconds between two looks at a stream that another replica writes. */
const INTERVAL = 500;
/** Events may be large. */
const PAGE = 20;

/** The reading half of `Replays`. */
export function createFollow(
  { store, log, stopping }: Pick<Service, "store" | "log" | "stopping">,
  blobs: Blobs,
  ownStream: (id: string) => OwnStream | undefined,
): Following {
  /** Whether nothing that came after the event has expired. */
  async function isKept(stream: string, sequence: number, { last }: StreamRecord): Promise<boolean> {
    if (sequence === last) return true;
    const isThere = async (number: number) => (await store.get(eventKind, { owner: stream, id: sequenceId(number) })) !== undefined;
    return (await isThere(sequence)) || (await isThere(sequence + 1));
  }

  /** A replica that crashed never finishes its streams: they end when they expire. */
  async function isOver(stream: string): Promise<boolean> {
    const own = ownStream(stream);
    if (own) return own.isFinished();
    const record = await store.get(streamKind, { id: stream });
    return record?.value.state !== "open";
  }

  /** An event that cannot be opened has no message. */
  async function* eventsAfter(stream: string, sequence: number): AsyncGenerator<{ readonly sequence: number; readonly message?: string }> {
    let cursor: string | undefined = sequenceId(sequence);
    while (cursor !== undefined) {
      const page: Page<Blob> = await store.list(eventKind, stream, cursor, PAGE);
      for (const { id, value } of page.entries) {
        const message = await blobs.read(purposeOf(stream), value);
        yield { sequence: Number(id), ...(message === undefined ? {} : { message }) };
      }
      cursor = page.cursor;
    }
  }

  async function follow(stream: string, after: number, ...[onEvent, signal]: Parameters<Follow>): Promise<void> {
    let sequence = after;
    let down = false;
    while (!signal.aborted) {
      // Asked for before reading, so that nothing falls between.
      const news = ownStream(stream)?.changed();
      try {
        const over = await isOver(stream);
        for await (const event of eventsAfter(stream, sequence)) {
          if (signal.aborted) return;
          sequence = event.sequence;
          if (event.message !== undefined) onEvent({ id: eventIdOf(stream, sequence), message: event.message });
        }
        if (over) return;
        down = false;
      } catch (error) {
        if (stopping.aborted) return;
        if (!down) log.warn({ stream, cause: String(error) }, "a stream cannot be read");
        down = true;
      }
      await something(down ? undefined : news, signal);
    }
  }

  return {
    async open(session, eventId) {
      const named = parseEventId(eventId);
      if (!named) return undefined;
      const { stream, sequence } = named;
      const record = await store.get(streamKind, { id: stream });
      if (record?.value.session !== session || !(await isKept(stream, sequence, record.value))) return undefined;
      return (onEvent, signal) => follow(stream, sequence, onEvent, signal);
    },
  };
}

/** Resolves when there is news, or after {@link INTERVAL} where none can come, or when `signal` aborts. */
function something(news: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = news ? undefined : setTimeout(done, INTERVAL).unref();
    void news?.then(done);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
