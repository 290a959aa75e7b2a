import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openSqlite } from "../../shared/state/sqlite.ts";
import { admin, makeStateFolder } from "./admin-command.mts";

const WRITER = fileURLToPath(import.meta.resolve("../support/state-writer.mts"));
const folder = makeStateFolder();
after(folder.remove);

test("a backup while others write is the state of one moment: whole, with all that was acknowledged before", async () => {
  const writer = startWriter("busy.db");
  await writer.acknowledged(300);
  const before = writer.count();
  const { status, stdout } = await admin(["state", "backup", folder.path("copy.db"), "--json"], folder.env("busy.db"));
  const during = writer.count() - before;
  assert.equal(status, 0);
  assert.ok(during > 0, "nothing was written meanwhile");
  await writer.kill();

  const ids = idsIn("copy.db");
  const { records, bytes } = JSON.parse(stdout);
  assert.deepEqual([records, bytes], [ids.length, statSync(folder.path("copy.db")).size]);
  assert.ok(ids.length >= before, `${ids.length} of ${before}`);
  // The writer makes them one after another, so that one moment has no gap.
  assert.deepEqual(
    ids.sort((a, b) => a - b),
    ids.map((_, index) => index),
  );
  assert.equal(statSync(folder.path("copy.db")).mode & 0o777, 0o600);
  assert.deepEqual(
    readdirSync(folder.path(".")).filter((name) => name.startsWith("copy.db")),
    ["copy.db"],
  );
  await (await openSqlite(folder.path("copy.db"))).close();
});

test("a backup of what a killed process left has all that it acknowledged", async () => {
  const writer = startWriter("killed.db");
  await writer.acknowledged(100);
  await writer.kill();
  const { status } = await admin(["state", "backup", folder.path("rescued.db")], folder.env("killed.db"));
  assert.equal(status, 0);
  assert.ok(idsIn("rescued.db").length >= writer.count());
});

test("a backup never overwrites a file", async () => {
  await (await openSqlite(folder.path("small.db"))).close();
  writeFileSync(folder.path("precious"), "text");
  const { status, stdout, stderr } = await admin(["state", "backup", folder.path("precious")], folder.env("small.db"));
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /precious is there already/);
  assert.equal(readFileSync(folder.path("precious"), "utf8"), "text");
});

test("a backup that cannot be made leaves no file behind", async () => {
  writeFileSync(folder.path("text.db"), "this is not a database, but it is long enough to have the header of one, is it not?".repeat(20));
  const { status, stderr } = await admin(["state", "backup", folder.path("text-copy.db")], folder.env("text.db"));
  assert.equal(status, 1);
  assert.match(stderr, /^\S+text\.db cannot be backed up: .*not a database\n$/);
  assert.equal(existsSync(folder.path("text-copy.db")), false);
  const nowhere = await admin(["state", "backup", folder.path("nowhere/copy.db")], folder.env("small.db"));
  assert.equal(nowhere.status, 1);
  assert.match(nowhere.stderr, /^ENOENT: .*nowhere/);
});

test("a backup says that keys kept beside the state file are not in it", async () => {
  const { stderr } = await admin(["state", "backup", folder.path("small-copy.db")], folder.env("small.db"));
  assert.match(stderr, /^warning: .*small\.db\.keys\.json/m);
  const keys = JSON.stringify({ keys: [{ kty: "oct", kid: "1", k: Buffer.alloc(32, 7).toString("base64url") }] });
  const configured = await admin(["state", "backup", folder.path("small-copy-2.db")], { ...folder.env("small.db"), STATE_KEYS_JSON: keys });
  assert.equal(configured.stderr, "");
});

function idsIn(name: string): number[] {
  const database = new DatabaseSync(folder.path(name));
  try {
    return database
      .prepare("SELECT id FROM records WHERE kind = 'written'")
      .all()
      .map(({ id }) => Number(id));
  } finally {
    database.close();
  }
}

/** Another process that writes to the state file without end. */
function startWriter(name: string) {
  const child: ChildProcess = spawn(process.execPath, [WRITER, folder.env(name).STATE_URL, "1000000"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let lines = 0;
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    lines += text.split("\n").length - 1;
  });
  return {
    /** Records of which the writer was told that they are on the disk. */
    count: () => lines,
    async acknowledged(count: number) {
      while (lines < count) await once(child.stdout ?? assert.fail("there is no output"), "data");
    },
    async kill() {
      child.kill("SIGKILL");
      await once(child, "close");
    },
  };
}
