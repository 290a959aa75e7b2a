import { randomToken } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import { createBlobs } from "../../shared/state/blobs.ts";
import { createFollow, type Following, type OwnStream } from "./replay-follow.ts";
import { eventIdOf, eventKind, KEPT, purposeOf, sequenceId, streamKind } from "./replay-records.ts";

/**
 * What was sent on the stream of a legacy request, kept for a while so that a client whose connection broke can go on
 * where it stopped, at any replica (MCP 2025-11-25 basic/transports §resumability).
 */
export interface Replay {
  /** Before anything is kept: the id of the priming event. */
  readonly start: string;
  /** Keeps a message. Calls are kept in the order they were made. @returns the event's id. @throws {Unavailable} */
  append(message: string): Promise<string>;
  /** Nothing comes after. When that cannot be stored it is logged, and at other replicas the stream ends when it expires. */
  finish(): Promise<void>;
}

export interface Replays extends Following {
  /** @param session The key of the session whose stream it is. @throws {Unavailable} */
  begin(session: string): Promise<Replay>;
}

interface WrittenStream extends OwnStream {
  /** Says that the stream is still written. */
  refresh(): Promise<void>;
}

/** Milliseconds; one that fails leaves time for another. */
const REFRESH = KEPT / 3;

type Needed = Pick<Service, "store" | "sealer" | "clock" | "log" | "stopping">;

export function createReplays(service: Needed): Replays {
  const own = new Map<string, WrittenStream>();
  const blobs = createBlobs(service);
  let timer: NodeJS.Timeout | undefined;

  async function refreshAll(): Promise<void> {
    for (const stream of own.values()) await stream.refresh();
  }

  /** Called until there is nothing to refresh any more. */
  function watch(): void {
    if (own.size > 0) timer ??= setInterval(refreshAll, REFRESH).unref();
    else clearInterval(timer);
    if (own.size === 0) timer = undefined;
  }

  async function begin(session: string): Promise<Replay> {
    const { store, clock, log, stopping } = service;
    const id = randomToken(12);
    await store.create(streamKind, { id }, { session, state: "open", last: 0 }, clock() + KEPT);
    let last = 0;
    let finished = false;
    let writing: Promise<unknown> = Promise.resolve();
    let news = Promise.withResolvers<void>();

    function tell(): void {
      news.resolve();
      news = Promise.withResolvers();
    }

    function inOrder<T>(work: () => Promise<T>): Promise<T> {
      const done = writing.then(work);
      writing = done.catch(() => {});
      return done;
    }

    async function keep(message: string): Promise<string> {
      const expiresAt = clock() + KEPT;
      const blob = await blobs.write(purposeOf(id), message, expiresAt);
      // A number is never used again: an event of which nobody knew whether it was stored must not be taken for another.
      last++;
      await store.create(eventKind, { owner: id, id: sequenceId(last) }, blob, expiresAt);
      tell();
      return eventIdOf(id, last);
    }

    async function save(): Promise<void> {
      try {
        const found = await store.get(streamKind, { id });
        const value = { session, state: finished ? "finished" : "open", last } as const;
        if (found) await store.replace(streamKind, { id }, found.version, value, clock() + KEPT);
      } catch (error) {
        if (!stopping.aborted) log.warn({ stream: id, cause: String(error) }, "the state of a stream was not stored");
      }
    }

    async function close(): Promise<void> {
      finished = true;
      tell();
      await save();
      own.delete(id);
      watch();
    }

    own.set(id, { isFinished: () => finished, changed: () => news.promise, refresh: () => inOrder(save) });
    watch();
    return { start: eventIdOf(id, 0), append: (message) => inOrder(() => keep(message)), finish: () => inOrder(close) };
  }

  return { begin, ...createFollow(service, blobs, (id) => own.get(id)) };
}
