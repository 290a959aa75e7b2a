import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, describe, test } from "node:test";
import { type Config, ConfigError, loadConfig } from "../../../shared/config.ts";
import { createLog } from "../../../shared/log.ts";
import { openState, type State } from "../../../shared/state/open.ts";
import { createSealer } from "../../../shared/state/seal.ts";
import { newKind, note } from "../../support/state-bench.mts";

const folder = mkdtempSync(join(tmpdir(), "portico-open-"));
after(() => rmSync(folder, { recursive: true }));

const KEY = { kty: "oct", kid: "configured", k: Buffer.alloc(32, 7).toString("base64url") } as const;

describe("the state that STATE_URL names", () => {
  test("is a file below the working directory when its path is relative", async () => {
    const file = join(folder, "relative", "portico.db");
    const { store } = await open({ STATE_URL: `sqlite:${relative(process.cwd(), file)}` });
    await store.close();
    assert.ok(statSync(file).isFile());
  });

  test("keeps nothing when it is sqlite::memory:, and has keys of its own each time", async () => {
    const before = readdirSync(process.cwd());
    const [one, two] = await Promise.all([open({ STATE_URL: "sqlite::memory:" }), open({ STATE_URL: "sqlite::memory:" })]);
    const kind = newKind();
    assert.equal(await one.store.create(kind, { id: "a" }, note("one"), null), true);
    assert.deepEqual((await one.store.get(kind, { id: "a" }))?.value, note("one"));
    assert.equal(await two.store.get(kind, { id: "a" }), undefined);
    assert.notDeepEqual(one.keys, two.keys);
    await Promise.all([one.store.close(), two.store.close()]);
    assert.deepEqual(readdirSync(process.cwd()), before);
  });

  test("that cannot be used is a fault of the configuration, named", async () => {
    mkdirSync(join(folder, "directory.db"));
    await assert.rejects(open({ STATE_URL: `sqlite:${join(folder, "directory.db")}` }), isFault(/^STATE_URL: .*directory\.db/));
  });
});

describe("the state keys", () => {
  test("are the configured ones where there are any, and none are made", async () => {
    const file = join(folder, "configured.db");
    const { store, keys } = await open({ STATE_URL: `sqlite:${file}`, STATE_KEYS_JSON: JSON.stringify({ keys: [KEY] }) });
    await store.close();
    assert.deepEqual(keys, [KEY]);
    assert.equal(statSync(`${file}.keys.json`, { throwIfNoEntry: false }), undefined);
  });

  test("are otherwise made once and kept beside the state file for its owner alone", async () => {
    const file = join(folder, "kept.db");
    const first = await open({ STATE_URL: `sqlite:${file}` });
    const box = createSealer(first.keys).seal("test", "text");
    await first.store.close();
    const second = await open({ STATE_URL: `sqlite:${file}` });
    await second.store.close();
    assert.equal(createSealer(second.keys).open("test", box), "text");
    assert.equal(statSync(`${file}.keys.json`).mode & 0o777, 0o600);
    const left = readdirSync(folder).filter((name) => name.startsWith("kept.db"));
    assert.deepEqual(left.sort(), ["kept.db", "kept.db.keys.json"]);
  });

  test("in the kept file are accepted by STATE_KEYS_FILE", async () => {
    const file = join(folder, "moved.db");
    const { store, keys } = await open({ STATE_URL: `sqlite:${file}` });
    await store.close();
    assert.deepEqual(loadConfig({ STATE_KEYS_FILE: `${file}.keys.json` }).stateKeys, keys);
  });

  test("are never made anew over a file that cannot be understood", async () => {
    const file = join(folder, "broken.db");
    writeFileSync(`${file}.keys.json`, '{"keys":[]}');
    await assert.rejects(open({ STATE_URL: `sqlite:${file}` }), isFault(/^STATE_KEYS_JSON: .*broken\.db\.keys\.json/));
    assert.equal(readFileSync(`${file}.keys.json`, "utf8"), '{"keys":[]}');
  });
});

function open(env: Readonly<Record<string, string>>): Promise<State> {
  const config: Config = loadConfig(env);
  return openState(config, { clock: Date.now, log: createLog("silent") });
}

function isFault(pattern: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.faults.length, 1);
    assert.match(error.faults[0] ?? "", pattern);
    return true;
  };
}
