import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { writeOver } from "./entries.ts";
import { type Kind, type Store, Unavailable } from "./store.ts";

/**
 * A short list of recent items that every replica appends to and reads: one record, so that the order is the same for
 * all and nothing is missed in between. Positions only grow, also when the record had expired meanwhile.
 */
export interface Feed<T> {
  /** @returns the item's position. @throws {Unavailable} when nobody knows whether it was published. */
  publish(item: T): Promise<number>;
  /** What came after a position, in order; from the present when `after` is undefined. @throws {Unavailable} */
  read(after: number | undefined): Promise<FeedPage<T>>;
}

export interface FeedPage<T> {
  readonly items: readonly FeedItem<T>[];
  /** Where the next read goes on. */
  readonly position: number;
  /** Items after `after` were dropped already: more happened than is kept. */
  readonly incomplete: boolean;
}

export interface FeedItem<T> {
  readonly position: number;
  readonly item: T;
}

export interface FeedOptions<T> {
  readonly name: string;
  /** Of an item, which should stay far below {@link MOST_BYTES}. */
  readonly codec: z.ZodType<T>;
  /** Items kept at most. */
  readonly most: number;
  /** Milliseconds for which an item is kept. Twice as much as the clocks of two replicas may ever differ. */
  readonly maxAge: number;
}

/** Bytes of the items kept: every reader reads all of them each time. */
const MOST_BYTES = 128 * 1024;
/** Items written in one step. */
const BATCH = 50;
/** With ten replicas that publish without a pause, one loses its race this often about never. */
const TRIES = 40;
/** Milliseconds; waits between tries are random up to this, more after each. */
const LONGEST_PAUSE = 50;

interface FeedRecord<T> {
  /** Positions below are taken. */
  readonly next: number;
  /** The highest position of an item that may have been dropped. */
  readonly lost: number;
  readonly items: readonly FeedItem<T>[];
}

interface Waiting<T> {
  readonly item: T;
  readonly resolve: (position: number) => void;
  readonly reject: (error: unknown) => void;
}

/** What is published together in this process is written together. */
export function openFeed<T>(
  { store, clock }: { readonly store: Store; readonly clock: () => number },
  { name, codec, most, maxAge }: FeedOptions<T>,
): Feed<T> {
  const kind: Kind<FeedRecord<T>> = { name: "feed", codec: recordCodec(codec) };
  const key = { id: name };
  let waiting: Waiting<T>[] = [];
  let writing = false;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, Math.min(BATCH, most));
      waiting = waiting.slice(batch.length);
      try {
        const first = await write(batch.map(({ item }) => item));
        for (const [index, { resolve }] of batch.entries()) resolve(first + index);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    writing = false;
  }

  /** @returns the position of the first. */
  async function write(items: readonly T[]): Promise<number> {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const found = await store.get(kind, key);
      const now = clock();
      // What an expired record held is not known any more, so that readers from before then may have missed something.
      const { next, lost, items: kept } = found?.value ?? { next: 0, lost: now - maxAge, items: [] };
      // A position is the time, moved on where two would be the same: the first of a new record comes after the last of
      // the one that expired, which lived for `maxAge` after its last position.
      const first = Math.max(next, now);
      const all = [...kept, ...items.map((item, index) => ({ position: first + index, item }))];
      const value = trim({ next: first + items.length, lost, items: all }, now - maxAge, most);
      const expiresAt = value.next + maxAge;
      if (await writeOver(store, kind, key, found, value, expiresAt)) return first;
      await pause(Math.random() * Math.min(attempt * 2, LONGEST_PAUSE));
    }
    throw new Unavailable(`others write to the feed ${name} all the time`);
  }

  return {
    publish: (item) =>
      new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (writing) return;
        writing = true;
        queueMicrotask(writeAll);
      }),
    async read(after) {
      const found = await store.get(kind, key);
      const now = clock();
      const { next, lost, items } = found?.value ?? { next: 0, lost: now - maxAge, items: [] };
      return {
        items: after === undefined ? [] : items.filter(({ position }) => position > after),
        // A reader who is up to date moves on with the time even if nothing happens, or a record that expires and comes
        // again would look like something missed. Half the age is kept for clocks that differ: whoever publishes next
        // has a clock that is past this.
        position: Math.max(after ?? 0, next - 1, now - Math.floor(maxAge / 2)),
        incomplete: after !== undefined && after < lost,
      };
    },
  };
}

function recordCodec<T>(item: z.ZodType<T>): z.ZodType<FeedRecord<T>> {
  const entry = z.strictObject({ position: z.number(), item });
  return z.strictObject({ next: z.number(), lost: z.number(), items: z.array(entry) }) as unknown as z.ZodType<FeedRecord<T>>;
}

/** Drops the oldest items: those before `since`, and those for which there is no room. The last one stays. */
function trim<T>({ next, lost, items }: FeedRecord<T>, since: number, most: number): FeedRecord<T> {
  let from = items.length;
  let bytes = 0;
  for (const item of items.toReversed()) {
    bytes += Buffer.byteLength(JSON.stringify(item));
    const isLast = from === items.length;
    if (!isLast && (item.position < since || items.length - from === most || bytes > MOST_BYTES)) break;
    from--;
  }
  return { next, lost: items[from - 1]?.position ?? lost, items: items.slice(from) };
}
