import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Announcement, type Changes, createChanges } from "../../../shared/capabilities/changes.ts";
import type { Log } from "../../../shared/log.ts";
import { openSqlite } from "../../../shared/state/sqlite.ts";
import { openStore, type Store, Unavailable } from "../../../shared/state/store.ts";
import { createClock, HOUR } from "../../support/clock.mts";

const resource = (number: number): Announcement => ({ topic: "resource", uri: `test://${number}` });

test("what one replica announces is heard by those who follow at any, in the same order everywhere", async (t) => {
  const bench = await openBench(t);
  const heard = bench.replicas.map(({ changes }) => bench.listen(changes));
  for (let number = 0; number < 30; number++) bench.replicas[number % 2]?.changes.announce(resource(number));
  await until(() => heard.every(({ length }) => length === 30));
  assert.deepEqual(heard[0], heard[1]);
  for (const parity of [0, 1]) {
    const own = heard[0]?.filter(({ uri }) => Number(uri.slice(7)) % 2 === parity) ?? [];
    assert.deepEqual(
      own.map(({ uri }) => uri),
      Array.from({ length: 15 }, (_, index) => `test://${2 * index + parity}`),
    );
  }
  const positions = heard[0]?.map(({ position }) => position) ?? [];
  assert.deepEqual(
    positions,
    positions.toSorted((a, b) => a - b),
  );
});

test("every kind of announcement arrives as it was made", async (t) => {
  const { replicas } = await openBench(t);
  const all: Announcement[] = [
    { topic: "tools" },
    { topic: "prompts" },
    { topic: "resources" },
    resource(1),
    { topic: "task", owner: "ann", id: "t1" },
    { topic: "session", key: "s1" },
  ];
  const heard: Announcement[] = [];
  replicas[1]?.changes.follow(undefined, (announcement) => heard.push(announcement), endOf(t));
  await replicas[1]?.changes.position();
  for (const announcement of all) replicas[0]?.changes.announce(announcement);
  await until(() => heard.length === all.length);
  assert.deepEqual(heard, all);
});

test("whoever follows hears what is announced from then on, at once in the same process", async (t) => {
  const bench = await openBench(t);
  const changes = bench.replicas[0].changes;
  changes.announce(resource(0));
  const heard = bench.listen(changes);
  changes.announce(resource(1));
  await changes.position();
  const late = bench.listen(changes);
  changes.announce(resource(2));
  await changes.position();
  assert.deepEqual(
    heard.map(({ uri }) => uri),
    ["test://1", "test://2"],
  );
  assert.deepEqual(
    late.map(({ uri }) => uri),
    ["test://2"],
  );
});

test("whoever follows from a position hears everything after it once, while announcements go on", async (t) => {
  const bench = await openBench(t);
  const [first, second] = bench.replicas;
  bench.listen(second.changes);
  const followers: { readonly from: number; readonly heard: Heard[] }[] = [];
  for (let number = 0; number < 120; number++) {
    if (number % 8 === 0) {
      const position = await first.changes.position();
      const from = number;
      // Joins only when some of what comes after has happened already.
      setImmediate(() => followers.push({ from, heard: bench.listen(number % 16 === 0 ? first.changes : second.changes, position) }));
    }
    first.changes.announce(resource(number));
    if (number % 5 === 0) await first.changes.position();
  }
  await until(() => followers.length === 15 && followers.every(({ from, heard }) => heard.length >= 120 - from));
  for (const { from, heard } of followers) {
    assert.deepEqual(
      heard.map(({ uri }) => uri),
      Array.from({ length: 120 - from }, (_, index) => `test://${from + index}`),
    );
  }
});

test("the store is read once for all followers, and not at all when there is none", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const bench = await openBench(t);
  const [{ changes }, other] = bench.replicas;
  const [replica] = bench.replicas;
  const ends = Array.from({ length: 50 }, () => new AbortController());
  const heard: Announcement[] = [];
  const position = await changes.position();
  for (const end of ends) changes.follow(position, (announcement) => heard.push(announcement), end.signal);
  await changes.position();
  other.changes.announce(resource(1));
  await other.changes.position();
  for (let look = 1; look <= 3; look++) {
    const before = replica.reads;
    t.mock.timers.tick(500);
    await until(() => replica.reads > before);
    // Itself a read.
    await changes.position();
    assert.equal(replica.reads, before + 2);
  }
  assert.equal(heard.length, 50);
  for (const end of ends) end.abort();
  const left = replica.reads;
  for (let look = 1; look <= 3; look++) t.mock.timers.tick(500);
  await changes.position();
  assert.equal(replica.reads, left + 1);
});

