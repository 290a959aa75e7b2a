import type { Effect } from "../../shared/capabilities/capability.ts";

/** A capability that can be called at once: whoever asked for it puts their own words and work in its place. */
export function renderCapability(name: string, identifier: string, effect: Effect): string {
  return `import { z } from "zod";
import { defineCapability } from "../capability.ts";

export const ${identifier} = defineCapability({
  name: "${name}",
  title: "${titleOf(name)}",
  // The model chooses by this text alone: say when to use it, in at most 300 characters.
  description: "Use this when the user wants a text sent back as it is.",
  // [] is every signed-in person, "public" everyone; a scope of scopes.ts asks people for their consent.
  scopes: [],
  effect: "${effect}",
  input: z.object({
    text: z.string().min(1).max(1_000).describe("The text to send back."),
  }),
  output: z.object({
    text: z.string().describe("The text as it came."),
  }),
  run: ({ text }) => ({ text }),
});
`;
}

/** A test through the service's own registry, as the adapters call it. */
export function renderTest(name: string, effect: Effect): string {
  return `import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Calls, failsWith, openCalls } from "../calls.mts";

const NAME = "${name}";

let calls: Calls;
before(async () => {
  calls = await openCalls({ CAPABILITIES: "own" });
});
after(() => calls.service.close());

test("a text comes back as it is", async () => {
  assert.deepEqual(await calls.call(NAME, { text: "Hello" }), { text: "Hello" });
});

test("an empty text is refused", async () => {
  await assert.rejects(calls.call(NAME, { text: "" }), failsWith("invalid_input"));
});

test("it is a ${effect}", () => {
  assert.equal(calls.service.registry.catalog.findCapability(NAME)?.effect, "${effect}");
});
`;
}

/** \`send_invoice\` is "Send invoice". */
function titleOf(name: string): string {
  const words = name.replace(/_+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
