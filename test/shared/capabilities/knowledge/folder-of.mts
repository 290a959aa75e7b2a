import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder of a test's own. */
export interface TestFolder {
  readonly path: string;
  /** Writes a file; folders on the way are made. */
  write(path: string, text: string): void;
  remove(path: string): void;
  close(): void;
}

export function folderOf(files: Readonly<Record<string, string>> = {}): TestFolder {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "portico-knowledge-")));
  const folder: TestFolder = {
    path: root,
    write(path, text) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
    remove: (path) => rmSync(join(root, path), { recursive: true }),
    close: () => rmSync(root, { recursive: true, force: true }),
  };
  for (const [path, text] of Object.entries(files)) folder.write(path, text);
  return folder;
}
