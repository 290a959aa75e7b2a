import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { type CapabilityDefinition, defineCapability } from "../../../shared/capabilities/capability.ts";
import { DefinitionError } from "../../../shared/capabilities/definition-check.ts";
import { definePrompt, defineResource, defineResourceTemplate } from "../../../shared/capabilities/features.ts";
import type { Announcer, Change, Pack } from "../../../shared/capabilities/offer.ts";
import { registryOf } from "../../../shared/capabilities/registry.ts";

/** Made anew each time, so that nothing is the same object as before. */
function tool(change: Partial<CapabilityDefinition> = {}): CapabilityDefinition {
  const base = { name: "echo", title: "Echo", description: "Use this when you test.", scopes: [], effect: "write" } as const;
  const input = z.object({ text: z.string().describe("Any text.") });
  return defineCapability({ ...base, input, output: z.object({ text: z.string() }), run: () => ({ text: "" }), ...change });
}

function everything(): Required<Pack> {
  return {
    capabilities: [tool()],
    resources: [defineResource({ uri: "notes://one", name: "one", scopes: [], read: () => "" })],
    resourceTemplates: [defineResourceTemplate({ uriTemplate: "notes://by/{who}", name: "by", scopes: [], read: () => "" })],
    prompts: [definePrompt({ name: "greet", description: "Greets.", scopes: [], get: () => [] })],
  };
}

function start(first: Pack) {
  let announcer: Announcer | undefined;
  const heard: Change[] = [];
  const announced: Change[] = [];
  const registry = registryOf([{ capabilities: [tool({ name: "fixed" })] }], {
    providers: [
      {
        start(given) {
          announcer = given;
          return first;
        },
      },
    ],
    announce: (change) => announced.push(change),
  });
  registry.onChange((change) => heard.push(change));
  assert.ok(announcer);
  return { registry, announcer, heard, announced };
}

test("what a provider offers at first stands behind the packs, and nobody is told", () => {
  const { registry, heard, announced } = start(everything());
  assert.deepEqual(
    registry.catalog.capabilities.map(({ name }) => name),
    ["fixed", "echo"],
  );
  assert.deepEqual([heard, announced], [[], []]);
});

test("an offer makes another catalog and leaves the one before as it was", () => {
  const { registry, announcer } = start(everything());
  const before = registry.catalog;
  announcer.offer({ capabilities: [tool({ name: "other" })] });
  assert.ok(before.findCapability("echo") && before.findResource("notes://one"));
  assert.equal(registry.catalog.findCapability("echo"), undefined);
  assert.ok(registry.catalog.findCapability("other") && registry.catalog.findCapability("fixed"));
});

const topics = (...names: ("tools" | "prompts" | "resources")[]): Change[] => names.map((topic) => ({ topic }));

for (const [what, pack, changes] of [
  ["the same again", () => everything(), []],
  ["a tool that does something else", () => ({ ...everything(), capabilities: [tool({ run: () => ({ text: "other" }) })] }), []],
  ["a tool with another path on Actions", () => ({ ...everything(), capabilities: [tool({ path: "other" })] }), []],
  ["a tool with another title", () => ({ ...everything(), capabilities: [tool({ title: "Other" })] }), topics("tools")],
  ["a tool for other people", () => ({ ...everything(), capabilities: [tool({ scopes: ["todos:read"] })] }), topics("tools")],
  ["a tool with another input", () => ({ ...everything(), capabilities: [tool({ input: z.object({}) })] }), topics("tools")],
  ["a tool that is no longer on MCP", () => ({ ...everything(), capabilities: [tool({ surfaces: ["actions"] })] }), topics("tools")],
  ["no tool", () => ({ ...everything(), capabilities: [] }), topics("tools")],
  ["one more on Actions alone", () => ({ ...everything(), capabilities: [tool(), tool({ name: "more", surfaces: ["actions"] })] }), []],
  ["no template", () => ({ ...everything(), resourceTemplates: [] }), topics("resources")],
  ["no resource", () => ({ ...everything(), resources: [] }), topics("resources")],
  ["no prompt", () => ({ ...everything(), prompts: [] }), topics("prompts")],
  ["nothing", () => ({}), topics("tools", "prompts", "resources")],
] as const satisfies readonly (readonly [string, () => Pack, readonly Change[]])[]) {
  test(`an offer of ${what} announces ${changes.map(({ topic }) => topic).join(", ") || "nothing"}`, () => {
    const { announcer, heard, announced } = start(everything());
    announcer.offer(pack());
    assert.deepEqual(heard, changes);
    assert.deepEqual(announced, changes);
  });
}

test("a wrong offer is refused with its faults and changes nothing", () => {
  const { registry, announcer, heard } = start(everything());
  const before = registry.catalog;
  assert.throws(() => announcer.offer({ capabilities: [tool({ name: "fixed" })] }), DefinitionError);
  assert.throws(() => announcer.offer({ capabilities: [tool({ name: "Wrong" })], prompts: [] }), /Wrong: the name does not match/);
  assert.equal(registry.catalog, before);
  assert.deepEqual(heard, []);
  announcer.offer({ ...everything(), prompts: [] });
  assert.deepEqual(heard, [{ topic: "prompts" }]);
});

test("a resource that changed is told by its address", () => {
  const { registry, announcer, heard, announced } = start(everything());
  const before = registry.catalog;
  announcer.updated("notes://one");
  assert.deepEqual(heard, [{ topic: "resource", uri: "notes://one" }]);
  assert.deepEqual(announced, heard);
  assert.equal(registry.catalog, before);
});

test("several providers offer beside each other", () => {
  const announcers: Announcer[] = [];
  const provider = (name: string) => ({
    start(announcer: Announcer) {
      announcers.push(announcer);
      return { capabilities: [tool({ name })] };
    },
  });
  const registry = registryOf([], { providers: [provider("a"), provider("b")] });
  const names = () => registry.catalog.capabilities.map(({ name }) => name);
  assert.deepEqual(names(), ["a", "b"]);
  announcers[0]?.offer({ capabilities: [tool({ name: "c" }), tool({ name: "d" })] });
  assert.deepEqual(names(), ["c", "d", "b"]);
  assert.throws(() => announcers[1]?.offer({ capabilities: [tool({ name: "c" })] }), DefinitionError);
});
