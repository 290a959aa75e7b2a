import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { loadConfig } from "../../shared/config.ts";
import { createLog } from "../../shared/log.ts";
import { openState } from "../../shared/state/open.ts";
import { SIGNING_KEYS, signingKeysKind } from "../../shared/state/records.ts";
import { createSealer } from "../../shared/state/seal.ts";
import type { Store } from "../../shared/state/store.ts";
import { newKind, note } from "../support/state-bench.mts";
import { admin, makeStateFolder } from "./admin-command.mts";

const folder = makeStateFolder();
after(folder.remove);

test("what is not understood is answered with the usage on standard error and exit code 2", async () => {
  for (const [parameters, reason, usage] of [
    [[], "say what to do", /^ {2}state /m],
    [["nothing"], 'there is no "nothing"', /^ {2}state /m],
    [["constructor"], 'there is no "constructor"', /^ {2}state /m],
    [["state"], "say what to do", /^ {2}backup FILE /m],
    [["state", "nothing"], 'there is no "state nothing"', /^ {2}backup FILE /m],
    [["state", "check", "now"], "give nothing after check", /--json/],
    [["state", "import"], "give FILE after import", /--overwrite/],
    [["state", "import", "a", "b"], "give FILE after import", /--overwrite/],
    [["state", "check", "--overwrite"], "Unknown option '--overwrite'", /--json/],
  ] as const) {
    const { status, stdout, stderr } = await admin(parameters, folder.env("never.db"));
    assert.deepEqual([status, stdout], [2, ""], parameters.join(" "));
    assert.ok(stderr.startsWith(reason), stderr);
    assert.match(stderr, usage);
  }
  assert.equal(existsSync(folder.path("never.db")), false);
});

test("--help of everything is on standard output with exit code 0, whatever the configuration", async () => {
  for (const parameters of [["--help"], ["state", "--help"], ["state", "import", "--help"]]) {
    const { status, stdout, stderr } = await admin(parameters, { PORT: "nowhere" });
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /^npm run admin -- /);
  }
});

test("faults of the configuration are the service's own, without a stack", async () => {
  const { status, stdout, stderr } = await admin(["state", "check"], { STATE_URL: "nowhere", PORT: "nowhere" });
  assert.deepEqual([status, stdout], [1, ""]);
  for (const name of ["PORT", "STATE_URL"]) assert.match(stderr, new RegExp(`^  ${name}: `, "m"));
  assert.doesNotMatch(stderr, /^ +at /m);
});

test("state in memory is refused: only the service's own process has it", async () => {
  for (const command of [["check"], ["sweep"], ["export", "-"], ["backup", folder.path("memory.db")]]) {
    const { status, stderr } = await admin(["state", ...command], { STATE_URL: "sqlite::memory:" });
    assert.equal(status, 1);
    assert.match(stderr, /^STATE_URL is sqlite::memory:/);
  }
});

test("a mistyped STATE_URL makes no empty state: only check and import make a file, and check says so", async () => {
  for (const command of [["sweep"], ["export", folder.path("none.jsonl")], ["backup", folder.path("none-backup.db")]]) {
    const { status, stderr } = await admin(["state", ...command], folder.env("none.db"));
    assert.equal(status, 1);
    assert.match(stderr, /^STATE_URL: there is no state in .*none\.db$/m);
  }
  for (const name of ["none.db", "none.jsonl", "none-backup.db"]) assert.equal(existsSync(folder.path(name)), false, name);
  const { status, stderr } = await admin(["state", "check"], folder.env("none.db"));
  assert.equal(status, 0);
  assert.match(stderr, /^warning: .*none\.db was not there and has been made$/m);
});

