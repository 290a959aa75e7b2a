import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { z } from "zod";
import { createLog } from "../../../shared/log.ts";
import { openDynamo } from "../../../shared/state/dynamodb.ts";
import type { DynamoOptions } from "../../../shared/state/dynamodb-client.ts";
import { openStore, type Store, Unavailable } from "../../../shared/state/store.ts";
import { type Dynamo, startDynalite, stateUrl } from "../../support/dynamodb.mts";
import { type Fault, type FaultyLine, startProxy } from "../../support/dynamodb-proxy.mts";
import { MINUTE, type Note, newCounter, newKind, note, version } from "../../support/state-bench.mts";

const KEY = { id: "a", owner: "ann" };
/** DynamoDB did not execute the request, and the driver can know it. */
const NOT_EXECUTED: readonly Fault[] = ["throttled", "skewed"];
/** The driver cannot know whether DynamoDB executed the request. It did; it did not. */
const EXECUTED: readonly Fault[] = ["cut after", "500 after", "silent", "stalled"];
const NEVER_EXECUTED: readonly Fault[] = ["cut before", "500 before"];

/** Most of the time is spent waiting for answers that never come. */
const SIDE_BY_SIDE = { concurrency: true };

let dynamo: Dynamo;
before(async () => {
  dynamo = await startDynalite();
});
after(() => dynamo.close());

interface Line {
  /** By way of the proxy. */
  readonly store: Store;
  /** What is really in the table. */
  readonly truth: Store;
  readonly proxy: FaultyLine;
}

/** Runs `work` with a proxy and two stores of its own. */
async function withLine<T>(work: (line: Line) => Promise<T>, options: DynamoOptions = { timeout: 1_500, patience: 4_000 }): Promise<T> {
  const proxy = await startProxy(dynamo.endpoint);
  const [store, truth] = await Promise.all([open(proxy.endpoint, options), open(dynamo.endpoint)]);
  proxy.calls.length = 0;
  try {
    return await work({ store, truth, proxy });
  } finally {
    await Promise.all([store.close(), truth.close()]);
    await proxy.close();
  }
}

async function open(endpoint: string, options?: DynamoOptions): Promise<Store> {
  return openStore(await openDynamo(stateUrl(dynamo, endpoint), options), { clock: Date.now, log: createLog("silent") });
}

/** Tries the faults side by side, for some of them end with a timeout. */
async function eachFault(faults: readonly Fault[], work: (line: Line, fault: Fault) => Promise<void>): Promise<void> {
  await Promise.all(
    faults.map((fault) =>
      withLine(async (line) => {
        await work(line, fault).catch((error: unknown) => assert.fail(`${fault}: ${(error as Error).stack}`));
      }),
    ),
  );
}

describe("in the ordinary case", () => {
  test("each operation is one request", async () => {
    await withLine(async ({ store, proxy }) => {
      const [kind, counter] = [newKind(), newCounter()];
      const calls = async (work: () => Promise<unknown>) => {
        await work();
        return proxy.calls.splice(0);
      };
      assert.deepEqual(await calls(() => store.create(kind, KEY, note("one"), null)), ["PutItem"]);
      assert.deepEqual(await calls(() => store.create(kind, KEY, note("two"), null)), ["PutItem"]);
      assert.deepEqual(await calls(() => store.get(kind, KEY)), ["GetItem"]);
      assert.deepEqual(await calls(() => store.get(kind, { id: "b" })), ["GetItem"]);
      assert.deepEqual(await calls(() => store.replace(kind, KEY, "another", note("two"), null)), ["PutItem"]);
      const first = await version(store, kind, KEY);
      proxy.calls.length = 0;
      assert.deepEqual(await calls(() => store.replace(kind, KEY, first, note("two"), null)), ["PutItem"]);
      assert.deepEqual(await calls(() => store.list(kind, "ann")), ["Query"]);
      assert.deepEqual(await calls(() => store.scan(kind)), ["Scan"]);
      assert.deepEqual(await calls(() => store.take(kind, KEY)), ["DeleteItem"]);
      assert.deepEqual(await calls(() => store.take(kind, KEY)), ["DeleteItem"]);
      assert.deepEqual(await calls(() => store.increment(counter, KEY, 1, Date.now() + MINUTE)), ["UpdateItem"]);
      assert.deepEqual(await calls(() => store.increment(counter, KEY, 1, Date.now() + MINUTE)), ["UpdateItem"]);
      assert.deepEqual(await calls(() => store.sweep(10)), ["Scan"]);
    });
  });
});

