import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { z } from "zod";
import { createInbox, type Inbox } from "../../../mcp/streams/inbox.ts";
import type { Service } from "../../../shared/service.ts";
import { type Store, Unavailable } from "../../../shared/state/store.ts";
import { createClock, HOUR } from "../../support/clock.mts";
import { startPair, until } from "./replicas.mts";

test("a letter to oneself is there at once, without the store", async (t) => {
  const bench = await openBench(t);
  bench.ann.down = true;
  const sent = bench.ann.inbox.send(bench.ann.inbox.replica, "answer", "yes");
  assert.deepEqual(bench.ann.letters, ["answer yes"]);
  await sent;
});

test("a letter to another replica is handled there once, by the handler of its topic", async (t) => {
  const { ann, bob } = await openBench(t);
  assert.notEqual(ann.inbox.replica, bob.inbox.replica);
  t.after(bob.inbox.expect());
  await ann.inbox.send(bob.inbox.replica, "answer", "yes");
  await ann.inbox.send(bob.inbox.replica, "message", "7");
  await until(() => bob.letters.length === 2, "both letters");
  const reads = bob.reads;
  await until(() => bob.reads >= reads + 2, "two more looks");
  assert.deepEqual([bob.letters, ann.letters], [["answer yes", "message 7"], []]);
});

test("letters are read only while something is expected", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { ann, bob } = await openBench(t);
  const look = async () => {
    t.mock.timers.tick(250);
    for (let count = 0; count < 20; count++) await turn();
  };
  const first = bob.inbox.expect();
  const second = bob.inbox.expect();
  first();
  first();
  await ann.inbox.send(bob.inbox.replica, "answer", "1");
  await look();
  assert.deepEqual(bob.letters, ["answer 1"]);
  second();
  await ann.inbox.send(bob.inbox.replica, "answer", "2");
  const { reads } = bob;
  for (let count = 0; count < 3; count++) await look();
  assert.equal(bob.reads, reads);
  t.after(bob.inbox.expect());
  await look();
  assert.deepEqual(bob.letters, ["answer 1", "answer 2"]);
});

test("hundreds of letters from several replicas and of all sizes arrive once each, those of one sender in order", async (t) => {
  const { ann, bob, carol } = await openBench(t);
  t.after(bob.inbox.expect());
  const sizes = [10, 300_000, 20_000, 2_000_000, 100, 260_000];
  const letterOf = (sender: string, index: number) => `${sender} ${index} ${"ü".repeat((sizes[index % sizes.length] ?? 0) / 2)}`;
  const sent: Promise<void>[] = [];
  for (let index = 0; index < 24; index++) {
    for (const sender of [ann, carol]) sent.push(sender.inbox.send(bob.inbox.replica, "message", letterOf(sender.name, index)));
  }
  for (let index = 24; index < 200; index++) sent.push(ann.inbox.send(bob.inbox.replica, "message", `ann ${index} `));
  await Promise.all(sent);
  await until(() => bob.letters.length >= 224, "all letters", 30_000);
  for (const sender of [ann, carol]) {
    const own = bob.letters.filter((letter) => letter.startsWith(`message ${sender.name} `));
    assert.deepEqual(
      own.map((letter) => Number(letter.split(" ")[2])),
      Array.from({ length: own.length }, (_, index) => index),
    );
    for (const index of sizes.keys()) assert.equal(own[index], `message ${letterOf(sender.name, index)}`);
  }
  assert.equal(bob.letters.length, 224);
  await until(() => bob.isQuiet(), "the letters are deleted");
  assert.equal(await recordsLeft(bob.service), 0);
});

test("the store never holds what a letter says", async (t) => {
  const { ann, bob } = await openBench(t);
  const secret = "the answer to everything";
  await ann.inbox.send(bob.inbox.replica, "answer", secret);
  await ann.inbox.send(bob.inbox.replica, "answer", secret.repeat(20_000));
  const kept = JSON.stringify(ann.written);
  assert.ok(kept.length > 400_000);
  for (const form of [secret, Buffer.from(secret).toString("base64url").slice(0, 20)]) assert.ok(!kept.includes(form));
});

test("a letter that cannot be opened, that nobody handles or whose handler fails is logged and in nobody's way", async (t) => {
  const { ann, bob, lines } = await openBench(t);
  ann.damage = (value) => ({ ...value, text: { box: "a.bm90IGEgYm94IGF0IGFsbCwgbm90IGV2ZW4gY2xvc2U" } });
  await ann.inbox.send(bob.inbox.replica, "answer", "damaged");
  ann.damage = (value) => ({ ...value, text: { pieces: "gone", count: 2 } });
  await ann.inbox.send(bob.inbox.replica, "answer", "gone");
  ann.damage = undefined;
  await ann.inbox.send(bob.inbox.replica, "task", "nobody's");
  bob.inbox.handle("message", () => {
    throw new Error("broken");
  });
  await ann.inbox.send(bob.inbox.replica, "message", "broken");
  await ann.inbox.send(bob.inbox.replica, "answer", "last");
  t.after(bob.inbox.expect());
  await until(() => bob.letters.includes("answer last"), "the last letter");
  assert.deepEqual(bob.letters, ["answer last"]);
  assert.deepEqual(
    lines.map(({ message }) => message),
    ["a stored message cannot be opened", "a stored message is gone", "nobody handles such letters", "a letter was not handled"],
  );
});

