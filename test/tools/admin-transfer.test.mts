import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createSealer } from "../../shared/state/seal.ts";
import { openSqlite } from "../../shared/state/sqlite.ts";
import type { DumpedRow } from "../../shared/state/store.ts";
import { admin, makeStateFolder, startAdmin } from "./admin-command.mts";

const folder = makeStateFolder();
const [source, exported] = ["source.db", folder.path("state.jsonl")];
const KEYS = keySet("one", 1);
const RECORDS = 1_250;
const HOUR = 3_600_000;
const now = Date.now();

before(async () => {
  await put(source, [
    ...Array.from({ length: RECORDS }, (_, index) =>
      row({ id: `${index}`, owner: `o${index % 7}`, expiresAt: index % 2 === 0 ? null : now + HOUR }),
    ),
    row({ kind: "odd", id: "line\u2028separator \r\n\u0000 日本語 \ud800 \"'", value: JSON.stringify({ text: "a\u2028b\nc\ud800" }) }),
    row({ kind: "counter", id: "n", value: "41" }),
    row({ id: "old", expiresAt: 1 }),
  ]);
  const { status, stdout } = await admin(["state", "export", exported], { ...folder.env(source), ...KEYS });
  assert.deepEqual([status, stdout], [0, `exported ${RECORDS + 2} records to ${exported}\n`]);
});
after(folder.remove);

test("an export has every live record, for its owner's eyes, and never overwrites a file", async () => {
  assert.equal(statSync(exported).mode & 0o777, 0o600);
  const text = readFileSync(exported, "utf8");
  const lines = text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  assert.equal(lines.length, RECORDS + 4);
  const beforeLast = text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1);
  assert.deepEqual(lines.at(-1), { records: RECORDS + 2, sha256: createHash("sha256").update(beforeLast).digest("hex") });
  const again = await admin(["state", "export", exported], { ...folder.env(source), ...KEYS });
  assert.equal(again.status, 1);
  assert.match(again.stderr, /state\.jsonl is there already/);
  assert.equal(readFileSync(exported, "utf8"), text);
});

test("an import makes the same records with the same versions and expiries, and none that expired", async () => {
  const { status, stdout, stderr } = await admin(["state", "import", exported], { ...folder.env("target.db"), ...KEYS });
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(stdout, new RegExp(`^created ${RECORDS + 2}, replaced 0, kept different 0, skipped 0 the same`));
  assert.deepEqual(
    rowsIn("target.db"),
    rowsIn(source).filter(({ id }) => id !== "old"),
  );
  const driver = await openSqlite(folder.path("target.db"));
  assert.equal(await driver.increment("counter", { owner: "", id: "n", version: "v2", expiresAt: null }, 1, now), 42);
  await driver.close();
});

test("an import can be repeated and then changes nothing", async () => {
  const env = { ...folder.env("repeated.db"), ...KEYS };
  await admin(["state", "import", exported], env);
  const first = rowsIn("repeated.db");
  const { stdout } = await admin(["state", "import", exported, "--json"], env);
  const { ok, created, same } = JSON.parse(stdout);
  assert.deepEqual([ok, created, same], [true, 0, RECORDS + 2]);
  assert.deepEqual(rowsIn("repeated.db"), first);
});

test("an import that is killed in the middle is completed by importing again", async () => {
  const env = { ...folder.env("killed.db"), ...KEYS };
  const text = readFileSync(exported, "utf8");
  const running = startAdmin(["state", "import", "-"], env);
  running.stdin.write(text.slice(0, text.length / 2));
  while (countIn("killed.db") < 100) await nextTurn();
  running.kill();
  await running.ended;
  assert.ok(countIn("killed.db") < RECORDS);
  const { status, stdout } = await admin(["state", "import", exported, "--json"], env);
  const { created, same } = JSON.parse(stdout);
  assert.equal(status, 0);
  assert.ok(created > 0 && same >= 100, stdout);
  assert.deepEqual(
    rowsIn("killed.db"),
    rowsIn(source).filter(({ id }) => id !== "old"),
  );
});

test("records that expired between export and import are skipped", async () => {
  const lines = exportOf([row({ id: "a", expiresAt: now - 1 }), row({ id: "b", expiresAt: null })]);
  const { stdout } = await admin(["state", "import", "-"], { ...folder.env("late.db"), ...KEYS }, lines);
  assert.match(stdout, /^created 1, .* and 1 expired$/m);
  assert.deepEqual(
    rowsIn("late.db").map(({ id }) => id),
    ["b"],
  );
});

test("an export goes through a pipe, and what is said of it to standard error", async () => {
  const { status, stdout, stderr } = await admin(["state", "export", "-", "--json"], { ...folder.env(source), ...KEYS });
  assert.equal(status, 0);
  assert.deepEqual(JSON.parse(stderr), { ok: true, file: "standard output", records: RECORDS + 2 });
  const imported = await admin(["state", "import", "-"], { ...folder.env("piped.db"), ...KEYS }, stdout);
  assert.match(imported.stdout, new RegExp(`^created ${RECORDS + 2},`));
});

