import type { Kind, Store } from "../../shared/state/store.ts";

/**
 * Records what several clients saw of one record and judges whether one order of their operations explains it
 * (Herlihy and Wing, "Linearizability", 1990). Every write has a value of its own, so that a version names a value.
 */

export type Step = "get" | "create" | "replace" | "take";

interface Observed {
  /** Positions in one sequence of starts and ends: an operation comes before another if it ended before that one started. */
  readonly start: number;
  readonly end: number;
  /** The state after the operation if `state` explains what it returned. */
  readonly after: (state: number | undefined) => { readonly state: number | undefined } | undefined;
}

/** Runs each client's steps one after the other, the clients side by side, and returns what they observed. */
export async function observe(stores: readonly Store[], kind: Kind<number>, clients: readonly (readonly Step[])[]): Promise<Observed[]> {
  const key = { id: "contended", owner: "someone" };
  const valueOfVersion = new Map<string, number>();
  const history: Observed[] = [];
  let sequence = 0;
  let written = 0;

  async function run(store: Store, steps: readonly Step[]): Promise<void> {
    let seen = "never-a-version";
    for (const step of steps) {
      const start = sequence++;
      const after = await perform(step);
      history.push({ start, end: sequence++, after });
    }

    async function perform(step: Step): Promise<Observed["after"]> {
      if (step === "create") {
        const value = written++;
        const created = await store.create(kind, key, value, null);
        return (state) => (created === (state === undefined) ? { state: created ? value : state } : undefined);
      }
      if (step === "replace") {
        const value = written++;
        const version = seen;
        const replaced = await store.replace(kind, key, version, value, null);
        return (state) => {
          const matches = state !== undefined && valueOfVersion.get(version) === state;
          return replaced === matches ? { state: replaced ? value : state } : undefined;
        };
      }
      const entry = await (step === "get" ? store.get(kind, key) : store.take(kind, key));
      if (entry) {
        const known = valueOfVersion.get(entry.version);
        if (known !== undefined && known !== entry.value) throw new Error("two values had one version");
        valueOfVersion.set(entry.version, entry.value);
        seen = entry.version;
      }
      return (state) => (entry?.value === state ? { state: step === "take" ? undefined : state } : undefined);
    }
  }

  await Promise.all(clients.map((steps, index) => run(stores[index % stores.length] as Store, steps)));
  return history;
}

/** True if some order that respects real time explains every observation, from an absent record on. */
export function isLinearizable(pending: readonly Observed[], state?: number): boolean {
  if (pending.length === 0) return true;
  const firstEnd = Math.min(...pending.map(({ end }) => end));
  return pending.some((operation) => {
    if (operation.start > firstEnd) return false;
    const next = operation.after(state);
    return (
      next !== undefined &&
      isLinearizable(
        pending.filter((other) => other !== operation),
        next.state,
      )
    );
  });
}
