import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { importFaults } from "../tools/import-rule.mts";

test("arrows between rooms go one way", () => {
  assert.deepEqual(importFaults(fileURLToPath(new URL("..", import.meta.url))), []);
});

test("an arrow that goes the wrong way is found, however it is written", (context) => {
  const root = mkdtempSync(join(tmpdir(), "portico-rooms-"));
  context.after(() => rmSync(root, { recursive: true }));
  for (const room of ["auth", "mcp", "actions", "shared"]) mkdirSync(join(root, room));
  writeFileSync(join(root, "auth/a.ts"), 'import { x } from "../mcp/b.ts";\nimport type { y } from "../shared/c.ts";\n');
  writeFileSync(join(root, "mcp/b.ts"), 'export { x } from "../actions/d.ts";\n');
  writeFileSync(join(root, "shared/c.ts"), 'import "../auth/a.ts";\n');
  writeFileSync(join(root, "actions/d.ts"), 'const t = await import("../tools/e.mts");\n');
  assert.deepEqual(
    importFaults(root).map((fault) => fault.split(":")[0]),
    ["auth/a.ts imports mcp/b.ts", "mcp/b.ts imports actions/d.ts", "actions/d.ts imports tools/e.mts", "shared/c.ts imports auth/a.ts"],
  );
});
