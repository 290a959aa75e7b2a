import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { isDocumentPath, listFiles, readDocument } from "../../../../shared/capabilities/knowledge/folder.ts";
import { folderOf } from "./folder-of.mts";

const outside = folderOf({ "secret.md": "# Secret", "inner/secret.md": "# Secret" });
const folder = folderOf({
  "a.md": "\uFEFF# A",
  "b/c d.markdown": "# C",
  "b/ü.md": "# Ü",
  "b/deep/d.MD": "# D",
  "note.txt": "no",
  "x.md/inner.md": "# In a folder that is named as a file",
  ".hidden.md": "no",
  ".git/config.md": "no",
  "node_modules/x/readme.md": "no",
  "huge.md": "x".repeat(2 * 1024 * 1024 + 1),
});
symlinkSync(join(outside.path, "secret.md"), join(folder.path, "link.md"));
symlinkSync(join(outside.path, "inner"), join(folder.path, "linked"));
symlinkSync(join(folder.path, "a.md"), join(folder.path, "own-link.md"));
symlinkSync(folder.path, join(folder.path, "loop"));
after(() => {
  folder.close();
  outside.close();
});

test("the Markdown of a folder and the folders in it is listed, and neither links, hidden names nor what is too large", async () => {
  const { files, leftOut } = await listFiles(folder.path);
  assert.deepEqual(
    files.map(({ path }) => path),
    ["a.md", "b/c d.markdown", "b/deep/d.MD", "b/ü.md", "x.md/inner.md"],
  );
  assert.equal(leftOut, 1);
});

test("what is listed can be read", async () => {
  for (const { path } of (await listFiles(folder.path)).files)
    assert.match((await readDocument(folder.path, path))?.text ?? "", /^# /, path);
});

for (const path of [
  "link.md",
  "linked/secret.md",
  "own-link.md",
  "loop/a.md",
  "../secret.md",
  "b/../a.md",
  "./a.md",
  "/a.md",
  "b//ü.md",
  "b\\ü.md",
  "..\\secret.md",
  "a.md\0.md",
  "a.md/x.md",
  ".hidden.md",
  ".git/config.md",
  "node_modules/x/readme.md",
  "huge.md",
  "x.md",
  "b",
  "b/",
  "",
  "note.txt",
  "nothing.md",
  "%2e%2e/secret.md",
  `${outside.path}/secret.md`,
  `${"x/".repeat(300)}a.md`,
  `${"x".repeat(400)}.md`,
]) {
  test(`${JSON.stringify(path.slice(0, 40))} is no document`, async () => {
    assert.equal(await readDocument(folder.path, path), undefined);
  });
}

test("a folder that is reached by a link is read all the same", async () => {
  const link = folderOf();
  symlinkSync(folder.path, join(link.path, "docs"));
  assert.match((await readDocument(join(link.path, "docs"), "a.md"))?.text ?? "", /^# A/);
  link.close();
});

test("no path leads up, out or to hidden names", () => {
  const name = fc.oneof(fc.constantFrom("..", ".", "", "a", ".a", "a.md", "\0", "\\", "node_modules"), fc.string({ maxLength: 5 }));
  fc.assert(
    fc.property(fc.array(name, { maxLength: 5 }), (names) => {
      const path = names.join("/");
      if (!isDocumentPath(path)) return;
      for (const part of path.split("/")) assert.doesNotMatch(part, /^$|^\.|[\\\0]/);
    }),
  );
});

/** Of POSIX: Node itself makes no pipes in a folder. */
const MAKE_PIPE = "mkfifo";

test("a pipe that is named as a document is none, and nobody waits for it", { skip: process.platform === "win32" }, async () => {
  execFileSync(MAKE_PIPE, [join(folder.path, "pipe.md")]);
  assert.equal(await readDocument(folder.path, "pipe.md"), undefined);
  assert.ok((await listFiles(folder.path)).files.every(({ path }) => path !== "pipe.md"));
});
