import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { memberFaults } from "../../../shared/capabilities/definition-members.ts";
import { registryOf } from "../../../shared/capabilities/registry.ts";

/** As someone writes it whose editor reads no types. */
type Loose = Readonly<Record<string, unknown>>;

const good: Loose = {
  name: "echo",
  title: "Echo",
  description: "Use this when you test.",
  scopes: [],
  effect: "read",
  input: z.object({ text: z.string().describe("Any text.") }),
  output: z.object({ text: z.string() }),
  run: ({ text }: { readonly text: string }) => ({ text }),
};

function without(member: string): Loose {
  return Object.fromEntries(Object.entries(good).filter(([name]) => name !== member));
}

for (const [member, mend] of [
  ["title", /say in a few words/],
  ["description", /Use this when/],
  ["scopes", /"public", \[\] for every signed-in person/],
  ["effect", /"read", "write" or "destructive"/],
  ["input", /z\.object/],
  ["run", /a function/],
] as const) {
  test(`a definition without ${member} is a fault with its place and the mend`, () => {
    const [fault, ...others] = memberFaults(without(member), 1);
    assert.deepEqual(others, []);
    assert.match(fault ?? "", new RegExp(`^echo\\.${member}: is missing; `));
    assert.match(fault ?? "", mend);
  });
}

test("a definition without a name is found by its position", () => {
  assert.match(memberFaults(without("name"), 3)[0] ?? "", /^capability 3\.name: is missing/);
});

for (const [member, value] of [
  ["title", 3],
  ["effect", "delete"],
  ["scopes", "todos:read"],
  ["scopes", [1]],
  ["input", { text: "string" }],
  ["input", z.string()],
  ["output", "text"],
  ["run", "text"],
  ["prepare", {}],
  ["idempotent", "yes"],
  ["openWorld", 1],
  ["singleUseAnswers", 0],
  ["surfaces", ["rest"]],
  ["surfaces", "mcp"],
  ["path", 1],
  ["aliases", "old"],
  ["timeLimit", "10s"],
  ["longRunning", true],
  ["longRunning", { task: "maybe" }],
  ["paging", { list: "todos" }],
] as const) {
  test(`${member}: ${JSON.stringify(value)} is a fault at its place`, () => {
    const faults = memberFaults({ ...good, [member]: value }, 1);
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? "", new RegExp(`^echo\\.${member}: is not what it must be; `));
  });
}

test("a misspelt member is named with the one that is meant, a strange one with all there are", () => {
  assert.deepEqual(memberFaults({ ...good, descripton: "x" }, 1), ["echo.descripton: is not known; is description meant?"]);
  assert.match(
    memberFaults({ ...good, colour: "red" }, 1)[0] ?? "",
    /^echo\.colour: is not known; leave it out, or use one of name, title/,
  );
});

test("what is no definition at all is a fault", () => {
  for (const value of [undefined, null, "echo", [good]]) {
    assert.deepEqual(memberFaults(value, 2), ["capability 2: is no definition; write defineCapability({ … })"]);
  }
});

test("a service does not start with any of them, and says all at once", () => {
  const capabilities = [without("effect"), { ...good, name: "other", run: 1 }] as never[];
  assert.throws(() => registryOf([{ capabilities }]), /2 faults:\n {2}echo\.effect: is missing[\s\S]*\n {2}other\.run: is not what/);
});

test("a definition with every member is taken", () => {
  const paging = { list: "texts", cursorAfter: () => "next" };
  const full: Loose = {
    ...good,
    path: "say",
    aliases: ["old_echo"],
    surfaces: ["mcp", "actions"],
    idempotent: true,
    openWorld: false,
    singleUseAnswers: false,
    timeLimit: 1_000,
    longRunning: { task: "optional" },
    prepare: () => 1,
    input: z.object({ cursor: z.string().optional().describe("Where to go on.") }),
    output: z.object({ texts: z.array(z.string()), next_cursor: z.string().optional(), note: z.string().optional() }),
    paging,
  };
  assert.deepEqual(memberFaults(full, 1), []);
  assert.doesNotThrow(() => registryOf([{ capabilities: [full] as never[] }]));
});
