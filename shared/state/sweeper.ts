import { setImmediate as nextTurn } from "node:timers/promises";
import { z } from "zod";
import type { Config } from "../config.ts";
import { randomToken } from "../hash.ts";
import type { Log } from "../log.ts";
import type { Kind, Store } from "./store.ts";

/** What the sweeper needs of a service. */
export interface Swept {
  readonly config: Pick<Config, "sweep">;
  readonly store: Store;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly stopping: AbortSignal;
}

/** Has `round` run once after `delay` milliseconds; the returned function calls it off. */
export type Schedule = (round: () => Promise<void>, delay: number) => () => void;

/** Id: the job. Expires: {@link LEASE} after its holder last said that it is there. */
export const leaseKind: Kind<{ holder: string }> = { name: "lease", codec: z.strictObject({ holder: z.string() }) };
const KEY = { id: "sweep" };
/** Milliseconds; when a holder crashes the others wait no longer. */
const LEASE = 60_000;
/** Bounds a round, so that a large backlog does not keep a database busy. */
const MOST_BATCHES = 100;
/** Rounds lie between 0.8 and 1.2 intervals apart, so that replicas that start together do not stay together. */
const JITTER = 0.2;

/**
 * Deletes expired records in the background until the service stops. Of all replicas one at a time does it: who holds
 * the lease. Correctness never waits for it, since an expired record is absent from every operation; so it never throws,
 * and what fails is logged and tried again at the next round.
 */
export function startSweeper(service: Swept, schedule: Schedule = onTimer): void {
  const { config, stopping } = service;
  if (config.sweep.interval === 0) return;
  const holder = randomToken(9);
  let callOff = () => {};

  const plan = () => {
    if (stopping.aborted) return;
    callOff = schedule(round, config.sweep.interval * (1 - JITTER + 2 * JITTER * Math.random()));
  };
  const round = async () => {
    await sweepRound(service, holder);
    plan();
  };
  stopping.addEventListener("abort", () => callOff(), { once: true });
  plan();
}

async function sweepRound({ config, store, log, clock, stopping }: Swept, holder: string): Promise<void> {
  const { batch } = config.sweep;
  let swept = 0;
  try {
    for (let batches = 0; batches < MOST_BATCHES && !stopping.aborted; batches++) {
      if (!(await holdLease(store, holder, clock()))) break;
      const count = await store.sweep(batch);
      swept += count;
      if (count < batch) break;
      // A store that answers without input or output, as SQLite does, would keep requests waiting for the whole round.
      await nextTurn();
    }
    if (swept > 0) log.info({ swept }, "swept expired records");
  } catch (error) {
    // The store may be closed under a round that was under way when the service stopped.
    if (!stopping.aborted) log.warn({ swept, cause: error instanceof Error ? error.message : String(error) }, "sweeping failed");
  }
}

/** True if `holder` has the lease from now on: it was free, had expired, or is renewed. It is kept between rounds. */
async function holdLease(store: Store, holder: string, now: number): Promise<boolean> {
  const lease = await store.get(leaseKind, KEY);
  if (!lease) return store.create(leaseKind, KEY, { holder }, now + LEASE);
  if (lease.value.holder !== holder) return false;
  return store.replace(leaseKind, KEY, lease.version, { holder }, now + LEASE);
}

function onTimer(round: () => Promise<void>, delay: number): () => void {
  const timer = setTimeout(round, delay).unref();
  return () => clearTimeout(timer);
}