describe("a request that DynamoDB refused to execute for now", () => {
  test("is sent again until it is executed, whatever it is", async () => {
    await eachFault(NOT_EXECUTED, async ({ store, proxy }, fault) => {
      const [kind, counter] = [newKind(), newCounter()];
      proxy.next(fault, fault);
      assert.equal(await store.create(kind, KEY, note("one"), null), true);
      proxy.next(fault);
      const entry = await store.get(kind, KEY);
      proxy.next(fault);
      assert.equal(await store.replace(kind, KEY, entry?.version ?? "", note("two"), null), true);
      proxy.next(fault);
      assert.deepEqual((await store.list(kind, "ann")).entries[0]?.value, note("two"));
      proxy.next(fault);
      assert.deepEqual((await store.take(kind, KEY))?.value, note("two"));
      proxy.next(fault);
      assert.equal(await store.increment(counter, KEY, 1, Date.now() + MINUTE), 1);
      assert.deepEqual(proxy.calls, [
        ...["PutItem", "PutItem", "PutItem", "GetItem", "GetItem", "PutItem", "PutItem", "Query", "Query"],
        ...["DeleteItem", "DeleteItem", "UpdateItem", "UpdateItem"],
      ]);
    });
  });

  test("is Unavailable with a time to come back when DynamoDB goes on like that", async () => {
    await withLine(
      async ({ store, proxy }) => {
        proxy.choose = () => "throttled";
        const kind = newKind();
        for (const work of [
          () => store.get(kind, KEY),
          () => store.create(kind, KEY, note("one"), null),
          () => store.replace(kind, KEY, "some", note("one"), null),
          () => store.take(kind, KEY),
          () => store.increment(newCounter(), KEY, 1, Date.now() + MINUTE),
          () => store.list(kind, "ann"),
        ]) {
          proxy.calls.length = 0;
          const begun = performance.now();
          await assert.rejects(work(), isUnavailable);
          assert.ok(performance.now() - begun < 5_000);
          assert.ok(proxy.calls.length > 1, "it was tried more than once");
          assert.ok(proxy.calls.length < 100, "it did not hammer a table that is too busy");
        }
      },
      { timeout: 1_500, patience: 300 },
    );
  });

  test("is Unavailable at once when it would be refused again", async () => {
    await eachFault(["denied"], async ({ store, proxy }, fault) => {
      proxy.next(fault);
      await assert.rejects(store.create(newKind(), KEY, note("one"), null), (error: Error) => {
        return isUnavailable(error) && /AccessDenied/.test(String(error.cause));
      });
      assert.deepEqual(proxy.calls, ["PutItem"]);
    });
  });
});

describe("a read whose answer is lost", () => {
  test("is repeated", async () => {
    await eachFault([...EXECUTED, ...NEVER_EXECUTED], async ({ store, truth, proxy }, fault) => {
      const kind = newKind();
      await truth.create(kind, KEY, note("one"), null);
      proxy.next(fault);
      assert.deepEqual((await store.get(kind, KEY))?.value, note("one"));
      proxy.next(fault);
      assert.deepEqual((await store.list(kind, "ann")).entries.length, 1);
      proxy.next(fault);
      const together = await Promise.all([store.get(kind, KEY), store.get(kind, { id: "absent" })]);
      assert.deepEqual([together[0]?.value, together[1]], [note("one"), undefined]);
    });
  });
});

