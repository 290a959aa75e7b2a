import type { DatabaseSync } from "node:sqlite";

/** Does a write, and resolves with what it gave once that is on the disk. */
export type Commit = <T>(write: () => T) => Promise<T>;

export interface Committer {
  readonly commit: Commit;
  /** Commits what waits, now. */
  flush(): Promise<void>;
}

interface Waiting {
  readonly write: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly value: unknown } | { readonly fault: unknown };

export interface CommitterOptions {
  /** Does what may find the file locked, again until it is not. Rejects with what {@link CommitterOptions.faultOf} gives. */
  readonly attempt: <T>(work: () => T) => Promise<T>;
  /** What a caller is told of an error of SQLite's. */
  readonly faultOf: (error: unknown) => unknown;
}

/**
 * Writes that come in one turn of the event loop are committed together: they wait for the disk once, and not each. What
 * one of them does wrong is its own; when the disk fails, all of them have failed, and nothing of any was written.
 */
export function createCommitter(database: DatabaseSync, { attempt, faultOf }: CommitterOptions): Committer {
  let waiting: Waiting[] = [];

  async function flush(): Promise<void> {
    const writes = waiting;
    waiting = [];
    const [only] = writes;
    if (!only) return;
    if (writes.length === 1) return attempt(only.write).then(only.resolve, only.reject);
    try {
      const outcomes = await attempt(() => inOneTransaction(database, writes));
      for (const [index, outcome] of outcomes.entries()) {
        if ("value" in outcome) writes[index]?.resolve(outcome.value);
        else writes[index]?.reject(faultOf(outcome.fault));
      }
    } catch (error) {
      for (const { reject } of writes) reject(error);
    }
  }

  return {
    flush,
    commit: <T>(write: () => T) =>
      new Promise<T>((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({ write, resolve: resolve as (value: unknown) => void, reject });
      }),
  };
}

/** @throws {Error} when nothing was written. */
function inOneTransaction(database: DatabaseSync, writes: readonly Waiting[]): readonly Outcome[] {
  database.exec("BEGIN IMMEDIATE");
  try {
    const outcomes = writes.map(({ write }) => outcomeOf(database, write));
    database.exec("COMMIT");
    return outcomes;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function outcomeOf(database: DatabaseSync, write: () => unknown): Outcome {
  try {
    return { value: write() };
  } catch (error) {
    // Some faults, a full disk for one, end the whole transaction.
    if (!database.isTransaction) throw error;
    return { fault: error };
  }
}