test("a file that was cut short or altered anywhere is refused before anything is imported", async () => {
  const lines = readFileSync(exported, "utf8").split("\n").slice(0, -1);
  const middle = lines.length >> 1;
  const without = (index: number) => lines.toSpliced(index, 1);
  for (const [name, text, reason] of [
    ["empty", "", /is empty/],
    ["another file", "# Notes\n", /line 1 is cut short or damaged/],
    ["other JSON", '{"a":1}\n', /not an export/],
    ["a newer release's", `${lines[0]?.replace('"version":1', '"version":2,"more":1')}\n`, /version 2 .* reads version 1/],
    ["without its end", joined(lines.slice(0, -1)), /cut short: its last line is missing/],
    ["cut within a line", joined(lines).slice(0, -5_000), /line \d+ is cut short/],
    ["without a record", joined(without(middle)), /was altered/],
    [
      "with two records changed about",
      joined(lines.with(middle, lines[middle + 1] ?? "").with(middle + 1, lines[middle] ?? "")),
      /altered/,
    ],
    ["with one character changed", joined(lines.with(middle, lines[middle]?.replace('"owner":"o', '"owner":"x') ?? "")), /altered/],
    ["with a member more", joined(lines.with(1, lines[1]?.replace("{", '{"more":1,') ?? "")), /line 2 is not a record/],
    ["twice", joined(lines) + joined(lines), new RegExp(`line ${lines.length + 1} comes after the end`)],
  ] as const) {
    writeFileSync(folder.path("damaged.jsonl"), text);
    const { status, stderr } = await admin(["state", "import", folder.path("damaged.jsonl")], { ...folder.env("untouched.db"), ...KEYS });
    assert.equal(status, 1, name);
    assert.match(stderr, reason);
    assert.match(stderr, /Nothing was imported$/m);
  }
  assert.equal(existsSync(folder.path("untouched.db")), false);
});

test("a pipe that was cut short is said afterwards, with what to do", async () => {
  const text = readFileSync(exported, "utf8");
  const { status, stderr } = await admin(["state", "import", "-"], { ...folder.env("cut.db"), ...KEYS }, text.slice(0, text.length / 2));
  assert.equal(status, 1);
  assert.match(stderr, /cut short.*import a whole export/);
});

test("records that are there with other contents are kept and told by kind, and replaced only when asked", async () => {
  const env = { ...folder.env("other.db"), ...KEYS };
  const theirs = [
    row({ id: "1", owner: "o1", version: "theirs", value: '"theirs"' }),
    row({ kind: "counter", id: "n", version: "theirs", value: "7" }),
  ];
  await put("other.db", theirs);
  const kept = await admin(["state", "import", exported], env);
  assert.equal(kept.status, 0);
  assert.match(kept.stdout, new RegExp(`^created ${RECORDS}, replaced 0, kept different 2, skipped 0 the same`));
  assert.match(kept.stderr, /^warning: .*without --overwrite: (note \(1\), counter \(1\)|counter \(1\), note \(1\))$/m);
  assert.deepEqual(rowsIn("other.db").filter(({ version }) => version === "theirs").length, 2);

  const replaced = await admin(["state", "import", exported, "--overwrite"], env);
  assert.match(replaced.stdout, new RegExp(`^created 0, replaced 2, kept different 0, skipped ${RECORDS} the same`));
  assert.deepEqual(
    rowsIn("other.db"),
    rowsIn(source).filter(({ id }) => id !== "old"),
  );
});

test("a state key that the importing side does not have is a warning with the number of records it sealed", async () => {
  const box = createSealer([{ kid: "one", k: key(1) }]).seal("test", "secret");
  await put("sealed.db", [row({ id: "a", value: JSON.stringify({ sealed: box }) }), row({ id: "b" })]);
  const { stdout: text } = await admin(["state", "export", "-"], { ...folder.env("sealed.db"), ...KEYS });
  assert.doesNotMatch(text, new RegExp(key(1)));
  for (const [name, keys, warns] of [
    ["the same", KEYS, false],
    ["the same behind a new one", { STATE_KEYS_JSON: JSON.stringify({ keys: [oct("two", 2), oct("one", 1)] }) }, false],
    ["another", keySet("two", 2), true],
    ["another of the same name", keySet("one", 3), true],
  ] as const) {
    const { status, stderr } = await admin(["state", "import", "-"], { ...folder.env(`${name}.db`), ...keys }, text);
    assert.equal(status, 0);
    if (warns) assert.match(stderr, /^warning: .*\(one\); 1 imported records cannot be used before STATE_KEYS_JSON/m, name);
    else assert.equal(stderr, "", name);
  }
});

function row(over: Partial<DumpedRow>): DumpedRow {
  return { kind: "note", owner: "", id: "x", version: `v-${over.id}`, expiresAt: null, value: '{"text":"x"}', ...over };
}

/** An export as it would be, of records that need not be live. */
function exportOf(rows: readonly DumpedRow[]): string {
  const head = readFileSync(exported, "utf8").split("\n")[0] ?? "";
  const text = joined([head, ...rows.map((each) => JSON.stringify(each))]);
  return text + joined([JSON.stringify({ records: rows.length, sha256: createHash("sha256").update(text).digest("hex") })]);
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

async function put(name: string, rows: readonly DumpedRow[]): Promise<void> {
  const driver = await openSqlite(folder.path(name));
  for (const { kind, ...each } of rows) await driver.create(kind, each, 0);
  await driver.close();
}

function rowsIn(name: string) {
  return query(name, "SELECT * FROM records ORDER BY kind, owner, id");
}

/** 0 as long as there is no file, or no table in it. */
function countIn(name: string): number {
  try {
    return Number(query(name, "SELECT count(*) AS count FROM records")[0]?.["count"]);
  } catch {
    return 0;
  }
}

function query(name: string, text: string) {
  const database = new DatabaseSync(folder.path(name), { readOnly: true });
  try {
    return database.prepare(text).all();
  } finally {
    database.close();
  }
}

function key(byte: number): string {
  return Buffer.alloc(32, byte).toString("base64url");
}

function oct(kid: string, byte: number) {
  return { kty: "oct", kid, k: key(byte) };
}

function keySet(kid: string, byte: number) {
  return { STATE_KEYS_JSON: JSON.stringify({ keys: [oct(kid, byte)] }) };
}
