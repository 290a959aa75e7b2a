import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const TOOL = fileURLToPath(new URL("../../tools/openapi.mts", import.meta.url));
const BASE_URL = "https://portico.example.com";
const folder = mkdtempSync(join(tmpdir(), "portico-openapi-"));
after(() => rmSync(folder, { recursive: true }));

function run(parameters: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [TOOL, ...parameters], { env, encoding: "utf8" });
  return { status, stdout, stderr };
}

test("without a file the document goes to standard output", () => {
  const { status, stdout } = run(["--base-url", BASE_URL], { CAPABILITIES: "todos" });
  assert.equal(status, 0);
  const document = JSON.parse(stdout);
  assert.deepEqual(document.servers, [{ url: BASE_URL }]);
  assert.equal(Object.keys(document.paths).length, 6);
});

test("a file is written, checked, and found out of date when it differs", () => {
  const out = join(folder, "openapi.json");
  const check = ["--base-url", BASE_URL, "--out", out, "--check"];
  assert.match(run(check).stderr, /is not up to date/);
  assert.deepEqual(run(["--base-url", BASE_URL, "--out", out]), { status: 0, stdout: "", stderr: "" });
  assert.deepEqual(run(check), { status: 0, stdout: "", stderr: "" });
  const changed = readFileSync(out, "utf8").replace("Use this", "Use that");
  writeFileSync(out, changed);
  assert.equal(run(check).status, 1);
  assert.equal(readFileSync(out, "utf8"), changed);
});

test("what ChatGPT would refuse is said with its place", () => {
  const { status, stderr } = run(["--check"], { PORT: "4100" });
  assert.equal(status, 1);
  assert.equal(stderr, "$.servers[0].url: must be an absolute https URL\n");
});

test("a base URL with a path, an unknown pack and an unknown option are said without a stack", () => {
  for (const [parameters, env, words] of [
    [["--base-url", "https://a.example/api"], {}, /PUBLIC_URL: must be an origin/],
    [["--base-url", BASE_URL], { CAPABILITIES: "nothing" }, /CAPABILITIES: 0: Invalid option: expected one of "core"\|"todos"/],
    [["--nothing"], {}, /Unknown option '--nothing'[\s\S]*npm run openapi/],
  ] as const) {
    const { status, stderr } = run(parameters, env);
    assert.equal(status, 1);
    assert.match(stderr, words);
    assert.doesNotMatch(stderr, /\n {4}at /);
  }
});
