import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { createKnowledge, type Knowledge, type KnowledgeOptions } from "../../../../shared/capabilities/knowledge/knowledge.ts";
import { createClock, MINUTE, type TestClock } from "../../../support/clock.mts";
import { eventually } from "../../../support/mcp-clients.mts";
import { createLines } from "../calls.mts";
import { failsSaying } from "../packs.mts";
import { folderOf, type TestFolder } from "./folder-of.mts";

const { log, lines } = createLines();
const NEVER = 1_000 * MINUTE;

let folder: TestFolder;
let clock: TestClock;
let opened: Knowledge[];
beforeEach(() => {
  folder = folderOf({ "one.md": "# One\n\napple", "deep/two.md": "# Two\n\npear" });
  clock = createClock();
  opened = [];
  lines.length = 0;
});
afterEach(() => {
  for (const each of opened) each.close();
  folder.close();
});

function open(options: Partial<KnowledgeOptions> = {}) {
  const knowledge = createKnowledge({ folder: folder.path, rescan: NEVER, clock, ...options });
  opened.push(knowledge);
  const find = async (query: string) => (await knowledge.search(query, 10, log)).map(({ path }) => path);
  return { knowledge, find };
}

/** Reports nothing, as network file systems do. */
const unwatched = { watchFolder: () => () => {} };

/** How many files were read at each look. */
function reads(): readonly unknown[] {
  return lines.flatMap(({ fields }) => ("read" in fields ? [fields["read"]] : []));
}

test("a file that is added, changed or deleted is found as it is now, as soon as the system reports it", async () => {
  const { find } = open();
  assert.deepEqual(await find("apple"), ["one.md"]);
  folder.write("deep/three.md", "# Three\n\nplum");
  await eventually("new file", async () => (await find("plum")).length === 1);
  folder.write("one.md", "# One\n\ncherry");
  await eventually("changed file", async () => (await find("cherry")).length === 1);
  assert.deepEqual(await find("apple"), []);
  folder.remove("deep");
  await eventually("deleted folder", async () => (await find("pear")).length === 0);
  folder.write("new/four.md", "# Four\n\nquince");
  await eventually("new folder", async () => (await find("quince")).length === 1);
  folder.write("new/five.md", "# Five\n\nfig");
  await eventually("file in the new folder", async () => (await find("fig")).length === 1);
});

test("where the system reports nothing, the folder is looked at again when the time has come, and not before", async () => {
  const { find } = open({ ...unwatched, rescan: MINUTE });
  assert.deepEqual(await find("apple"), ["one.md"]);
  folder.write("three.md", "# Three\n\nplum");
  assert.deepEqual(await find("plum"), []);
  clock.advance(MINUTE);
  assert.deepEqual(await find("plum"), ["three.md"]);
});

test("only files that changed are read again", async () => {
  const { find } = open({ ...unwatched, rescan: 0 });
  await find("apple");
  await find("apple");
  folder.write("one.md", "# One\n\ncherry");
  await find("cherry");
  assert.deepEqual(reads(), [2, 1]);
});

test("searches that start together look at the folder once", async () => {
  const { find } = open(unwatched);
  const found = await Promise.all(Array.from({ length: 5 }, () => find("apple")));
  assert.deepEqual(found, Array(5).fill(["one.md"]));
  assert.deepEqual(reads(), [2]);
});

test("a folder that cannot be read is unavailable until it can", async () => {
  folder.close();
  const { find } = open();
  await assert.rejects(find("apple"), failsSaying("unavailable", /cannot be read/));
  folder.write("one.md", "# One\n\napple");
  assert.deepEqual(await find("apple"), ["one.md"]);
});

test("every folder is watched once, and none any more after the end", async () => {
  const watched: string[] = [];
  const { knowledge, find } = open({
    rescan: 0,
    watchFolder(path) {
      watched.push(path);
      return () => void watched.splice(watched.indexOf(path), 1);
    },
  });
  await find("apple");
  await find("apple");
  assert.deepEqual(watched, [folder.path, `${folder.path}/deep`]);
  folder.remove("deep");
  await find("apple");
  assert.deepEqual(watched, [folder.path]);
  knowledge.close();
  assert.deepEqual(watched, []);
  await find("apple");
  assert.deepEqual(watched, []);
});

test("a document is read as it is at that moment", async () => {
  const { knowledge } = open();
  assert.equal((await knowledge.read("one.md", 1))?.text, "# One\n\napple");
  folder.write("one.md", "# One\n\ncherry");
  assert.equal((await knowledge.read("one.md", 1))?.text, "# One\n\ncherry");
  assert.equal(await knowledge.read("one.md", 2), undefined);
  assert.equal(await knowledge.read("none.md", 1), undefined);
});