describe("create, when the answer is lost", SIDE_BY_SIDE, () => {
  test("is true if DynamoDB executed it", async () => {
    await eachFault(EXECUTED, async ({ store, truth, proxy }, fault) => {
      const kind = newKind();
      proxy.next(fault);
      assert.equal(await store.create(kind, KEY, note("one"), null), true);
      assert.deepEqual(proxy.calls, ["PutItem", "GetItem"]);
      assert.deepEqual((await truth.get(kind, KEY))?.value, note("one"));
    });
  });

  test("is Unavailable if nothing of it is to be seen, and is not sent again", async () => {
    await eachFault(NEVER_EXECUTED, async ({ store, truth, proxy }, fault) => {
      const kind = newKind();
      proxy.next(fault);
      await assert.rejects(store.create(kind, KEY, note("one"), null), isUnavailable);
      assert.equal(await truth.get(kind, KEY), undefined);
    });
  });

  test("is Unavailable and never false where someone else's record is found", async () => {
    await eachFault([...EXECUTED, ...NEVER_EXECUTED], async ({ store, truth, proxy }, fault) => {
      const kind = newKind();
      await truth.create(kind, KEY, note("other"), null);
      proxy.next(fault);
      await assert.rejects(store.create(kind, KEY, note("one"), null), isUnavailable);
      assert.deepEqual((await truth.get(kind, KEY))?.value, note("other"));
    });
  });

  test("does not make a record again that was taken meanwhile", async () => {
    await withLine(async ({ store, truth, proxy }) => {
      const kind = newKind();
      proxy.choose = (operation) => (operation === "PutItem" ? "silent" : undefined);
      const creation = assert.rejects(store.create(kind, KEY, note("one"), null), isUnavailable);
      let taken: Note | undefined;
      while (!taken) taken = (await truth.take(kind, KEY))?.value;
      await creation;
      assert.equal(await truth.take(kind, KEY), undefined);
    });
  });

  test("may still be executed later, once", async () => {
    await withLine(async ({ store, truth, proxy }) => {
      const kind = newKind();
      proxy.next("held");
      await assert.rejects(store.create(kind, KEY, note("one"), null), isUnavailable);
      await proxy.release();
      assert.deepEqual((await truth.take(kind, KEY))?.value, note("one"));
      assert.equal(await truth.take(kind, KEY), undefined);
    });
  });
});

describe("replace, when the answer is lost", SIDE_BY_SIDE, () => {
  test("is true, whether DynamoDB executed it or not", async () => {
    await eachFault([...EXECUTED, ...NEVER_EXECUTED, "late"], async ({ store, truth, proxy }, fault) => {
      const kind = newKind();
      await truth.create(kind, KEY, note("one"), null);
      const first = await version(truth, kind, KEY);
      proxy.next(fault);
      assert.equal(await store.replace(kind, KEY, first, note("two"), null), true);
      assert.deepEqual((await truth.get(kind, KEY))?.value, note("two"));
    });
  });

  test("is Unavailable and never false where the record has another version by then", async () => {
    await eachFault([...EXECUTED, ...NEVER_EXECUTED], async ({ store, truth, proxy }, fault) => {
      const kind = newKind();
      await truth.create(kind, KEY, note("one"), null);
      proxy.next(fault);
      await assert.rejects(store.replace(kind, KEY, "an-old-version", note("two"), null), isUnavailable);
      assert.deepEqual((await truth.get(kind, KEY))?.value, note("one"));
    });
  });

  test("is true if its first attempt arrives just before the second", async () => {
    await withLine(async ({ store, truth, proxy }) => {
      const kind = newKind();
      await truth.create(kind, KEY, note("one"), null);
      const first = await version(truth, kind, KEY);
      proxy.choose = holdFirst(proxy, async () => {});
      assert.equal(await store.replace(kind, KEY, first, note("two"), null), true);
      assert.deepEqual(proxy.calls, ["PutItem", "GetItem", "PutItem", "GetItem"]);
      assert.deepEqual((await truth.get(kind, KEY))?.value, note("two"));
    });
  });

  test("is Unavailable and never false if others went on from there before the second attempt", async () => {
    await withLine(async ({ store, truth, proxy }) => {
      const kind = newKind();
      await truth.create(kind, KEY, note("one"), null);
      const first = await version(truth, kind, KEY);
      proxy.choose = holdFirst(proxy, async () => {
        assert.equal(await truth.replace(kind, KEY, await version(truth, kind, KEY), note("three"), null), true);
      });
      await assert.rejects(store.replace(kind, KEY, first, note("two"), null), isUnavailable);
      assert.deepEqual((await truth.get(kind, KEY))?.value, note("three"));
    });
  });

  test("undoes nothing that came after it when its first attempt arrives last", async () => {
    await withLine(async ({ store, truth, proxy }) => {
      const kind = newKind();
      await truth.create(kind, KEY, note("one"), null);
      proxy.next("held");
      assert.equal(await store.replace(kind, KEY, await version(truth, kind, KEY), note("two"), null), true);
      assert.equal(await truth.replace(kind, KEY, await version(truth, kind, KEY), note("three"), null), true);
      await proxy.release();
      assert.deepEqual((await truth.get(kind, KEY))?.value, note("three"));
    });
  });
});

