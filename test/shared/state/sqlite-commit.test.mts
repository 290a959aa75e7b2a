import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openSqlite } from "../../../shared/state/sqlite.ts";
import { type Row, Unavailable } from "../../../shared/state/store.ts";

/** Writes that come in one turn are committed together: each keeps its own outcome. */

const NOW = 1_000;

function row(id: string, version = "1"): Row {
  return { owner: "ann", id, value: "{}", version, expiresAt: null };
}

function stateFile(t: test.TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "portico-commit-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "state.db");
}

async function open(t: test.TestContext, file = stateFile(t), patience = 200) {
  const driver = await openSqlite(file, { patience });
  t.after(() => driver.close());
  return driver;
}

test("writes of one turn are on the disk when they resolve, each with the outcome it would have alone", async (t) => {
  const file = stateFile(t);
  const driver = await open(t, file);
  await driver.create("kind", row("taken"), NOW);
  const outcomes = await Promise.all([
    driver.create("kind", row("new"), NOW),
    driver.create("kind", row("new"), NOW),
    driver.replace("kind", row("taken", "2"), "1", NOW),
    driver.replace("kind", row("taken", "3"), "1", NOW),
    driver.take("kind", "ann", "taken", NOW).then((taken) => taken?.version),
    driver.take("kind", "ann", "taken", NOW),
    driver.increment("count", row("c"), 1, NOW),
    driver.increment("count", row("c"), 2, NOW),
  ]);
  assert.deepEqual(outcomes, [true, false, true, false, "2", undefined, 1, 3]);
  const other = new DatabaseSync(file, { readOnly: true });
  assert.deepEqual(
    other
      .prepare("SELECT id FROM records ORDER BY id")
      .all()
      .map(({ id }) => id),
    ["c", "new"],
  );
  other.close();
});

test("a write that is wrong fails alone", async (t) => {
  const driver = await open(t);
  const wrong = { ...row("wrong"), value: null } as unknown as Row;
  const [before, failed, after] = await Promise.allSettled([
    driver.create("kind", row("before"), NOW),
    driver.create("kind", wrong, NOW),
    driver.create("kind", row("after"), NOW),
  ]);
  assert.deepEqual(
    [before, after],
    [
      { status: "fulfilled", value: true },
      { status: "fulfilled", value: true },
    ],
  );
  assert.match(String((failed as PromiseRejectedResult).reason), /NOT NULL/);
  assert.deepEqual(
    [await driver.get("kind", "ann", "wrong", NOW), (await driver.get("kind", "ann", "after", NOW))?.id],
    [undefined, "after"],
  );
});

test("writes wait together while another process holds the file, and none is written when it holds it too long", async (t) => {
  const file = stateFile(t);
  const driver = await open(t, file);
  const other = new DatabaseSync(file);
  t.after(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  const late = [driver.create("kind", row("one"), NOW), driver.create("kind", row("two"), NOW)];
  for (const write of late) await assert.rejects(write, Unavailable);
  other.exec("COMMIT");
  assert.equal(await driver.get("kind", "ann", "one", NOW), undefined);
  other.exec("BEGIN IMMEDIATE");
  const patient = Promise.all([driver.create("kind", row("one"), NOW), driver.create("kind", row("two"), NOW)]);
  setTimeout(() => other.exec("COMMIT"), 30);
  assert.deepEqual(await patient, [true, true]);
});

test("what waits when the file is closed is written first, and nothing afterwards", async (t) => {
  const file = stateFile(t);
  const driver = await openSqlite(file);
  const writes = [driver.create("kind", row("one"), NOW), driver.create("kind", row("two"), NOW)];
  await driver.close();
  assert.deepEqual(await Promise.all(writes), [true, true]);
  await assert.rejects(driver.create("kind", row("three"), NOW), Unavailable);
  const again = await open(t, file);
  assert.deepEqual(
    (await again.list("kind", "ann", undefined, 10, NOW)).map(({ id }) => id),
    ["one", "two"],
  );
});
