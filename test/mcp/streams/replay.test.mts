import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createReplays, type Replays } from "../../../mcp/streams/replay.ts";
import type { Follow, ReplayedEvent } from "../../../mcp/streams/replay-follow.ts";
import type { Service } from "../../../shared/service.ts";
import { type Store, Unavailable } from "../../../shared/state/store.ts";
import { createClock, MINUTE } from "../../support/clock.mts";
import { startPair, until } from "./replicas.mts";

/** Follows a stream to its end. @returns whether there is such an event to go on after. */
async function follow(replays: Replays, session: string, eventId: string, ...[onEvent, signal]: Parameters<Follow>): Promise<boolean> {
  const opened = await replays.open(session, eventId);
  await opened?.(onEvent, signal);
  return opened !== undefined;
}

async function knows(replays: Replays, session: string, eventId: string): Promise<boolean> {
  return (await replays.open(session, eventId)) !== undefined;
}

const SESSION = "session-1";

test("what was sent is given again after any of its events, at any replica", async (t) => {
  const { ann, bob } = await openBench(t);
  const replay = await ann.replays.begin(SESSION);
  const ids = [replay.start];
  for (const message of ["one", "two", "three"]) ids.push(await replay.append(message));
  await replay.finish();
  assert.equal(new Set(ids).size, 4);
  const all = ["one", "two", "three"].map((message, index) => ({ id: ids[index + 1], message }));
  for (const { replays } of [ann, bob]) {
    for (const [index, id] of ids.entries()) {
      assert.equal(await knows(replays, SESSION, id), true);
      const events: ReplayedEvent[] = [];
      assert.equal(await follow(replays, SESSION, id, (event) => events.push(event), endOf(t)), true);
      assert.deepEqual(events, all.slice(index));
    }
  }
});

test("a stream that goes on is followed to its end, at once here and soon elsewhere", async (t) => {
  const { ann, bob } = await openBench(t);
  const replay = await ann.replays.begin(SESSION);
  await replay.append("0");
  const followers = [ann, bob].map(({ replays }) => {
    const messages: string[] = [];
    return { messages, done: follow(replays, SESSION, replay.start, ({ message }) => messages.push(message), endOf(t)) };
  });
  const [here, elsewhere] = followers;
  assert.ok(here && elsewhere);
  await until(() => here.messages.length === 1 && elsewhere.messages.length === 1, "the first event");
  await replay.append("1");
  await until(() => here.messages.length === 2, "the second event, here", 200);
  await until(() => elsewhere.messages.length === 2, "the second event, elsewhere");
  await replay.append("2");
  await replay.finish();
  assert.deepEqual(await Promise.all([here.done, elsewhere.done]), [true, true]);
  for (const { messages } of followers) assert.deepEqual(messages, ["0", "1", "2"]);
});

test("events appended together keep their order, whatever their size, and followers get all of them once", async (t) => {
  const { ann, bob } = await openBench(t);
  const replay = await ann.replays.begin(SESSION);
  const sizes = [2_000_000, 1, 300_000, 10, 20_000];
  const messages = Array.from({ length: 60 }, (_, index) => `${index} ${"ü".repeat((sizes[index % 5] ?? 0) / (index < 10 ? 1 : 1000))}`);
  const followed = [ann, bob].map(async ({ replays }) => {
    const events: ReplayedEvent[] = [];
    assert.equal(await follow(replays, SESSION, replay.start, (event) => events.push(event), endOf(t)), true);
    return events;
  });
  const ids = await Promise.all(messages.map((message) => replay.append(message)));
  await replay.finish();
  for (const events of await Promise.all(followed)) {
    assert.deepEqual(
      events.map(({ id }) => id),
      ids,
    );
    assert.ok(events.every(({ message }, index) => message === messages[index]));
  }
});