describe("take, when the answer is lost", SIDE_BY_SIDE, () => {
  test("is Unavailable, is not sent again, and gives the record to nobody twice", async () => {
    await eachFault(EXECUTED, async ({ store, truth, proxy }, fault) => {
      const kind = newKind();
      await truth.create(kind, KEY, note("one"), null);
      proxy.next(fault);
      await assert.rejects(store.take(kind, KEY), isUnavailable);
      assert.deepEqual(proxy.calls, ["DeleteItem"]);
      assert.equal(await truth.take(kind, KEY), undefined);
    });
  });

  test("is Unavailable if DynamoDB did not execute it, and the record can be taken", async () => {
    await eachFault(NEVER_EXECUTED, async ({ store, truth, proxy }, fault) => {
      const kind = newKind();
      await truth.create(kind, KEY, note("one"), null);
      proxy.next(fault);
      await assert.rejects(store.take(kind, KEY), isUnavailable);
      assert.deepEqual((await truth.take(kind, KEY))?.value, note("one"));
    });
  });
});

describe("increment, when the answer is lost", SIDE_BY_SIDE, () => {
  test("returns the total if DynamoDB executed it, and counts once", async () => {
    await eachFault(EXECUTED, async ({ store, truth, proxy }, fault) => {
      const counter = newCounter();
      await truth.increment(counter, KEY, 5, Date.now() + MINUTE);
      proxy.next(fault);
      assert.equal(await store.increment(counter, KEY, 2, Date.now() + MINUTE), 7);
      assert.equal((await truth.get(counter, KEY))?.value, 7);
    });
  });

  test("is Unavailable if nothing of it is to be seen, and counts not twice", async () => {
    await eachFault(NEVER_EXECUTED, async ({ store, truth, proxy }, fault) => {
      const counter = newCounter();
      await truth.increment(counter, KEY, 5, Date.now() + MINUTE);
      proxy.next(fault);
      await assert.rejects(store.increment(counter, KEY, 2, Date.now() + MINUTE), isUnavailable);
      assert.equal((await truth.get(counter, KEY))?.value, 5);
    });
  });
});

test("a store that is closed, or whose table is out of reach, is Unavailable", async (t) => {
  const proxy = await startProxy(dynamo.endpoint);
  const store = await open(proxy.endpoint, { timeout: 1_500, patience: 200 });
  t.after(() => store.close());
  await proxy.close();
  await assert.rejects(store.get(newKind(), KEY), isUnavailable);
  await assert.rejects(store.create(newKind(), KEY, note("one"), null), isUnavailable);
  await store.close();
  await assert.rejects(store.get(newKind(), KEY), isUnavailable);
});

test("a table that comes back within an operation's patience is not missed", async (t) => {
  const gone = await startProxy(dynamo.endpoint);
  const store = await open(gone.endpoint);
  t.after(() => store.close());
  await gone.close();
  const reading = store.get(newKind(), KEY);
  const opening = open(gone.endpoint);
  const back = await startProxy(dynamo.endpoint, Number(new URL(gone.endpoint).port));
  t.after(() => back.close());
  assert.equal(await reading, undefined);
  await (await opening).close();
});

