import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { createLog } from "../../../shared/log.ts";
import { openSqlite } from "../../../shared/state/sqlite.ts";
import { openStore, type Store } from "../../../shared/state/store.ts";

const folder = mkdtempSync(join(tmpdir(), "portico-processes-"));
after(() => rmSync(folder, { recursive: true }));

const WRITER = fileURLToPath(import.meta.resolve("../../support/state-writer.mts"));
const CONTENDER = fileURLToPath(import.meta.resolve("../../support/state-contender.mts"));

describe("a process that writes 1,000 records to SQLite", () => {
  test("and is killed with SIGKILL in the middle loses none that it acknowledged", async () => {
    const file = join(folder, "killed.db");
    const { stdout, signal } = await run(process.execPath, [WRITER, `sqlite:${file}`, "1000"], (child, lines) => {
      if (lines >= 300) child.kill("SIGKILL");
    });
    const acknowledged = acknowledgements(stdout);
    assert.equal(signal, "SIGKILL");
    assert.ok(acknowledged.length >= 300 && acknowledged.length < 1000, `${acknowledged.length} were acknowledged`);
    await assertWritten(file, acknowledged);
  });

  test("and finds no more room for them says Unavailable and loses none that it acknowledged", async () => {
    const file = join(folder, "full.db");
    const limited = 'ulimit -f 600 && exec "$0" "$@"';
    const { stdout, stderr, code } = await run("/bin/sh", ["-c", limited, process.execPath, WRITER, `sqlite:${file}`, "1000"]);
    const acknowledged = acknowledgements(stdout);
    assert.notEqual(code, 0);
    assert.match(stderr, /^Unavailable: the state file cannot be used/m);
    assert.ok(acknowledged.length > 0 && acknowledged.length < 1000, `${acknowledged.length} were acknowledged`);
    await assertWritten(file, acknowledged);
  });
});

describe("processes that start together on a state file that is not there", () => {
  test("agree on its keys, lose no increment, and create and take each record once", async () => {
    const [file, processes, rounds] = [join(folder, "new", "shared.db"), 4, 150];
    const results = await Promise.all(
      Array.from({ length: processes }, (_, index) => run(process.execPath, [CONTENDER, `sqlite:${file}`, `p${index}`, `${rounds}`])),
    );
    // Not even a warning of Node about its SQLite.
    for (const { stderr, code } of results) assert.deepEqual([stderr, code], ["", 0]);
    const told = results.map(({ stdout }) => contention.parse(JSON.parse(stdout)));

    for (const { keys } of told) assert.deepEqual(keys, told[0]?.keys);
    const totals = told.flatMap((each) => each.totals).sort((a, b) => a - b);
    assert.deepEqual(
      totals,
      Array.from({ length: processes * rounds }, (_, index) => index + 1),
    );

    const left = await withStore(file, async (store) => (await store.list({ name: "prize", codec: z.string() }, "")).entries);
    const gone = [...told.flatMap((each) => each.taken), ...left.map(({ value }) => value)];
    assert.deepEqual(gone.sort(), told.flatMap((each) => each.created).sort());
    for (const { created, taken } of told) assert.ok(created.length > 0 && taken.length > 0);
  });
});

const contention = z.strictObject({
  totals: z.array(z.number()),
  created: z.array(z.string()),
  taken: z.array(z.string()),
  keys: z.array(z.looseObject({ kid: z.string(), k: z.string() })).length(1),
});

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Runs a program to its end; `watch` is told how many whole lines it has printed so far. */
function run(program: string, args: readonly string[], watch?: (child: { kill(signal: NodeJS.Signals): boolean }, lines: number) => void) {
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const output = { stdout: "", stderr: "" };
    let lines = 0;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output.stdout += text;
      lines += text.split("\n").length - 1;
      watch?.(child, lines);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output.stderr += text;
    });
    child.on("error", reject).on("close", (code, signal) => resolve({ ...output, code, signal }));
  });
}

/** The ids on the whole lines that the writer printed. */
function acknowledgements(stdout: string): string[] {
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => line.trim());
}

async function assertWritten(file: string, ids: readonly string[]): Promise<void> {
  await withStore(file, async (store) => {
    for (const id of ids) assert.equal((await store.get({ name: "written", codec: z.string() }, { id }))?.value, `value ${id}`);
  });
}

async function withStore<T>(file: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = openStore(await openSqlite(file), { clock: Date.now, log: createLog("silent") });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