test("check tries every operation, leaves nothing behind and is 0", async () => {
  await withStore("good.db", (store) => store.create(newKind(), { id: "a" }, note("one"), null));
  const { status, stdout, stderr } = await admin(["state", "check"], folder.env("good.db"));
  assert.deepEqual([status, stderr], [0, ""]);
  const names = ["read", "write", "change", "list", "count", "delete", "export", "sweep", "state keys"];
  assert.equal(stdout, names.map((name) => `ok    ${name}\n`).join(""));
  const { stdout: json } = await admin(["state", "check", "--json"], folder.env("good.db"));
  assert.deepEqual(JSON.parse(json), { ok: true, checks: names.map((name) => ({ name, ok: true })) });
  const { stdout: exported } = await admin(["state", "export", "-"], folder.env("good.db"));
  assert.equal(exported.split("\n").length, 4);
});

test("check names the operations that the database refuses, and only them", async () => {
  await withStore("refusing.db", async () => {});
  const database = new DatabaseSync(folder.path("refusing.db"));
  database.exec("CREATE TRIGGER no_deletes BEFORE DELETE ON records BEGIN SELECT RAISE(ABORT, 'may not delete'); END");
  database.close();
  const { status, stdout } = await admin(["state", "check", "--json"], folder.env("refusing.db"));
  assert.equal(status, 1);
  const { ok, checks } = JSON.parse(stdout);
  assert.equal(ok, false);
  assert.deepEqual(
    checks.filter((check: { ok: boolean }) => !check.ok).map(({ name, fault }: { name: string; fault: string }) => [name, fault]),
    [
      ["count", "may not delete"],
      ["delete", "may not delete"],
    ],
  );
});

test("check says what is wrong with a file that is no state", async () => {
  writeFileSync(folder.path("text.db"), "this is not a database, but it is long enough to have the header of one, is it not?".repeat(20));
  const { status, stdout, stderr } = await admin(["state", "check"], folder.env("text.db"));
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /STATE_URL: .*text\.db: .*not a database/);
  const json = await admin(["state", "check", "--json"], folder.env("text.db"));
  assert.equal(json.status, 1);
  assert.match(JSON.parse(json.stdout).error, /not a database/);
});

test("check finds signing keys that were sealed with a state key which is not configured", async () => {
  const sealed = createSealer([{ kid: "lost", k: Buffer.alloc(32, 7).toString("base64url") }]).seal("test", "a key");
  const key = { kid: "k", alg: "RS256", publicJwk: {}, sealed, publishedAt: 1, signFrom: 1 };
  await withStore("lost.db", (store) => store.create(signingKeysKind, SIGNING_KEYS, { keys: [key] }, null));
  const { status, stdout } = await admin(["state", "check"], folder.env("lost.db"));
  assert.equal(status, 1);
  assert.match(stdout, /^FAIL {2}state keys: .*sealed with the state key lost, .*STATE_KEYS_JSON/m);
});

test("create-table is for DynamoDB alone", async () => {
  const { status, stderr } = await admin(["state", "create-table"], folder.env("good.db"));
  assert.equal(status, 1);
  assert.match(stderr, /^STATE_URL does not name a DynamoDB table/);
});

test("sweep deletes all that expired, in as many steps as it takes, and says how many", async () => {
  const kind = newKind();
  await withStore("sweep.db", async (store) => {
    for (let index = 0; index < 25; index++) await store.create(kind, { id: `old${index}` }, note(index), 1);
    await store.create(kind, { id: "live" }, note("live"), null);
  });
  const env = { ...folder.env("sweep.db"), SWEEP_BATCH: "10" };
  assert.equal((await admin(["state", "sweep"], env)).stdout, "swept 25 expired records\n");
  assert.deepEqual(JSON.parse((await admin(["state", "sweep", "--json"], env)).stdout), { ok: true, swept: 0 });
  await withStore("sweep.db", async (store) => assert.ok(await store.get(kind, { id: "live" })));
});

async function withStore(name: string, work: (store: Store) => Promise<unknown>): Promise<void> {
  const { store } = await openState(loadConfig(folder.env(name)), { clock: Date.now, log: createLog("silent") });
  try {
    await work(store);
  } finally {
    await store.close();
  }
}
