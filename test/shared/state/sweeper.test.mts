import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../../shared/config.ts";
import type { Log } from "../../../shared/log.ts";
import { openSqlite } from "../../../shared/state/sqlite.ts";
import { openStore, type Store, Unavailable } from "../../../shared/state/store.ts";
import { leaseKind, type Schedule, type Swept, startSweeper } from "../../../shared/state/sweeper.ts";
import { createClock, MINUTE, SECOND } from "../../support/clock.mts";
import { newKind, note } from "../../support/state-bench.mts";

const BATCH = 10;
const kind = newKind();

test("it deletes what expired, batch after batch, and what is left over at the next interval", async (t) => {
  const bench = await openBench(t);
  const replica = bench.start();
  await bench.makeExpired(3 * BATCH + 1);
  await replica.round();
  assert.deepEqual(replica.sweeps, [BATCH, BATCH, BATCH, 1]);
  assert.deepEqual(replica.lines, ["info swept expired records"]);
  await bench.makeExpired(2);
  await replica.round();
  assert.deepEqual(replica.sweeps.slice(4), [2]);
});

test("rounds come about one interval apart, never at the same moment for all", async (t) => {
  const bench = await openBench(t);
  const delays = [];
  for (let index = 0; index < 50; index++) delays.push(bench.start().delay());
  for (const delay of delays) assert.ok(delay >= 48 * SECOND && delay <= 72 * SECOND, `${delay}`);
  assert.ok(new Set(delays).size > 40);
});

test("a backlog that never ends does not keep a round going for ever", async (t) => {
  const bench = await openBench(t);
  const replica = bench.start({ sweep: async (limit) => limit });
  await replica.round();
  assert.equal(replica.sweeps.length, 100);
  assert.equal(replica.isPlanned(), true);
});

test("of two replicas the one that holds the lease sweeps, the other when the first has been silent for a minute", async (t) => {
  const bench = await openBench(t);
  const [first, second] = [bench.start(), bench.start()];
  for (let round = 0; round < 3; round++) {
    await first.round();
    bench.clock.advance(40 * SECOND);
    await second.round();
  }
  assert.deepEqual([first.sweeps.length, second.sweeps.length], [3, 0]);
  bench.clock.advance(20 * SECOND - 1);
  await second.round();
  assert.equal(second.sweeps.length, 0);
  bench.clock.advance(1);
  await second.round();
  assert.equal(second.sweeps.length, 1);
  await first.round();
  assert.deepEqual([first.sweeps.length, second.sweeps.length], [3, 1]);
});

test("of many replicas whose rounds come together exactly one sweeps", async (t) => {
  const bench = await openBench(t);
  const replicas = Array.from({ length: 8 }, () => bench.start());
  await Promise.all(replicas.map((replica) => replica.round()));
  assert.equal(replicas.flatMap(({ sweeps }) => sweeps).length, 1);
});

test("a replica that lost its lease within a round stops there", async (t) => {
  const bench = await openBench(t);
  const replica = bench.start({
    async sweep(limit) {
      await bench.store.take(leaseKind, { id: "sweep" });
      await bench.store.create(leaseKind, { id: "sweep" }, { holder: "another" }, bench.clock() + MINUTE);
      return limit;
    },
  });
  await replica.round();
  assert.deepEqual(replica.sweeps, [BATCH]);
});

test("a store that is down is a line in the log, and the next round comes", async (t) => {
  const bench = await openBench(t);
  let up = false;
  const replica = bench.start({
    async sweep(limit) {
      if (!up) throw new Unavailable("the store is down");
      return bench.store.sweep(limit);
    },
  });
  await bench.makeExpired(1);
  await replica.round();
  assert.deepEqual(replica.lines, ["warn sweeping failed"]);
  up = true;
  await replica.round();
  assert.deepEqual(replica.sweeps, [1]);
});

test("it ends when the service stops: before a round, and within one without a word", async (t) => {
  const bench = await openBench(t);
  const waiting = bench.start();
  waiting.stop();
  assert.equal(waiting.isPlanned(), false);

  const busy = bench.start({
    async sweep() {
      busy.stop();
      throw new Unavailable("the store is closed");
    },
  });
  await busy.round();
  assert.equal(busy.isPlanned(), false);
  assert.deepEqual(busy.lines, []);
});

test("an interval of 0 leaves cleaning to the operator", async (t) => {
  const bench = await openBench(t);
  assert.equal(bench.start({}, "0").isPlanned(), false);
});

test("its timer does not keep a process alive", async (t) => {
  const bench = await openBench(t);
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const stopping = new AbortController();
  startSweeper(bench.service(stopping.signal, "60", []));
  assert.equal(timers(), before);
  stopping.abort();
});

interface Replica {
  /** What each call of `sweep` deleted. */
  readonly sweeps: readonly number[];
  readonly lines: readonly string[];
  /** Runs the planned round, which plans the next. */
  round(): Promise<void>;
  isPlanned(): boolean;
  /** Milliseconds before the planned round. */
  delay(): number;
  stop(): void;
}

/** One store that replicas share, each with a timer that the test turns. */
async function openBench(t: { after(end: () => Promise<void>): void }) {
  const clock = createClock();
  const store = openStore(await openSqlite(":memory:"), { clock, log: logTo([]) });
  t.after(() => store.close());
  let made = 0;

  function service(stopping: AbortSignal, interval: string, lines: string[], over: Partial<Store> = {}): Swept {
    const config = loadConfig({ SWEEP_INTERVAL: interval, SWEEP_BATCH: String(BATCH) });
    return { config, clock, log: logTo(lines), stopping, store: { ...store, ...over } };
  }

  function start(over: Partial<Store> = {}, interval = "60"): Replica {
    const [stopping, sweeps, lines] = [new AbortController(), [] as number[], [] as string[]];
    let planned: { readonly round: () => Promise<void>; readonly delay: number } | undefined;
    const schedule: Schedule = (round, delay) => {
      const plan = { round, delay };
      planned = plan;
      return () => {
        if (planned === plan) planned = undefined;
      };
    };
    const sweep = async (limit: number) => {
      const count = await (over.sweep ?? store.sweep)(limit);
      sweeps.push(count);
      return count;
    };
    startSweeper(service(stopping.signal, interval, lines, { sweep }), schedule);
    const next = () => planned ?? assert.fail("no round is planned");
    return {
      sweeps,
      lines,
      round() {
        const { round } = next();
        planned = undefined;
        return round();
      },
      isPlanned: () => planned !== undefined,
      delay: () => next().delay,
      stop: () => stopping.abort(),
    };
  }

  return {
    clock,
    store,
    service,
    start,
    async makeExpired(count: number) {
      for (let index = 0; index < count; index++) await store.create(kind, { id: `${made++}` }, note("x"), clock() + SECOND);
      clock.advance(SECOND);
    },
  };
}

function logTo(lines: string[]): Log {
  const at = (level: string) => (_fields: object, message: string) => void lines.push(`${level} ${message}`);
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), child: () => log };
  return log;
}
