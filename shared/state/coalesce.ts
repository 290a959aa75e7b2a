import type { Driver, Row } from "./store.ts";

/** Where a record is. */
export interface Place {
  readonly kind: string;
  readonly owner: string;
  readonly id: string;
}

/** Reads several records in one request, in the order asked; as strongly consistent as `get`. */
export type ReadMany = (places: readonly Place[], now: number) => Promise<readonly (Row | undefined)[]>;

/** Records in one request: fewer than any database's bound. */
const MOST = 25;

interface Waiting extends Place {
  readonly resolve: (row: Row | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Reads that are started together become one request, for databases that are a network away. Nothing is kept: each read
 * is of its own moment, and later ones ask again.
 */
export function coalesceGets<D extends Driver>(driver: D, readMany: ReadMany): D {
  let waiting: Waiting[] = [];

  function send(now: number): void {
    const all = waiting;
    waiting = [];
    const places = [...new Map(all.map((place) => [JSON.stringify([place.kind, place.owner, place.id]), place])).values()];
    for (let start = 0; start < places.length; start += MOST) {
      void answer(all, places.slice(start, start + MOST), now);
    }
  }

  async function answer(all: readonly Waiting[], places: readonly Place[], now: number): Promise<void> {
    const asking = ({ kind, owner, id }: Place) => all.filter((one) => one.kind === kind && one.owner === owner && one.id === id);
    try {
      const [only] = places;
      const rows = places.length === 1 && only ? [await driver.get(only.kind, only.owner, only.id, now)] : await readMany(places, now);
      for (const [index, place] of places.entries()) for (const { resolve } of asking(place)) resolve(rows[index]);
    } catch (error) {
      for (const place of places) for (const { reject } of asking(place)) reject(error);
    }
  }

  return {
    ...driver,
    get: (kind, owner, id, now) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) queueMicrotask(() => send(now));
        waiting.push({ kind, owner, id, resolve, reject });
      }),
  };
}
