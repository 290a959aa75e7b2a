import assert from "node:assert/strict";
import { type Store, Unavailable } from "../../shared/state/store.ts";
import { MINUTE, newCounter, newKind, note } from "./state-bench.mts";

/** Clients that write without a break, and know what the store must hold by what it told them. */
export interface Load {
  /** Resolves when `count` more operations were acknowledged. */
  acknowledged(count: number): Promise<void>;
  /** Ends the writing and compares the store with what it acknowledged. */
  endAndVerify(): Promise<{ readonly acknowledged: number; readonly unavailable: number }>;
}

const UNKNOWN = Symbol("unknown");

/** Starts clients with records of their own, so that every refusal and every surprise is the store's fault. */
export function startLoad(store: Store, clients: number): Load {
  const [kind, counter] = [newKind(), newCounter()];
  const waiting = new Set<{ at: number; resolve: () => void }>();
  let [acknowledged, unavailable, ended] = [0, 0, false];

  /** What an operation told, or UNKNOWN; anything but `Unavailable` is a fault. */
  async function told<T>(operation: Promise<T>): Promise<T | typeof UNKNOWN> {
    try {
      const result = await operation;
      acknowledged++;
      for (const each of waiting) if (each.at <= acknowledged) each.resolve();
      return result;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      unavailable++;
      return UNKNOWN;
    }
  }

  /** Each client's records, by id, with the texts that they may hold; undefined stands for no record. */
  async function run(owner: string): Promise<Map<string, readonly (string | undefined)[]>> {
    const possible = new Map<string, readonly (string | undefined)[]>();
    let [total, added] = [0, 0];
    for (let round = 0; !ended; round++) {
      const key = { id: `${round}`, owner };
      const created = await told(store.create(kind, key, note("old"), null));
      assert.notEqual(created, false, "nobody else creates this record");
      possible.set(key.id, created === UNKNOWN ? ["old", undefined] : ["old"]);

      added++;
      const next = await told(store.increment(counter, { id: owner }, 1, Date.now() + MINUTE));
      if (next !== UNKNOWN) {
        assert.ok(next > total && next <= added, `${next} after ${total} and ${added} increments`);
        total = next;
      }

      const entry = await told(store.get(kind, key));
      if (entry === UNKNOWN) continue;
      assert.ok(possible.get(key.id)?.includes(entry?.value.text), "an acknowledged record is there");
      possible.set(key.id, [entry?.value.text]);
      if (!entry) continue;

      const replaced = await told(store.replace(kind, key, entry.version, note("new"), null));
      assert.notEqual(replaced, false, "nobody else changes this record");
      possible.set(key.id, replaced === UNKNOWN ? ["old", "new"] : ["new"]);
      if (round % 2 === 0) continue;

      const taken = await told(store.take(kind, key));
      if (taken !== UNKNOWN) assert.ok(possible.get(key.id)?.includes(taken?.value.text), "a record is there to take");
      possible.set(key.id, taken === UNKNOWN ? ["old", "new", undefined] : [undefined]);
    }
    const last = (await store.get(counter, { id: owner }))?.value ?? 0;
    assert.ok(last >= total && last <= added, "a counter has what was acknowledged and no more than was asked for");
    return possible;
  }

  const owners = Array.from({ length: clients }, (_, index) => `client-${index}`);
  const runs = Promise.all(owners.map(run));
  // A fault is reported by whoever waits for the load.
  runs.catch(() => {
    ended = true;
  });
  return {
    acknowledged: (count) =>
      Promise.race([
        new Promise<void>((resolve) => {
          waiting.add({ at: acknowledged + count, resolve });
        }),
        runs.then(() => {}),
      ]),
    async endAndVerify() {
      ended = true;
      for (const [index, possible] of (await runs).entries()) {
        for (const [id, texts] of possible) {
          const text = (await store.get(kind, { id, owner: owners[index] as string }))?.value.text;
          assert.ok(texts.includes(text), `${owners[index]} ${id} is ${text} and should be one of ${texts.join()}`);
        }
      }
      return { acknowledged, unavailable };
    },
  };
}
