import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { MAX_VALUE_BYTES, ValueTooLarge } from "../../shared/state/store.ts";
import { type Bench, both, drain, MINUTE, type Note, newCounter, newKind, note, version } from "./state-bench.mts";
import { isLinearizable, observe, type Step } from "./state-history.mts";

/** What holds for one record. */
export function describeRecords(bench: Bench): void {
  describe("get", () => {
    test("finds nothing under a key that was never written", async () => {
      assert.equal(await bench.store.get(newKind(), { id: "a" }), undefined);
    });

    test("returns what was created, with its expiry, to every connection", async () => {
      const kind = newKind();
      const expiresAt = bench.now + MINUTE;
      await bench.store.create(kind, { id: "a", owner: "ann" }, { text: "one" }, expiresAt);
      const entry = await bench.other.get(kind, { id: "a", owner: "ann" });
      assert.deepEqual(entry, { id: "a", value: { text: "one" }, version: entry?.version, expiresAt });
      assert.equal(typeof entry?.version, "string");
    });

    test("keeps apart kinds, owners and ids, also where their names run together the same way", async () => {
      const kind = newKind();
      const longer = { ...kind, name: `${kind.name}o` };
      const places = [
        [kind, { id: "a" }],
        [kind, { id: "b" }],
        [kind, { id: "a", owner: "o" }],
        [kind, { id: "a", owner: "p" }],
        [kind, { id: "a", owner: "o:a" }],
        [kind, { id: "a:a", owner: "o" }],
        [longer, { id: "a" }],
        [longer, { id: "a", owner: "o" }],
      ] as const;
      for (const [index, [kind, key]] of places.entries()) assert.equal(await bench.store.create(kind, key, note(index), null), true);
      for (const [index, [kind, key]] of places.entries()) assert.deepEqual((await bench.store.get(kind, key))?.value, note(index));
      await bench.store.take(kind, { id: "a", owner: "o" });
      for (const [index, [kind, key]] of places.entries()) {
        assert.deepEqual((await bench.store.get(kind, key))?.value, index === 2 ? undefined : note(index));
      }
    });

    test("answers reads that are started together each with its own record", async () => {
      const [kind, other] = [newKind(), newKind()];
      const ids = Array.from({ length: 60 }, (_, index) => `id-${index}`);
      await Promise.all(ids.map((id, index) => bench.store.create(kind, { id, owner: "ann" }, note(index), null)));
      await bench.store.create(other, { id: "id-0" }, note("other"), bench.now + MINUTE);
      await bench.store.create(other, { id: "gone" }, note("gone"), bench.now);
      const read = await Promise.all([
        ...ids.map((id) => bench.store.get(kind, { id, owner: "ann" })),
        bench.store.get(other, { id: "id-0" }),
        bench.store.get(other, { id: "gone" }),
        bench.store.get(kind, { id: "id-0" }),
        bench.store.get(kind, { id: "id-0", owner: "ann" }),
      ]);
      const values = read.map((entry) => entry?.value);
      assert.deepEqual(values, [...ids.map((_, index) => note(index)), note("other"), undefined, undefined, note(0)]);
    });

    test("finds nothing under a key that no record can have, and writes nothing there", async () => {
      const kind = newKind();
      for (const id of ["", "a\0b", "\ud800", "x".repeat(901)]) {
        assert.equal(await bench.store.get(kind, { id }), undefined);
        assert.equal(await bench.store.take(kind, { id }), undefined);
        await assert.rejects(bench.store.create(kind, { id }, note(1), null), TypeError);
        await assert.rejects(bench.store.increment(newCounter(), { id }, 1, bench.now + MINUTE), TypeError);
      }
      for (const expiresAt of [Number.NaN, 1.5, Number.POSITIVE_INFINITY]) {
        await assert.rejects(bench.store.create(kind, { id: "a" }, note(1), expiresAt), TypeError);
      }
      assert.equal(await bench.store.get(kind, { id: "a" }), undefined);
    });

    test("gives back every text unchanged", async () => {
      const kind = newKind();
      const text = "\u0000 \u001f \u2028 \ud800 \ufeff \u{1F600} \\ \" ' é e\u0301";
      await bench.store.create(kind, { id: "a" }, { text }, null);
      assert.deepEqual((await bench.store.get(kind, { id: "a" }))?.value, { text });
    });
  });

  describe("create", () => {
    test("says false and changes nothing where a live record is", async () => {
      const kind = newKind();
      assert.equal(await bench.store.create(kind, { id: "a" }, note("first"), bench.now + MINUTE), true);
      const first = await bench.store.get(kind, { id: "a" });
      assert.equal(await bench.other.create(kind, { id: "a" }, note("second"), null), false);
      assert.deepEqual(await bench.store.get(kind, { id: "a" }), first);
    });

    test("writes over a record that expired", async () => {
      const kind = newKind();
      await bench.store.create(kind, { id: "a" }, note("first"), bench.now + MINUTE);
      const first = await bench.store.get(kind, { id: "a" });
      bench.now += MINUTE;
      assert.equal(await bench.store.create(kind, { id: "a" }, note("second"), null), true);
      const second = await bench.store.get(kind, { id: "a" });
      assert.deepEqual([second?.value, second?.expiresAt], [note("second"), null]);
      assert.notEqual(second?.version, first?.version);
    });

    test("succeeds for exactly one of many who try at once", async () => {
      const kind = newKind();
      const tries = await Promise.all(both(bench, 20, (each, index) => each.create(kind, { id: "a" }, note(index), null)));
      assert.equal(tries.filter(Boolean).length, 1);
      assert.deepEqual((await bench.store.get(kind, { id: "a" }))?.value, note(tries.indexOf(true)));
    });

    test("refuses a value that the codec refuses, and writes nothing", async () => {
      const kind = newKind();
      await assert.rejects(bench.store.create(kind, { id: "a" }, { text: 5 } as unknown as Note, null), z.ZodError);
      assert.equal(await bench.store.get(kind, { id: "a" }), undefined);
    });

    test("takes a value of the greatest size and refuses one byte more", async () => {
      const kind = newKind();
      const room = MAX_VALUE_BYTES - JSON.stringify(note("")).length;
      assert.equal(await bench.store.create(kind, { id: "full" }, note("x".repeat(room)), null), true);
      assert.equal((await bench.store.get(kind, { id: "full" }))?.value.text.length, room);
      await assert.rejects(bench.store.create(kind, { id: "over" }, note(`${"x".repeat(room - 1)}é`), null), ValueTooLarge);
      assert.equal(await bench.store.get(kind, { id: "over" }), undefined);
    });
  });

  describe("replace", () => {
    test("writes the value, the expiry and a new version if nothing changed since", async () => {
      const kind = newKind();
      await bench.store.create(kind, { id: "a", owner: "ann" }, note("one"), null);
      const first = await version(bench.store, kind, { id: "a", owner: "ann" });
      assert.equal(await bench.other.replace(kind, { id: "a", owner: "ann" }, first, note("two"), bench.now + MINUTE), true);
      const entry = await bench.store.get(kind, { id: "a", owner: "ann" });
      assert.deepEqual([entry?.value, entry?.expiresAt], [note("two"), bench.now + MINUTE]);
      assert.notEqual(entry?.version, first);
    });

    test("says false and changes nothing if the record changed meanwhile", async () => {
      const kind = newKind();
      await bench.store.create(kind, { id: "a" }, note("one"), null);
      const first = await version(bench.store, kind, { id: "a" });
      await bench.store.replace(kind, { id: "a" }, first, note("two"), null);
      assert.equal(await bench.other.replace(kind, { id: "a" }, first, note("three"), null), false);
      assert.deepEqual((await bench.store.get(kind, { id: "a" }))?.value, note("two"));
    });

    test("says false if the record is gone or expired, and does not make it", async () => {
      const kind = newKind();
      assert.equal(await bench.store.replace(kind, { id: "never" }, "some-version", note("x"), null), false);
      await bench.store.create(kind, { id: "a" }, note("one"), bench.now + MINUTE);
      const first = await version(bench.store, kind, { id: "a" });
      bench.now += MINUTE;
      assert.equal(await bench.store.replace(kind, { id: "a" }, first, note("two"), null), false);
      assert.equal(await bench.store.get(kind, { id: "a" }), undefined);
    });

    test("never takes the version of a record that was deleted and made again with the same value", async () => {
      const kind = newKind();
      await bench.store.create(kind, { id: "a" }, note("same"), null);
      const first = await version(bench.store, kind, { id: "a" });
      await bench.store.take(kind, { id: "a" });
      await bench.store.create(kind, { id: "a" }, note("same"), null);
      assert.notEqual(await version(bench.store, kind, { id: "a" }), first);
      assert.equal(await bench.store.replace(kind, { id: "a" }, first, note("other"), null), false);
    });

    test("deletes if the new expiry is now", async () => {
      const kind = newKind();
      await bench.store.create(kind, { id: "a", owner: "ann" }, note("one"), null);
      const first = await version(bench.store, kind, { id: "a", owner: "ann" });
      assert.equal(await bench.store.replace(kind, { id: "a", owner: "ann" }, first, note("one"), bench.now), true);
      assert.equal(await bench.store.get(kind, { id: "a", owner: "ann" }), undefined);
      assert.deepEqual(await bench.store.list(kind, "ann"), { entries: [] });
    });

    test("succeeds for exactly one of many who read the same version", async () => {
      const kind = newKind();
      await bench.store.create(kind, { id: "a" }, note("start"), null);
      const first = await version(bench.store, kind, { id: "a" });
      const tries = await Promise.all(both(bench, 20, (each, index) => each.replace(kind, { id: "a" }, first, note(index), null)));
      assert.equal(tries.filter(Boolean).length, 1);
      assert.deepEqual((await bench.store.get(kind, { id: "a" }))?.value, note(tries.indexOf(true)));
    });

    test("refuses what the codec refuses or what is too large, and leaves the record", async () => {
      const kind = newKind();
      await bench.store.create(kind, { id: "a" }, note("one"), null);
      const first = await version(bench.store, kind, { id: "a" });
      await assert.rejects(bench.store.replace(kind, { id: "a" }, first, {} as Note, null), z.ZodError);
      await assert.rejects(bench.store.replace(kind, { id: "a" }, first, note("x".repeat(MAX_VALUE_BYTES)), null), ValueTooLarge);
      assert.equal(await version(bench.store, kind, { id: "a" }), first);
    });
  });

  describe("take", () => {
    test("returns the record and leaves nothing", async () => {
      const kind = newKind();
      await bench.store.create(kind, { id: "a", owner: "ann" }, note("one"), bench.now + MINUTE);
      const entry = await bench.store.get(kind, { id: "a", owner: "ann" });
      assert.deepEqual(await bench.other.take(kind, { id: "a", owner: "ann" }), entry);
      assert.equal(await bench.store.get(kind, { id: "a", owner: "ann" }), undefined);
      assert.equal(await bench.store.take(kind, { id: "a", owner: "ann" }), undefined);
    });

    test("finds nothing where the record expired", async () => {
      const kind = newKind();
      await bench.store.create(kind, { id: "a" }, note("one"), bench.now + MINUTE);
      bench.now += MINUTE;
      assert.equal(await bench.store.take(kind, { id: "a" }), undefined);
    });

    test("gives the record to exactly one of many who try at once", async () => {
      const kind = newKind();
      await bench.store.create(kind, { id: "a" }, note("one"), null);
      const taken = await Promise.all(both(bench, 20, (each) => each.take(kind, { id: "a" })));
      assert.deepEqual(
        taken.filter((entry) => entry !== undefined).map(({ value }) => value),
        [note("one")],
      );
    });
  });

  describe("expiry", () => {
    test("comes with the millisecond of expiresAt and not before", async () => {
      const kind = newKind();
      await bench.store.create(kind, { id: "a", owner: "ann" }, note("one"), bench.now + MINUTE);
      bench.now += MINUTE - 1;
      assert.ok(await bench.store.get(kind, { id: "a", owner: "ann" }));
      assert.equal(await bench.store.create(kind, { id: "a", owner: "ann" }, note("two"), null), false);
      bench.now += 1;
      assert.equal(await bench.store.get(kind, { id: "a", owner: "ann" }), undefined);
      assert.deepEqual(await bench.store.list(kind, "ann"), { entries: [] });
      assert.deepEqual((await bench.store.scan(kind)).entries, []);
    });

    test("never comes where it is null", async () => {
      const kind = newKind();
      await bench.store.create(kind, { id: "a" }, note("one"), null);
      bench.now += 1_000 * 365 * 24 * 60 * MINUTE;
      assert.equal((await bench.store.get(kind, { id: "a" }))?.expiresAt, null);
      await drain(bench.store);
      assert.ok(await bench.store.get(kind, { id: "a" }));
      bench.now -= 1_000 * 365 * 24 * 60 * MINUTE;
    });

    test("is taken away by a replace with null", async () => {
      const kind = newKind();
      await bench.store.create(kind, { id: "a" }, note("one"), bench.now + MINUTE);
      await bench.store.replace(kind, { id: "a" }, await version(bench.store, kind, { id: "a" }), note("two"), null);
      bench.now += MINUTE;
      assert.deepEqual((await bench.store.get(kind, { id: "a" }))?.value, note("two"));
    });
  });

  describe("increment", () => {
    test("starts at 0, adds and returns the total", async () => {
      const kind = newCounter();
      assert.equal(await bench.store.increment(kind, { id: "a" }, 1, bench.now + MINUTE), 1);
      assert.equal(await bench.other.increment(kind, { id: "a" }, 41, bench.now + MINUTE), 42);
      assert.equal(await bench.store.increment(kind, { id: "a" }, -2, bench.now + MINUTE), 40);
      assert.equal(await bench.store.increment(kind, { id: "a", owner: "ann" }, 7, bench.now + MINUTE), 7);
      assert.equal((await bench.store.get(kind, { id: "a" }))?.value, 40);
    });

    test("keeps the expiry of the first increment and starts anew after it", async () => {
      const kind = newCounter();
      const expiresAt = bench.now + MINUTE;
      await bench.store.increment(kind, { id: "a" }, 5, expiresAt);
      bench.now += MINUTE - 1;
      assert.equal(await bench.store.increment(kind, { id: "a" }, 5, bench.now + MINUTE), 10);
      assert.equal((await bench.store.get(kind, { id: "a" }))?.expiresAt, expiresAt);
      bench.now += 1;
      assert.equal(await bench.store.increment(kind, { id: "a" }, 5, bench.now + MINUTE), 5);
      assert.equal((await bench.store.get(kind, { id: "a" }))?.expiresAt, bench.now + MINUTE);
    });

    test("changes the version, so that a compare from before it fails", async () => {
      const kind = newCounter();
      await bench.store.increment(kind, { id: "a" }, 1, bench.now + MINUTE);
      const entry = await bench.store.get(kind, { id: "a" });
      await bench.store.increment(kind, { id: "a" }, 1, bench.now + MINUTE);
      assert.equal(await bench.store.replace(kind, { id: "a" }, entry?.version ?? "", 0, null), false);
    });

    test("loses nothing when many add at once: every total is seen once", async () => {
      const kind = newCounter();
      const totals = await Promise.all(both(bench, 50, (each) => each.increment(kind, { id: "a" }, 1, bench.now + MINUTE)));
      assert.deepEqual(
        totals.sort((a, b) => a - b),
        totals.map((_, index) => index + 1),
      );
    });
  });

  test("what clients see of one record side by side is explained by one order of their operations", async () => {
    const step = fc.constantFrom<Step>("get", "create", "replace", "take");
    const clients = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(clients, async (script) => {
        assert.ok(isLinearizable(await observe([bench.store, bench.other], newCounter(), script)));
      }),
      { numRuns: 40 },
    );
  });
}
