import { z } from "zod";
import { loadConfig } from "../../shared/config.ts";
import { createLog } from "../../shared/log.ts";
import { openState } from "../../shared/state/open.ts";
import type { Key } from "../../shared/state/store.ts";

/** One operation. No two writes on a record have the same value, so that what is in it tells which of them made it. */
export type Step = { readonly name: "get" | "take" } | { readonly name: "create" | "replace" | "increment"; readonly value: number };

/** What the parent sends, once for each record. */
export interface Round {
  readonly key: Key;
  readonly steps: readonly Step[];
}

/** A step and what became of it. */
export interface Seen {
  readonly step: Step;
  /** Nanoseconds of the system's monotonic clock, which is one for all processes. */
  readonly start: bigint;
  readonly end: bigint;
  /** What was returned: a value or nothing, whether it was written, or a total. */
  readonly result: number | boolean | undefined;
  /** Of the entry that was returned. */
  readonly version?: string | undefined;
  /** The value that a `replace` compared with, by way of its version; nothing where none was read before. */
  readonly expected?: number | undefined;
}

const COUNTER = { name: "history", codec: z.number() };
const HOUR = 3_600_000;

/**
 * `history-process.mts` is forked with STATE_URL in its environment. It sends "ready" and then answers each {@link Round}
 * with what it saw of that record, one step after the other.
 */
async function serve(): Promise<void> {
  const { store } = await openState(loadConfig(process.env), { clock: Date.now, log: createLog("error", 2) });

  async function perform({ key, steps }: Round): Promise<Seen[]> {
    let read: { readonly version: string; readonly value: number } | undefined;
    const history: Seen[] = [];
    for (const step of steps) {
      const start = process.hrtime.bigint();
      const seen = await performStep(step);
      history.push({ step, start, end: process.hrtime.bigint(), ...seen });
    }
    return history;

    async function performStep(step: Step): Promise<Pick<Seen, "result" | "version" | "expected">> {
      const expiresAt = Date.now() + HOUR;
      if (step.name === "create") return { result: await store.create(COUNTER, key, step.value, expiresAt) };
      if (step.name === "increment") return { result: await store.increment(COUNTER, key, step.value, expiresAt) };
      if (step.name === "replace") {
        const result = await store.replace(COUNTER, key, read?.version ?? "never-a-version", step.value, expiresAt);
        return { result, expected: read?.value };
      }
      const entry = await (step.name === "get" ? store.get(COUNTER, key) : store.take(COUNTER, key));
      if (entry) read = entry;
      return { result: entry?.value, version: entry?.version };
    }
  }

  process.on("message", async (round: Round) => process.send?.(await perform(round)));
  process.on("disconnect", () => store.close());
  process.send?.("ready");
}

await serve();
