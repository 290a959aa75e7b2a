import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { createLog } from "../../../shared/log.ts";
import { type FeedItem, type FeedOptions, openFeed } from "../../../shared/state/feed.ts";
import { openSqlite } from "../../../shared/state/sqlite.ts";
import { openStore, type Store, Unavailable } from "../../../shared/state/store.ts";
import { createClock, HOUR, MINUTE, SECOND } from "../../support/clock.mts";

const OPTIONS: FeedOptions<string> = { name: "shared", codec: z.string(), most: 1000, maxAge: 10 * MINUTE };
const PUBLISHER = fileURLToPath(import.meta.resolve("./feed-publisher.mts"));

test("processes that publish at the same time give every reader all items in one order", async (t) => {
  const folder = temporaryFolder(t);
  const url = `sqlite:${join(folder, "state.db")}`;
  const store = await open(t, join(folder, "state.db"));
  const readers = [openFeed({ store, clock: Date.now }, OPTIONS), openFeed({ store, clock: Date.now }, OPTIONS)];
  const seen = readers.map(() => [] as FeedItem<string>[]);
  const cursors = await Promise.all(readers.map(async (feed) => (await feed.read(undefined)).position));
  const read = async (reader: number) => {
    const page = await readers[reader]?.read(cursors[reader]);
    assert.equal(page?.incomplete, false);
    seen[reader]?.push(...(page?.items ?? []));
    cursors[reader] = page?.position ?? 0;
  };

  const names = ["a", "b", "c"];
  let running = true;
  const published = Promise.all(
    names.map(async (name) => {
      const { stdout } = await promisify(execFile)(process.execPath, [PUBLISHER, url, name, "60"]);
      return JSON.parse(stdout) as number[];
    }),
  ).finally(() => {
    running = false;
  });
  while (running) {
    await read(0);
    await new Promise(setImmediate);
  }
  const positions = await published;
  await read(0);
  await read(1);

  assert.deepEqual(seen[0], seen[1]);
  assert.equal(seen[0]?.length, 180);
  const order = seen[0]?.map(({ position }) => position) ?? [];
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(order).size, 180);
  for (const [index, name] of names.entries()) {
    const own: readonly FeedItem<string>[] = (seen[0] ?? []).filter(({ item }) => item.startsWith(`${name}-`));
    assert.deepEqual(
      own.map(({ item }) => item),
      Array.from({ length: 60 }, (_, number) => `${name}-${number}`),
    );
    assert.deepEqual(
      own.map(({ position }) => position),
      positions[index],
    );
  }
});

test("items published together have positions in that order, and a reader begins with the present", async (t) => {
  const bench = await openBench(t);
  await bench.feed.publish("before");
  const { items, position } = await bench.feed.read(undefined);
  assert.deepEqual(items, []);
  const positions = await Promise.all(["1", "2", "3"].map(bench.feed.publish));
  assert.deepEqual(
    positions,
    positions.toSorted((a, b) => a - b),
  );
  const page = await bench.feed.read(position);
  assert.deepEqual(
    page.items,
    ["1", "2", "3"].map((item, index) => ({ position: positions[index], item })),
  );
  assert.deepEqual((await bench.feed.read(page.position)).items, []);
});

test("positions grow although the record expired, and a reader who was there the whole time misses nothing", async (t) => {
  const bench = await openBench(t);
  const first = await Promise.all(Array.from({ length: 100 }, (_, index) => bench.feed.publish(`${index}`)));
  let { position } = await bench.feed.read(first[0]);
  for (let round = 0; round < 3; round++) {
    for (let waited = 0; waited < 25 * MINUTE; waited += 30 * SECOND) {
      bench.clock.advance(30 * SECOND);
      const page = await bench.feed.read(position);
      assert.deepEqual([page.items, page.incomplete], [[], false]);
      assert.ok(page.position >= position);
      position = page.position;
    }
    const published = await bench.feed.publish(`round ${round}`);
    assert.ok(published > (first.at(-1) ?? 0) && published > position);
    const page = await bench.feed.read(position);
    assert.deepEqual([page.items, page.incomplete], [[{ position: published, item: `round ${round}` }], false]);
    position = page.position;
  }
});