test("another session's stream, an unknown one and what is no event id are not followed", async (t) => {
  const { ann, bob } = await openBench(t);
  const replay = await ann.replays.begin(SESSION);
  const id = await replay.append("private");
  const [stream] = id.split(".");
  const foreign = [
    ["session-2", id],
    ["", id],
    [SESSION, `${stream}.2`],
    [SESSION, `${stream}.999999`],
    [SESSION, `${"x".repeat(16)}.0`],
    [SESSION, `${stream}`],
    [SESSION, `${stream}.-1`],
    [SESSION, `${stream}.1.1`],
    [SESSION, `${stream}.1e0`],
    [SESSION, "__proto__.0"],
    [SESSION, ""],
    [SESSION, "x".repeat(10_000)],
  ] as const;
  for (const { replays } of [ann, bob]) {
    for (const [session, eventId] of foreign) {
      const refused = await follow(replays, session, eventId, () => assert.fail("nothing is given"), endOf(t));
      assert.equal(refused, false, `${session} ${eventId.slice(0, 40)}`);
      assert.equal(await knows(replays, session, eventId), false);
    }
  }
});

test("whoever follows and leaves hears no more, and the stream goes on", async (t) => {
  const { ann, bob } = await openBench(t);
  for (const { replays } of [ann, bob]) {
    const replay = await ann.replays.begin(SESSION);
    const leaving = new AbortController();
    const messages: string[] = [];
    const done = follow(replays, SESSION, replay.start, ({ message }) => messages.push(message), leaving.signal);
    await replay.append("heard");
    await until(() => messages.length > 0, "the event");
    leaving.abort();
    assert.equal(await done, true);
    await replay.append("not heard");
    await replay.finish();
    assert.deepEqual(messages, ["heard"]);
  }
});

test("the store never holds what was sent", async (t) => {
  const { ann } = await openBench(t);
  const replay = await ann.replays.begin(SESSION);
  await replay.append("the answer to everything");
  await replay.append("the answer to everything".repeat(20_000));
  const kept = JSON.stringify(ann.written);
  assert.ok(kept.length > 400_000);
  assert.ok(!kept.includes("the answer") && !kept.includes(Buffer.from("the answer to").toString("base64url").slice(0, 16)));
});

test("events are kept for ten minutes, and whoever comes later than that for one is refused rather than given a part", async (t) => {
  const { ann, bob, clock, follows } = await openBench(t);
  const replay = await ann.replays.begin(SESSION);
  const first = await replay.append("1");
  clock.advance(6 * MINUTE);
  ann.refresh();
  const second = await replay.append("2");
  await until(() => ann.refreshed(), "the stream is kept up");
  clock.advance(3 * MINUTE);
  await follows(bob, first, ["2"]);
  clock.advance(2 * MINUTE);
  // The first event is gone, but nothing after it is.
  await follows(bob, first, ["2"]);
  assert.equal(await follow(bob.replays, SESSION, replay.start, () => assert.fail(), endOf(t)), false);
  await follows(bob, second, []);
  clock.advance(20 * MINUTE);
  for (const id of [replay.start, first, second]) {
    assert.equal(await follow(bob.replays, SESSION, id, () => assert.fail(), endOf(t)), false);
  }
});

test("a stream that is quiet for long can be resumed as long as its replica lives, and ends when it crashed", async (t) => {
  const { ann, bob, clock } = await openBench(t);
  const replay = await ann.replays.begin(SESSION);
  const id = await replay.append("1");
  for (let round = 0; round < 10; round++) {
    clock.advance(4 * MINUTE);
    ann.refresh();
    await until(() => ann.refreshed(), "the stream is kept up");
  }
  const messages: string[] = [];
  const done = follow(bob.replays, SESSION, id, ({ message }) => messages.push(message), endOf(t));
  await replay.append("2");
  await until(() => messages.length === 1, "the event after a long silence");
  // From here on the replica gives no sign any more.
  clock.advance(11 * MINUTE);
  assert.equal(await done, true);
  assert.deepEqual(messages, ["2"]);
});

