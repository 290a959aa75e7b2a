import type { Service } from "../../shared/service.ts";
import type { Page } from "../../shared/state/store.ts";
import type { Blob, Blobs } from "./blobs.ts";
import type { OwnStream, Replays } from "./replay.ts";
import { eventIdOf, eventKind, parseEventId, purposeOf, type StreamRecord, sequenceId, streamKind } from "./replay-records.ts";

/** Milliseconds between two looks at a stream that another replica writes. */
const INTERVAL = 500;
/** Events may be large. */
const PAGE = 20;

/** The reading half of {@link Replays}. */
export function createFollow(
  { store, log, stopping }: Pick<Service, "store" | "log" | "stopping">,
  blobs: Blobs,
  ownStream: (id: string) => OwnStream | undefined,
): Pick<Replays, "knows" | "follow"> {
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

  async function follow(...[session, eventId, onEvent, signal]: Parameters<Replays["follow"]>): Promise<boolean> {
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
