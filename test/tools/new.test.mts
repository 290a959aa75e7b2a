import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { withOwn } from "../../tools/new/own-list.mts";
import { PROJECT } from "../support/host.mts";

/** A copy of what the command and a capability's test need, to write into. */
const copy = mkdtempSync(join(tmpdir(), "portico-new-"));
after(() => rmSync(copy, { recursive: true }));
for (const path of ["package.json", "tsconfig.json", "tsconfig.check.json", "biome.json", "shared", "docs", "tools/new.mts", "tools/new"]) {
  cpSync(join(PROJECT, path), join(copy, path), { recursive: true });
}
for (const path of ["test/shared/capabilities/calls.mts", "test/support/clock.mts"]) {
  mkdirSync(dirname(join(copy, path)), { recursive: true });
  cpSync(join(PROJECT, path), join(copy, path));
}
symlinkSync(join(PROJECT, "node_modules"), join(copy, "node_modules"));

function node(...parameters: readonly string[]) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(process.execPath, parameters, { cwd: copy, env, encoding: "utf8" });
}

function create(...parameters: readonly string[]) {
  return node("tools/new.mts", ...parameters);
}

test("a new capability and its test run, compile and are formatted at once, and the next one too", () => {
  for (const [name, effect] of [
    ["send_invoice", "write"],
    ["delete", "destructive"],
    ["list_everything_that_was_ever_written_about_a_customer_anywhere", "read"],
  ] as const) {
    const { status, stdout, stderr } = create("capability", name, "--effect", effect);
    assert.equal(status, 0, stderr);
    const file = name.replaceAll("_", "-");
    assert.ok(stdout.includes(`shared/capabilities/own/${file}.ts`), stdout);
    const tested = node("--test", `test/shared/capabilities/own/${file}.test.mts`);
    assert.equal(tested.status, 0, tested.stdout);
    assert.match(tested.stdout, /pass 3/);
  }
  const files = ["shared/capabilities/own", "test/shared/capabilities/own"];
  const style = node("node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "--vcs-enabled=false", ...files);
  assert.equal(style.status, 0, style.stdout + style.stderr);
  const { extends: _, ...check } = JSON.parse(readFileSync(join(copy, "tsconfig.check.json"), "utf8"));
  writeFileSync(
    join(copy, "tsconfig.own.json"),
    JSON.stringify({ ...check, extends: "./tsconfig.json", include: files.map((folder) => `${folder}/**/*`) }),
  );
  const types = node("node_modules/typescript/bin/tsc", "--noEmit", "-p", "tsconfig.own.json");
  assert.equal(types.status, 0, types.stdout);
});

for (const [what, parameters, words] of [
  ["a name with capitals", ["capability", "SendInvoice"], /"SendInvoice" is no name/],
  ["a capability that is there", ["capability", "create_todo"], /"create_todo" is taken already/],
  ["a path of another", ["capability", "profile"], /"profile" is taken already/],
  ["the name of the service's own operation", ["capability", "get_task"], /"get_task" is taken already/],
  ["a file that is there", ["capability", "own"], /own\.ts is there already/],
  ["an effect that is none", ["capability", "send_letter", "--effect", "maybe"], /"maybe" is no effect; use read, write, destructive/],
  ["no name", ["capability"], /say what to write and its name[\s\S]*npm run new/],
  ["something else", ["scope", "x"], /say what to write/],
  ["an unknown option", ["capability", "send_letter", "--scope", "x"], /Unknown option '--scope'/],
] as const) {
  test(`${what} is refused in words, and nothing is written`, () => {
    const list = readFileSync(join(copy, "shared/capabilities/own/own.ts"), "utf8");
    const { status, stderr } = create(...parameters);
    assert.equal(status, 1);
    assert.match(stderr, words);
    assert.doesNotMatch(stderr, /\n {4}at /);
    assert.equal(readFileSync(join(copy, "shared/capabilities/own/own.ts"), "utf8"), list);
    assert.equal(existsSync(join(copy, "shared/capabilities/own/send-letter.ts")), false);
  });
}

test("help says how it is used", () => {
  const { status, stdout } = create("--help");
  assert.equal(status, 0);
  assert.match(stdout, /^npm run new -- capability NAME/);
});

test("a list that someone changed by hand is left alone", () => {
  assert.throws(() => withOwn("export const mine = [];\n", "sendInvoice", "send-invoice"), /has no list/);
  const source = 'export const own: NonNullable<Pack["capabilities"]> = [sendInvoice];\n';
  assert.throws(() => withOwn(source, "sendInvoice", "send--invoice"), /has sendInvoice already/);
});