describe("many clients on a line that fails at random", () => {
  const faults: readonly Fault[] = [...NOT_EXECUTED, ...EXECUTED, ...NEVER_EXECUTED, "late"];
  const unreliable = { timeout: 250, patience: 1_000 };

  /** Runs clients side by side; every fifth request fails. */
  async function run(clients: number, work: (store: Store, client: number) => Promise<void>): Promise<void> {
    await withLine(async ({ store, proxy }) => {
      proxy.choose = () => (Math.random() < 0.2 ? faults[Math.floor(Math.random() * faults.length)] : undefined);
      await Promise.all(Array.from({ length: clients }, (_, client) => work(store, client)));
    }, unreliable);
  }

  test("find every change they were told of in the record once, and none that they were told was refused", async () => {
    const log = { name: newKind().name, codec: z.array(z.string()) };
    const told = { true: [] as string[], false: [] as string[], unknown: [] as string[] };
    const truth = await open(dynamo.endpoint);
    await truth.create(log, KEY, [], null);
    await run(6, async (store, client) => {
      for (let step = 0; step < 12; step++) {
        const change = `${client}.${step}`;
        const entry = await truth.get(log, KEY);
        const outcome = await outcomeOf(store.replace(log, KEY, entry?.version ?? "", [...(entry?.value ?? []), change], null));
        told[outcome].push(change);
      }
    });
    const found = (await truth.get(log, KEY))?.value ?? [];
    await truth.close();
    assert.equal(new Set(found).size, found.length, "nothing was applied twice");
    for (const change of told.true) assert.ok(found.includes(change), `${change} was acknowledged and lost`);
    for (const change of told.false) assert.ok(!found.includes(change), `${change} was applied and reported as refused`);
    assert.ok(told.true.length > 0 && told.false.length > 0);
  });

  test("count nothing twice and lose no count that they were told of", async () => {
    const counter = newCounter();
    const totals: number[] = [];
    let unknown = 0;
    await run(6, async (store) => {
      for (let step = 0; step < 12; step++) {
        await store.increment(counter, KEY, 1, Date.now() + 60 * MINUTE).then(
          (total) => totals.push(total),
          (error: Error) => {
            assert.ok(isUnavailable(error));
            unknown++;
          },
        );
      }
    });
    const truth = await open(dynamo.endpoint);
    const total = (await truth.get(counter, KEY))?.value ?? 0;
    await truth.close();
    assert.equal(new Set(totals).size, totals.length, "no total was told twice");
    assert.ok(total >= totals.length && total <= totals.length + unknown, `${total} of ${totals.length} and ${unknown}`);
  });

  test("take each record at most once and lose none that they were told of", async () => {
    const kind = newKind();
    const told = { true: [] as string[], false: [] as string[], unknown: [] as string[] };
    const taken: string[] = [];
    let unknownTakes = 0;
    await run(6, async (store, client) => {
      for (let step = 0; step < 12; step++) {
        const [value, id] = [`${client}.${step}`, `${step % 3}`];
        told[await outcomeOf(store.create(kind, { id }, note(value), null))].push(value);
        await store.take(kind, { id: `${(step + 1) % 3}` }).then(
          (entry) => entry && taken.push(entry.value.text),
          (error: Error) => {
            assert.ok(isUnavailable(error));
            unknownTakes++;
          },
        );
      }
    });
    const truth = await open(dynamo.endpoint);
    const left = (await truth.scan(kind)).entries.map(({ value }) => value.text);
    await truth.close();
    const seen = [...taken, ...left];
    assert.equal(new Set(seen).size, seen.length, "no record was taken twice, or taken and left");
    for (const value of told.false) assert.ok(!seen.includes(value), `${value} was made and reported as refused`);
    const lost = told.true.filter((value) => !seen.includes(value));
    assert.ok(lost.length <= unknownTakes, `${lost.length} records are gone and ${unknownTakes} takes have no outcome`);
    assert.ok(taken.length > 0);
  });
});

/** Holds the first write until the second one arrives, and has `between` happen between the two. */
function holdFirst(proxy: FaultyLine, between: () => Promise<void>): FaultyLine["choose"] {
  let writes = 0;
  return async (operation) => {
    if (operation !== "PutItem" || ++writes > 2) return undefined;
    if (writes === 1) return "held";
    await proxy.release();
    await between();
    return undefined;
  };
}

async function outcomeOf(work: Promise<boolean>): Promise<"true" | "false" | "unknown"> {
  try {
    return (await work) ? "true" : "false";
  } catch (error) {
    assert.ok(isUnavailable(error));
    return "unknown";
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof Unavailable && error.retryAfter > 0;
}
