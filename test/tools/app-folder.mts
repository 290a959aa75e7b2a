import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A small Encore app of its own in a temporary folder. */
export interface AppFolder {
  readonly root: string;
  remove(): void;
}

const APP: Readonly<Record<string, string>> = {
  "encore.app": '{ "id": "", "lang": "typescript" }',
  "tsconfig.json": "{}",
  "package.json": '{ "type": "module" }',
};

/** @param files Text by path; they may replace the app's own. */
export function writeApp(files: Readonly<Record<string, string>>): AppFolder {
  const root = mkdtempSync(join(tmpdir(), "portico-app-"));
  for (const [file, text] of Object.entries({ ...APP, ...files })) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return { root, remove: () => rmSync(root, { recursive: true }) };
}

export function serviceFile(name: string): string {
  return `import { Service } from "encore.dev/service";\n\nexport default new Service("${name}");\n`;
}