test("an outage of the store is one line in the log, and what was announced elsewhere meanwhile is heard after it", async (t) => {
  const bench = await openBench(t);
  const [first, second] = bench.replicas;
  const heard = bench.listen(second.changes);
  await second.changes.position();
  second.down = true;
  first.changes.announce(resource(1));
  await until(() => second.lines.length > 0);
  const failures = second.failures;
  await until(() => second.failures >= failures + 2);
  assert.deepEqual(second.lines, ["changes cannot be read"]);
  second.down = false;
  await until(() => heard.length === 1);
  second.down = true;
  second.changes.announce(resource(2));
  await until(() => second.lines.length === 3);
  assert.deepEqual(second.lines.slice(1).toSorted(), ["changes cannot be read", "what changed was not announced to all"]);
});

test("whoever comes back after more happened than is kept hears that everything listed changed", async (t) => {
  const bench = await openBench(t);
  const [first, second] = bench.replicas;
  const position = await first.changes.position();
  first.changes.announce(resource(1));
  await first.changes.position();
  bench.clock.advance(HOUR);
  first.changes.announce(resource(2));
  await first.changes.position();
  const topics: string[] = [];
  second.changes.follow(position, ({ topic }) => topics.push(topic), endOf(t));
  await until(() => topics.length === 4);
  assert.deepEqual(topics, ["tools", "prompts", "resources", "resource"]);
});

test("a position that never was makes nobody wait", async (t) => {
  const bench = await openBench(t);
  const [{ changes }] = bench.replicas;
  const first = bench.listen(changes, Number.MAX_SAFE_INTEGER);
  const second = bench.listen(changes);
  changes.announce(resource(1));
  await until(() => first.length === 1 && second.length === 1);
});

test("a follower who left hears nothing more, and one who fails is in nobody's way", async (t) => {
  const bench = await openBench(t);
  const [{ changes, lines }] = bench.replicas;
  const leaving = new AbortController();
  const heard: Announcement[] = [];
  changes.follow(
    undefined,
    (announcement) => {
      heard.push(announcement);
      leaving.abort();
    },
    leaving.signal,
  );
  changes.follow(
    undefined,
    () => {
      throw new Error("broken");
    },
    endOf(t),
  );
  const others = bench.listen(changes);
  changes.announce(resource(1));
  changes.announce(resource(2));
  await until(() => others.length === 2);
  assert.equal(heard.length, 1);
  assert.deepEqual(lines, ["a follower of changes failed", "a follower of changes failed"]);
});

test("its timer does not keep a process alive", async (t) => {
  const bench = await openBench(t);
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  bench.listen(bench.replicas[0].changes);
  assert.equal(timers(), before);
});

test("nothing is read any more when the service stops", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const bench = await openBench(t);
  const [replica] = bench.replicas;
  bench.listen(replica.changes);
  await replica.changes.position();
  replica.stop();
  const left = replica.reads;
  t.mock.timers.tick(5000);
  await replica.changes.position();
  assert.equal(replica.reads, left + 1);
});

interface Heard {
  readonly uri: string;
  readonly position: number;
}

interface Replica {
  readonly changes: Changes;
  readonly lines: readonly string[];
  reads: number;
  failures: number;
  down: boolean;
  stop(): void;
}

/** Two replicas on one file, each with a store that may be made to fail. */
async function openBench(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "portico-changes-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const clock = createClock();

  async function start(): Promise<Replica> {
    const lines: string[] = [];
    const line = (_fields: object, message: string) => void lines.push(message);
    const log: Log = { debug: line, info: line, warn: line, error: line, child: () => log };
    const opened = openStore(await openSqlite(join(folder, "state.db")), { clock, log });
    const stopping = new AbortController();
    t.after(async () => {
      stopping.abort();
      await opened.close();
    });
    const replica = { lines, reads: 0, failures: 0, down: false, stop: () => stopping.abort() };
    const store: Store = {
      ...opened,
      async get(kind, key) {
        replica.reads++;
        if (!replica.down) return opened.get(kind, key);
        replica.failures++;
        throw new Unavailable("the store is down");
      },
    };
    return Object.assign(replica, { changes: createChanges({ store, clock, log, stopping: stopping.signal }) });
  }

  const replicas = [await start(), await start()] as const;
  return {
    clock,
    replicas,
    /** The resources that a follower hears of until the test ends. */
    listen(changes: Changes, after?: number): Heard[] {
      const heard: Heard[] = [];
      changes.follow(
        after,
        (announcement, position) => {
          if (announcement.topic === "resource") heard.push({ uri: announcement.uri, position });
        },
        endOf(t),
      );
      return heard;
    },
  };
}

function endOf(t: TestContext): AbortSignal {
  const end = new AbortController();
  t.after(() => end.abort());
  return end.signal;
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < end, `this did not come true: ${condition}`);
    await pause(5);
  }
}