test("an outage while letters are read loses none and repeats none", async (t) => {
  const { ann, bob, lines } = await openBench(t);
  for (let index = 0; index < 5; index++)
    await ann.inbox.send(bob.inbox.replica, "answer", `${index} ${"x".repeat(index === 2 ? 600_000 : 1)}`);
  bob.failTakes = 3;
  t.after(bob.inbox.expect());
  await until(() => bob.letters.length > 0, "the first letter");
  bob.down = true;
  await until(() => lines.length > 0, "the outage is noticed");
  bob.down = false;
  await until(() => bob.letters.length === 5, "all letters");
  await until(() => bob.isQuiet(), "the letters are deleted");
  assert.deepEqual(
    bob.letters.map((letter) => letter.split(" ")[1]),
    ["0", "1", "2", "3", "4"],
  );
});

test("whoever cannot send is told, and the next letter goes", async (t) => {
  const { ann, bob } = await openBench(t);
  ann.down = true;
  await assert.rejects(ann.inbox.send(bob.inbox.replica, "answer", "lost"), Unavailable);
  ann.down = false;
  await ann.inbox.send(bob.inbox.replica, "answer", "kept");
  t.after(bob.inbox.expect());
  await until(() => bob.letters.length === 1, "the second letter");
  assert.deepEqual(bob.letters, ["answer kept"]);
});

test("letters to a replica that is gone expire", async (t) => {
  const { ann, clock } = await openBench(t);
  await ann.inbox.send("gone", "answer", "x".repeat(500_000));
  assert.ok((await recordsLeft(ann.service)) > 0);
  clock.advance(HOUR);
  assert.equal(await recordsLeft(ann.service), 0);
});

interface Replica {
  readonly name: string;
  readonly service: Service;
  readonly inbox: Inbox;
  /** Topic and text of the letters of three topics. */
  readonly letters: string[];
  /** Values that were created. */
  readonly written: unknown[];
  reads: number;
  /** The store throws. */
  down: boolean;
  /** So many deletions fail. */
  failTakes: number;
  damage: ((value: object) => object) | undefined;
  /** The last look found nothing. */
  isQuiet(): boolean;
}

/** Three replicas on one file, each with a store that may be made to fail. */
async function openBench(t: TestContext) {
  const clock = createClock();
  const { services, lines } = await startPair(t, clock);
  const replicas = ["ann", "bob", "carol"].map((name, index) => createReplica(name, services[index % 2] as Service));
  const [ann, bob, carol] = replicas as [Replica, Replica, Replica];
  return { clock, lines, ann, bob, carol };
}

function createReplica(name: string, service: Service): Replica {
  let quiet = false;
  const replica = { name, service, letters: [] as string[], written: [] as unknown[], reads: 0, down: false, failTakes: 0 };
  const damageable: { damage: ((value: object) => object) | undefined } = { damage: undefined };
  const check = () => {
    if (whole.down) throw new Unavailable("the store is down");
  };
  const store: Store = {
    ...service.store,
    async create(kind, key, value, expiresAt) {
      check();
      whole.written.push(value);
      const damaged = whole.damage ? (whole.damage(value as object) as typeof value) : value;
      return service.store.create(kind, key, damaged, expiresAt);
    },
    async list(...given) {
      check();
      whole.reads++;
      const page = await service.store.list(...given);
      quiet = page.entries.length === 0;
      return page;
    },
    async take(...given) {
      check();
      if (whole.failTakes-- > 0) throw new Unavailable("the store was down for a moment");
      return service.store.take(...given);
    },
  };
  const inbox = createInbox({ ...service, store });
  const whole: Replica = Object.assign(replica, damageable, { inbox, isQuiet: () => quiet });
  for (const topic of ["answer", "message"] as const) inbox.handle(topic, (letter) => void whole.letters.push(`${topic} ${letter}`));
  return whole;
}

/** Letters and pieces of letters in the store. */
async function recordsLeft({ store }: Service): Promise<number> {
  const counts = await Promise.all(["mcp_letter", "mcp_blob"].map((name) => store.scan({ name, codec: z.unknown() })));
  return counts.reduce((sum, { entries }) => sum + entries.length, 0);
}