test("an outage loses nothing that was kept, and those who follow wait for its end", async (t) => {
  const { ann, bob, lines } = await openBench(t);
  const replay = await ann.replays.begin(SESSION);
  const followers = [ann, bob].map(({ replays }) => {
    const messages: string[] = [];
    return { messages, done: follow(replays, SESSION, replay.start, ({ message }) => messages.push(message), endOf(t)) };
  });
  await replay.append("1");
  await until(() => followers.every(({ messages }) => messages.length === 1), "the first event");
  ann.down = true;
  bob.down = true;
  await assert.rejects(replay.append("lost"), Unavailable);
  await until(() => lines.some(({ message }) => message === "a stream cannot be read"), "the outage is noticed");
  ann.down = false;
  bob.down = false;
  await replay.append("2");
  await replay.finish();
  await Promise.all(followers.map(({ done }) => done));
  for (const { messages } of followers) assert.deepEqual(messages, ["1", "2"]);
});

test("a stream whose end cannot be stored ends for those who follow it here", async (t) => {
  const { ann, lines } = await openBench(t);
  const replay = await ann.replays.begin(SESSION);
  const messages: string[] = [];
  const done = follow(ann.replays, SESSION, replay.start, ({ message }) => messages.push(message), endOf(t));
  await replay.append("1");
  await until(() => messages.length === 1, "the event");
  ann.failReplaces = true;
  await replay.finish();
  assert.equal(await done, true);
  assert.deepEqual(
    lines.map(({ message }) => message),
    ["the state of a stream was not stored"],
  );
});

interface Replica {
  readonly replays: Replays;
  /** Values that were created. */
  readonly written: unknown[];
  /** The store throws. */
  down: boolean;
  failReplaces: boolean;
  /** Lets the time between two signs of life pass. */
  refresh(): void;
  /** Whether the sign was stored. */
  refreshed(): boolean;
}

/** Two replicas on one file, each with a store that may be made to fail. */
async function openBench(t: TestContext) {
  const clock = createClock();
  // Signs of life come minutes apart: their timer is the test's to turn.
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { services, lines } = await startPair(t, clock);
  const [ann, bob] = services.map((service) => createReplica(t, service)) as [Replica, Replica];

  async function follows({ replays }: Replica, id: string, expected: readonly string[]): Promise<void> {
    const messages: string[] = [];
    const leaving = new AbortController();
    const done = follow(replays, SESSION, id, ({ message }) => messages.push(message), leaving.signal);
    await until(() => messages.length === expected.length, `${expected.length} events`);
    leaving.abort();
    assert.equal(await done, true);
    assert.deepEqual(messages, expected);
  }

  return { clock, lines, ann, bob, follows };
}

function createReplica(t: TestContext, service: Service): Replica {
  let replaced = 0;
  let before = 0;
  const check = () => {
    if (replica.down) throw new Unavailable("the store is down");
  };
  const store: Store = {
    ...service.store,
    async get(...given) {
      check();
      return service.store.get(...given);
    },
    async list(...given) {
      check();
      return service.store.list(...given);
    },
    async create(kind, key, value, expiresAt) {
      check();
      replica.written.push(value);
      return service.store.create(kind, key, value, expiresAt);
    },
    async replace(...given) {
      check();
      if (replica.failReplaces) throw new Unavailable("the store is down");
      const done = await service.store.replace(...given);
      replaced++;
      return done;
    },
  };
  const replica: Replica = {
    replays: createReplays({ ...service, store }),
    written: [],
    down: false,
    failReplaces: false,
    refresh() {
      before = replaced;
      t.mock.timers.tick(200_000);
    },
    refreshed: () => replaced > before,
  };
  return replica;
}

function endOf(t: TestContext): AbortSignal {
  const end = new AbortController();
  t.after(() => end.abort());
  return end.signal;
}
