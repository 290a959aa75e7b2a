import { setTimeout as pause } from "node:timers/promises";
import { Lost, Unavailable } from "./store.ts";

/** What became of one try. The verdict "answer" is for the caller to handle, every other one is the driver's own. */
export type Tried<T, V extends string> = { readonly value: T } | { readonly verdict: V; readonly cause: unknown };

export interface Patience<V extends string> {
  /** Milliseconds after which it is not tried again. */
  readonly patience: number;
  /** After these it may be tried again. */
  readonly repeatable: readonly V[];
  /** What is thrown when it is not. */
  readonly failure: (verdict: V, cause: unknown) => Error;
}

/** Milliseconds. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1_000;

/** Tries until there is a value, or nothing to be gained by another try, with longer and longer pauses. */
export async function tryPatiently<T, V extends string>(
  tryOnce: () => Promise<Tried<T, V>>,
  { patience, repeatable, failure }: Patience<V>,
): Promise<T> {
  const end = performance.now() + patience;
  for (let longest = FIRST_PAUSE; ; longest = Math.min(longest * 2, LONGEST_PAUSE)) {
    const tried = await tryOnce();
    if ("value" in tried) return tried.value;
    const { verdict, cause } = tried;
    if (verdict === "answer") throw cause;
    if (!repeatable.includes(verdict) || performance.now() + longest > end) throw failure(verdict, cause);
    // Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    await pause(longest * Math.random());
  }
}

/** For who can do nothing with an unknown outcome: whatever was lost may simply be asked again. */
export function lostIsUnavailable(message: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof Lost) throw new Unavailable(message, { cause: error.cause });
    throw error;
  };
}
