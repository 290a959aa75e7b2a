import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import { z } from "zod";
import { createLog } from "../../../shared/log.ts";
import { openSqlite, type SqliteOptions, StateFileError } from "../../../shared/state/sqlite.ts";
import { openStore, type Store, Unavailable } from "../../../shared/state/store.ts";
import { createBench, MINUTE, newCounter, newKind, note, version } from "../../support/state-bench.mts";
import { describeStore } from "../../support/state-suite.mts";

const folder = mkdtempSync(join(tmpdir(), "portico-sqlite-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function newFile(): string {
  return join(folder, `state-${files++}`, "portico.db");
}

describeStore("SQLite", async (options) => openStore(await openSqlite(join(folder, "contract.db")), options));

describe("a state file", () => {
  test("is its owner's alone, with all that SQLite puts beside it and the folder made for it", async (t) => {
    const file = newFile();
    const store = await openOne(t, file);
    await store.create(newKind(), { id: "a" }, note("one"), null);
    for (const name of [file, `${file}-wal`, `${file}-shm`]) assert.equal(statSync(name).mode & 0o777, 0o600, name);
    assert.equal(statSync(join(file, "..")).mode & 0o777, 0o700);
  });

  test("has what was written to it when it is opened again", async (t) => {
    const [file, kind, counter] = [newFile(), newKind(), newCounter()];
    const first = await openOne(t, file);
    await first.create(kind, { id: "a", owner: "ann" }, note("one"), Date.now() + MINUTE);
    await first.increment(counter, { id: "a" }, 3, Date.now() + MINUTE);
    const entry = await first.get(kind, { id: "a", owner: "ann" });
    await first.close();
    const second = await openOne(t, file);
    assert.deepEqual(await second.get(kind, { id: "a", owner: "ann" }), entry);
    assert.equal(await second.increment(counter, { id: "a" }, 1, Date.now() + MINUTE), 4);
  });

  test("gives room back to the file system when records are swept", async (t) => {
    const [file, kind] = [newFile(), newKind()];
    const store = await openOne(t, file);
    for (let index = 0; index < 20; index++) await store.create(kind, { id: `${index}` }, note("x".repeat(100_000)), 1);
    const pages = () => withDatabase(file, (database) => database.prepare("PRAGMA page_count").get()?.["page_count"]);
    const full = Number(pages());
    assert.equal(await store.sweep(100), 20);
    assert.ok(Number(pages()) < full / 10);
  });

  test("of a newer release is refused and left as it is", async (t) => {
    const file = newFile();
    await (await openOne(t, file)).close();
    withDatabase(file, (database) => database.exec("PRAGMA user_version = 99"));
    await assert.rejects(openSqlite(file), (error: Error) => {
      assert.ok(error instanceof StateFileError);
      assert.match(error.message, /schema version 99 .* newer/);
      assert.ok(error.message.startsWith(file));
      return true;
    });
    assert.equal(
      withDatabase(file, (database) => database.prepare("PRAGMA user_version").get()?.["user_version"]),
      99,
    );
  });

  test("that is damaged or is something else is refused", async (t) => {
    const other = newFile();
    await (await openOne(t, other)).close();
    writeFileSync(other, "this is not a database, but it is long enough to have the header of one, is it not?".repeat(20));
    await assert.rejects(openSqlite(other), StateFileError);

    const damaged = newFile();
    await (await openOne(t, damaged)).close();
    withDatabase(damaged, (database) => {
      database.enableDefensive(false);
      database.exec("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 99 WHERE name = 'records_expires_at'");
    });
    await assert.rejects(openSqlite(damaged), StateFileError);
  });

  test("that cannot be made is refused with its name and the reason", async () => {
    const inTheWay = join(folder, "a-file");
    writeFileSync(inTheWay, "");
    await assert.rejects(openSqlite(join(inTheWay, "portico.db")), { name: "StateFileError", message: /a-file.*(ENOTDIR|EEXIST)/ });
  });
});

describe("a state file that another process has locked", () => {
  test("makes every write Unavailable when patience ends, changes nothing and can still be read", async (t) => {
    const [file, kind] = [newFile(), newKind()];
    const store = await openOne(t, file, { patience: 50 });
    await store.create(kind, { id: "a" }, note("one"), null);
    const first = await version(store, kind, { id: "a" });
    await withLock(file, async () => {
      for (const write of [
        () => store.create(kind, { id: "b" }, note("two"), null),
        () => store.create(kind, { id: "a" }, note("two"), null),
        () => store.replace(kind, { id: "a" }, first, note("two"), null),
        () => store.take(kind, { id: "a" }),
        () => store.increment(newCounter(), { id: "a" }, 1, Date.now() + MINUTE),
      ]) {
        await assert.rejects(write(), (error: Error) => error instanceof Unavailable && error.cause instanceof Error);
      }
      assert.deepEqual((await store.get(kind, { id: "a" }))?.value, note("one"));
      assert.equal((await store.list(kind, "")).entries.length, 1);
    });
    assert.equal(await store.replace(kind, { id: "a" }, first, note("two"), null), true);
  });

  test("makes writes wait until it is free, without stopping the process", async (t) => {
    const [file, kind] = [newFile(), newKind()];
    const store = await openOne(t, file);
    let writes: Promise<boolean[]> | undefined;
    await withLock(file, async () => {
      writes = Promise.all(Array.from({ length: 5 }, (_, index) => store.create(kind, { id: `${index % 4}` }, note(index), null)));
      await new Promise(setImmediate);
    });
    assert.deepEqual((await writes)?.filter(Boolean).length, 4);
  });
});

describe("a store on SQLite", () => {
  test("is Unavailable once it is closed, and may be closed twice", async (t) => {
    const store = await openOne(t, newFile());
    await store.close();
    await assert.rejects(store.get(newKind(), { id: "a" }), Unavailable);
    await assert.rejects(store.create(newKind(), { id: "a" }, note("one"), null), Unavailable);
  });

  test("does not stop at a row that is not JSON", async (t) => {
    const [file, kind] = [newFile(), newKind()];
    const bench = createBench(async (options) => openStore(await openSqlite(file), options));
    await bench.open();
    t.after(bench.close);
    for (const id of ["a", "b", "c"]) await bench.store.create(kind, { id, owner: "ann" }, note(id), null);
    withDatabase(file, (database) => database.exec("UPDATE records SET value = '{\"text\": \"the secret' WHERE id = 'b'"));
    assert.equal(await bench.store.get(kind, { id: "b", owner: "ann" }), undefined);
    assert.deepEqual(
      (await bench.store.list(kind, "ann")).entries.map(({ id }) => id),
      ["a", "c"],
    );
    assert.equal(bench.lines.length, 2);
    assert.doesNotMatch(JSON.stringify(bench.lines), /the secret/);
  });

  test("keeps counters as whole numbers far beyond 32 bits", async (t) => {
    const store = await openOne(t, newFile());
    const counter = { name: "counter", codec: z.int() };
    await store.increment(counter, { id: "a" }, 2 ** 52, Date.now() + MINUTE);
    assert.equal(await store.increment(counter, { id: "a" }, 1, Date.now() + MINUTE), 2 ** 52 + 1);
    assert.equal((await store.get(counter, { id: "a" }))?.value, 2 ** 52 + 1);
  });
});

interface Test {
  after(clean: () => Promise<void>): void;
}

async function openOne(t: Test, file: string, options?: SqliteOptions): Promise<Store> {
  const store = openStore(await openSqlite(file, options), { clock: Date.now, log: createLog("silent") });
  t.after(() => store.close());
  return store;
}

/** Works on the file past the driver. */
function withDatabase<T>(file: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** Holds the file's write lock until `work` ends. */
async function withLock(file: string, work: () => Promise<void>): Promise<void> {
  const database = new DatabaseSync(file);
  database.exec("BEGIN IMMEDIATE");
  try {
    await work();
  } finally {
    database.close();
  }
}
