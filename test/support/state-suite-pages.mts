import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { z } from "zod";
import { type Bench, drain, idsOf, inByteOrder, listAll, MINUTE, newCounter, newKind, note } from "./state-bench.mts";

/** Below the 1,024 bytes that DynamoDB gives a sort key. */
const LONGEST_ID_BYTES = 900;

/** Ids that databases, paths and query languages have been known to stumble over. */
const UNUSUAL_IDS = [
  "0",
  " ",
  " leading and trailing ",
  'it\'s "quoted" `here`',
  "'; DROP TABLE records; --",
  "a/b//../c\\d",
  "100%_*?[x]",
  "line\nbreak\ttab\r",
  "#:|&=+,;@!$()~^",
  "null",
  "Ünïcödé",
  "U\u0308ni\u0308co\u0308de\u0301",
  "日本語",
  "👩‍👩‍👧‍👦",
  "\u{10FFFF}",
  "\uFFFD",
  "x".repeat(LONGEST_ID_BYTES),
];
/** What holds for many records: list, scan and sweep, names of all sorts, and rows that cannot be read. */
export function describePages(bench: Bench): void {
  describe("list", () => {
    test("has the records of one owner and kind only", async () => {
      const kind = newKind();
      for (const owner of ["ann", "ann2", "an", "bob"]) await bench.store.create(kind, { id: "a", owner }, note(owner), null);
      await bench.store.create(kind, { id: "a" }, note("nobody"), null);
      await bench.store.create(newKind(), { id: "b", owner: "ann" }, note("other kind"), null);
      const { entries, cursor } = await bench.store.list(kind, "ann");
      assert.deepEqual([entries.map(({ value }) => value), cursor], [[note("ann")], undefined]);
      assert.deepEqual(await bench.store.list(kind, "nobody at all"), { entries: [] });
    });

    test("is in byte order of id, not in that of UTF-16, of a language or of insertion", async () => {
      const kind = newKind();
      const ids = ["b", "a", "B", "á", "aa", "a ", "10", "9", "\uFFFD", "\u{10000}", "Z", "_"];
      for (const id of ids) await bench.store.create(kind, { id, owner: "ann" }, note(id), null);
      assert.deepEqual(await listAll(bench.store, kind, "ann", 100), inByteOrder(ids));
      assert.deepEqual(await listAll(bench.store, kind, "ann", 1), inByteOrder(ids));
    });

    test("goes on after the cursor, also when records come and go between the pages", async () => {
      const kind = newKind();
      for (const id of ["b", "d", "f", "h"]) await bench.store.create(kind, { id, owner: "ann" }, note(id), null);
      const first = await bench.store.list(kind, "ann", undefined, 2);
      assert.deepEqual(idsOf(first), ["b", "d"]);
      await bench.store.take(kind, { id: "d", owner: "ann" });
      await bench.store.create(kind, { id: "a", owner: "ann" }, note("a"), null);
      await bench.store.create(kind, { id: "e", owner: "ann" }, note("e"), null);
      assert.deepEqual(idsOf(await bench.other.list(kind, "ann", first.cursor, 10)), ["e", "f", "h"]);
    });

    test("pages through expired and unreadable records without losing one", async () => {
      const kind = newKind();
      const loose = { name: kind.name, codec: z.unknown() };
      for (let index = 10; index < 30; index++) {
        const key = { id: `${index}`, owner: "ann" };
        if (index % 4 === 0) await bench.store.create(loose, key, "not a note", null);
        else await bench.store.create(kind, key, note(index), index % 4 === 1 ? bench.now + MINUTE : null);
      }
      bench.now += MINUTE;
      const left = ["10", "11", "14", "15", "18", "19", "22", "23", "26", "27"];
      for (const limit of [1, 2, 3, 100]) assert.deepEqual(await listAll(bench.store, kind, "ann", limit), left);
    });

    test("gives a large page of large records", async () => {
      const kind = newKind();
      const text = "x".repeat(200_000);
      const ids = Array.from({ length: 25 }, (_, index) => `${100 + index}`);
      for (const id of ids) await bench.store.create(kind, { id, owner: "ann" }, { text }, null);
      const { entries, cursor } = await bench.store.list(kind, "ann", undefined, 1000);
      assert.deepEqual(
        entries.map(({ id, value }) => [id, value.text.length]),
        ids.map((id) => [id, text.length]),
      );
      assert.equal(cursor, undefined);
    });

    test("sees at once what another connection wrote and removed", async () => {
      const kind = newKind();
      for (let index = 0; index < 20; index++) {
        await bench.store.create(kind, { id: "a", owner: "ann" }, note(index), null);
        assert.deepEqual(
          (await bench.other.list(kind, "ann")).entries.map(({ value }) => value),
          [note(index)],
        );
        await bench.other.take(kind, { id: "a", owner: "ann" });
        assert.deepEqual(await bench.store.list(kind, "ann"), { entries: [] });
      }
    });
  });

  test("ids and owners may be any text: each names its own record in every operation", async () => {
    const [kind, counter] = [newKind(), newCounter()];
    for (const id of UNUSUAL_IDS) {
      assert.equal(await bench.store.create(kind, { id, owner: "ann" }, note(id), null), true, id);
      assert.equal(await bench.store.create(kind, { id: "a", owner: id }, note(id), null), true, id);
      assert.equal(await bench.store.increment(counter, { id }, 1, bench.now + MINUTE), 1, id);
    }
    assert.deepEqual(await listAll(bench.store, kind, "ann", 3), inByteOrder(UNUSUAL_IDS));
    for (const id of UNUSUAL_IDS) {
      assert.deepEqual(
        (await bench.store.list(kind, id)).entries.map(({ value }) => value),
        [note(id)],
      );
      const entry = await bench.store.get(kind, { id, owner: "ann" });
      assert.deepEqual([entry?.id, entry?.value], [id, note(id)]);
      assert.equal(await bench.store.replace(kind, { id, owner: "ann" }, entry?.version ?? "", note("new"), null), true);
      assert.deepEqual((await bench.store.take(kind, { id, owner: "ann" }))?.value, note("new"));
    }
    assert.deepEqual(await bench.store.list(kind, "ann"), { entries: [] });
  });

  test("scan meets every live record of a kind once, with its owner", async () => {
    const kind = newKind();
    const keys = Array.from({ length: 1_100 }, (_, index) => ({ id: `${index}`, owner: index % 10 === 0 ? undefined : `o${index % 7}` }));
    for (const { id, owner } of keys) {
      await bench.store.create(
        kind,
        { id, ...(owner === undefined ? {} : { owner }) },
        note(id),
        Number(id) % 100 === 1 ? bench.now + MINUTE : null,
      );
    }
    bench.now += MINUTE;
    const met: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await bench.store.scan(kind, cursor);
      met.push(...page.entries.map((entry) => `${entry.owner} ${entry.id} ${entry.value.text}`));
      if (page.cursor !== undefined) assert.notEqual(page.cursor, cursor, "the cursor does not go on");
      cursor = page.cursor;
    } while (cursor !== undefined);
    const live = keys.filter(({ id }) => Number(id) % 100 !== 1).map(({ id, owner }) => `${owner} ${id} ${id}`);
    assert.deepEqual(met.sort(), live.sort());
  });

  test("sweep deletes what expired, at most as many as asked, and nothing else", async () => {
    await drain(bench.store);
    const kind = newKind();
    for (let index = 0; index < 10; index++) {
      await bench.store.create(kind, { id: `old${index}`, owner: "ann" }, note(index), bench.now + MINUTE);
      await bench.store.create(kind, { id: `new${index}`, owner: "ann" }, note(index), bench.now + MINUTE + 1);
      await bench.store.create(kind, { id: `kept${index}`, owner: "ann" }, note(index), null);
    }
    bench.now += MINUTE;
    assert.equal(await bench.store.sweep(4), 4);
    assert.equal(await bench.store.sweep(4), 4);
    assert.equal(await bench.store.sweep(4), 2);
    assert.equal(await bench.store.sweep(4), 0);
    assert.equal((await bench.store.list(kind, "ann")).entries.length, 20);
  });

  test("a record that its codec refuses is absent, and the log tells where it is wrong without its data", async () => {
    const kind = newKind();
    const loose = { name: kind.name, codec: z.unknown() };
    await bench.store.create(kind, { id: "a", owner: "ann" }, note("good"), null);
    await bench.store.create(loose, { id: "b", owner: "ann" }, { text: ["the secret"], secretField: "the secret" }, null);
    await bench.store.create(kind, { id: "c", owner: "ann" }, note("good"), null);
    bench.lines.length = 0;
    assert.equal(await bench.store.get(kind, { id: "b", owner: "ann" }), undefined);
    assert.deepEqual(idsOf(await bench.store.list(kind, "ann")), ["a", "c"]);
    assert.deepEqual(idsOf(await bench.store.scan(kind)).sort(), ["a", "c"]);
    assert.equal(bench.lines.length, 3);
    for (const { fields } of bench.lines) assert.deepEqual((fields as { kind?: string }).kind, kind.name);
    assert.match(JSON.stringify(bench.lines), /text/);
    assert.doesNotMatch(JSON.stringify(bench.lines), /the secret/);
    assert.equal(await bench.store.take(kind, { id: "b", owner: "ann" }), undefined);
    assert.notEqual(await bench.store.get(loose, { id: "b", owner: "ann" }), undefined, "it stays for a release that can read it");
  });
}