test("a reader who was away for longer than items are kept is told that some may be missing", async (t) => {
  const bench = await openBench(t);
  const { position } = await bench.feed.read(undefined);
  await bench.feed.publish("missed");
  bench.clock.advance(HOUR);
  assert.equal((await bench.feed.read(position)).incomplete, true);
  await bench.feed.publish("after");
  const page = await bench.feed.read(position);
  assert.deepEqual([page.items.map(({ item }) => item), page.incomplete], [["after"], true]);
  assert.equal((await bench.feed.read(page.position)).incomplete, false);
});

test("no more items are kept than wanted, and whoever missed one is told", async (t) => {
  const bench = await openBench(t, { most: 5 });
  const { position } = await bench.feed.read(undefined);
  const positions = [];
  for (let index = 0; index < 8; index++) positions.push(await bench.feed.publish(`${index}`));
  const page = await bench.feed.read(position);
  assert.deepEqual([page.items.map(({ item }) => item), page.incomplete], [["3", "4", "5", "6", "7"], true]);
  assert.equal((await bench.feed.read(positions[1])).incomplete, true);
  assert.equal((await bench.feed.read(positions[2])).incomplete, false);
});

test("old items go when others come", async (t) => {
  const bench = await openBench(t);
  const old = await bench.feed.publish("old");
  bench.clock.advance(6 * MINUTE);
  await bench.feed.publish("newer");
  bench.clock.advance(6 * MINUTE);
  await bench.feed.publish("new");
  const page = await bench.feed.read(old - 1);
  assert.deepEqual([page.items.map(({ item }) => item), page.incomplete], [["newer", "new"], true]);
});

test("large items never make the record too large", async (t) => {
  const bench = await openBench(t);
  const { position } = await bench.feed.read(undefined);
  for (let index = 0; index < 20; index++) await bench.feed.publish(`${index} ${"ü".repeat(15_000)}`);
  const page = await bench.feed.read(position);
  assert.equal(page.incomplete, true);
  assert.deepEqual(
    page.items.map(({ item }) => item.split(" ")[0]),
    ["16", "17", "18", "19"],
  );
});

test("replicas whose clocks differ by minutes miss nothing of each other", async (t) => {
  const bench = await openBench(t);
  const [slow, fast] = [-2 * MINUTE, 2 * MINUTE].map((offset) =>
    openFeed({ store: bench.store, clock: () => bench.clock() + offset }, OPTIONS),
  );
  assert.ok(slow && fast);
  const cursors = [(await slow.read(undefined)).position, (await fast.read(undefined)).position];
  for (let round = 0; round < 40; round++) {
    bench.clock.advance(round % 7 === 0 ? 13 * MINUTE : SECOND);
    // Both look often, as they do.
    for (const [index, feed] of [slow, fast].entries()) cursors[index] = (await feed.read(cursors[index])).position;
    await (round % 2 === 0 ? slow : fast).publish(`${round}`);
    for (const [index, feed] of [slow, fast].entries()) {
      const page = await feed.read(cursors[index]);
      assert.deepEqual(
        page.items.map(({ item }) => item),
        [`${round}`],
        `round ${round}, reader ${index}`,
      );
      cursors[index] = page.position;
    }
  }
});

test("whoever loses every race is told that the feed is unavailable, and may try again", async (t) => {
  const bench = await openBench(t);
  await bench.feed.publish("first");
  let losing = true;
  const store: Store = { ...bench.store, replace: async (...given) => (losing ? false : bench.store.replace(...given)) };
  const feed = openFeed({ store, clock: bench.clock }, OPTIONS);
  await assert.rejects(feed.publish("second"), Unavailable);
  losing = false;
  await feed.publish("third");
  const { items } = await feed.read(0);
  assert.deepEqual(
    items.map(({ item }) => item),
    ["first", "third"],
  );
});

async function openBench(t: TestContext, change: Partial<FeedOptions<string>> = {}) {
  const clock = createClock();
  const store = await open(t, ":memory:", clock);
  return { clock, store, feed: openFeed({ store, clock }, { ...OPTIONS, ...change }) };
}

async function open(t: TestContext, file: string, clock: () => number = Date.now): Promise<Store> {
  const store = openStore(await openSqlite(file), { clock, log: createLog("silent") });
  t.after(() => store.close());
  return store;
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "portico-feed-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}
