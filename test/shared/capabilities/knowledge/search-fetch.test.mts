import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failsSaying, type OpenPacks, openPacks } from "../packs.mts";
import { folderOf } from "./folder-of.mts";

const LONG = Array.from({ length: 40 }, (_, at) => `## Chapter ${at}\n\n${`Line of chapter ${at}, "quoted".\n`.repeat(150)}`).join("");
const folder = folderOf({
  "handbook/leave & holidays.md": "---\ntitle: Leave and holidays\n---\nEveryone has 30 days of holiday.\n",
  "long.md": `# A long one\n\n${LONG}`,
  "strange?part=2.md": "# Strange name\n\nxylophone",
  ...Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`many/${at}.md`, `# Number ${at}\n\n${"pebble ".repeat(2_000)}`])),
});
let packs: OpenPacks;
before(async () => {
  packs = await openPacks({ KNOWLEDGE_DIR: folder.path, KNOWLEDGE_BASE_URL: "https://handbook.example/blob/main/" });
});
after(async () => {
  await packs.close();
  folder.close();
});

test("search and fetch are offered by default, as reads that take one text each", () => {
  for (const [name, member] of [
    ["search", "query"],
    ["fetch", "id"],
  ] as const) {
    const capability = packs.service.registry.catalog.findCapability(name);
    assert.equal(capability?.effect, "read");
    assert.deepEqual(capability?.access, ["knowledge:read"]);
    assert.deepEqual(Object.keys((capability?.inputSchema["properties"] ?? {}) as object), [member]);
    assert.deepEqual(capability?.inputSchema["required"], [member]);
  }
});

test("a result has an id that fetch takes, a title, an address that opens, and what was found", async () => {
  const { results } = await packs.call("search", { query: "days of holiday" });
  assert.deepEqual(results, [
    {
      id: "handbook/leave & holidays.md",
      title: "Leave and holidays",
      url: "https://handbook.example/blob/main/handbook/leave%20%26%20holidays.md",
      text: "Everyone has 30 days of holiday.",
    },
  ]);
  const { metadata, ...document } = await packs.call("fetch", { id: results[0]?.id });
  assert.deepEqual(document, {
    id: "handbook/leave & holidays.md",
    title: "Leave and holidays",
    text: "Everyone has 30 days of holiday.\n",
    url: results[0]?.url,
  });
  assert.deepEqual(Object.keys(metadata), ["modified"]);
});

test("nothing found is an empty list", async () => {
  for (const query of ["", "qwertzuiop", '" OR *']) assert.deepEqual(await packs.call("search", { query }), { results: [] }, query);
});

test("ten results at most, and short enough for every client", async () => {
  const found = await packs.call("search", { query: "pebble" });
  assert.equal(found.results.length, 10);
  assert.ok(JSON.stringify(found).length < 20_000);
});

test("a long document comes in parts that lead to each other", async () => {
  const texts: string[] = [];
  let id: string | undefined = "long.md";
  while (id !== undefined) {
    const part: { text: string; metadata: { part: string; next_id?: string } } = await packs.call("fetch", { id });
    assert.ok(JSON.stringify(part).length < 100_000);
    texts.push(part.text);
    assert.match(part.metadata.part, new RegExp(`^${texts.length} of `));
    id = part.metadata.next_id;
  }
  assert.ok(texts.length > 1);
  assert.equal(texts.join(""), `# A long one\n\n${LONG}`);
});

test("a result in a later part of a document leads to that part", async () => {
  const { results } = await packs.call("search", { query: '"chapter 39"' });
  const { text } = await packs.call("fetch", { id: results[0]?.id });
  assert.match(results[0]?.id, /^long\.md\?part=\d$/);
  assert.match(text, /^## Chapter 39$/m);
});

test("a file whose name looks like a part is a document of its own", async () => {
  const { results } = await packs.call("search", { query: "xylophone" });
  assert.equal((await packs.call("fetch", { id: results[0]?.id })).title, "Strange name");
});

for (const id of [
  "",
  "nothing.md",
  "../package.json",
  "/etc/passwd",
  "long.md?part=99",
  "long.md?part=0",
  "long.md?part=1e1",
  "long.md\0",
  "a\n.md",
  "\ud800.md",
]) {
  test(`${JSON.stringify(id)} is not the id of a document`, async () => {
    await assert.rejects(packs.call("fetch", { id }), failsSaying("not_found", /no document with this id/));
  });
}
