import type { Service } from "../../shared/service.ts";
import type { Blob, Blobs } from "../../shared/state/blobs.ts";
import type { Page } from "../../shared/state/store.ts";
import { eventIdOf, eventKind, parseEventId, purposeOf, type StreamRecord, sequenceId, streamKind } from "./replay-records.ts";

export interface ReplayedEvent {
  readonly id: string;
  readonly message: string;
}

/** How kept streams are read. */
export interface Following {
  /** Whether the session has a stream with such an event, and nothing after it is lost. @throws {Unavailable} */
  knows(session: string, eventId: string): Promise<boolean>;
  /**
   * Gives the events after one, as they come, until the stream is finished or `signal` aborts. Once it has begun it waits
   * for a store that is down.
   * @returns false for an event that is not known (any more).
   * @throws {Unavailable}
   */
  follow(session: string, eventId: string, onEvent: (event: ReplayedEvent) => void, signal: AbortSignal): Promise<boolean>;
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

/** The reading half of {@link Following}. */
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

  async function knows(session: string, eventId: string): Promise<boolean> {
    const named = parseEventId(eventId);
    if (!named) return false;
    const record = await store.get(streamKind, { id: named.stream });
    return record?.value.session === session && isKept(named.stream, named.sequence, record.value);
  }

  async function follow(...[session, eventId, onEvent, signal]: Parameters<Following["follow"]>): Promise<boolean> {
    const named = parseEventId(eventId);
    if (!named || !(await knows(session, eventId))) return false;
    const { stream } = named;
    let { sequence } = named;
    let down = false;
    while (!signal.aborted) {
      // Asked for before reading, so that nothing falls between.
      const news = ownStream(stream)?.changed();
      try {
        const over = await isOver(stream);
        for await (const event of eventsAfter(stream, sequence)) {
          if (signal.aborted) return true;
          sequence = event.sequence;
          if (event.message !== undefined) onEvent({ id: eventIdOf(stream, sequence), message: event.message });
        }
        if (over) return true;
        down = false;
      } catch (error) {
        if (stopping.aborted) return true;
        if (!down) log.warn({ stream, cause: String(error) }, "a stream cannot be read");
        down = true;
      }
      await something(down ? undefined : news, signal);
    }
    return true;
  }

  return { knows, follow };
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
