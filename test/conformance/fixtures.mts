import { once } from "node:events";
import { z } from "zod";
import { defineCapability } from "../../shared/capabilities/capability.ts";
import { definePrompt, defineResource } from "../../shared/capabilities/features.ts";
import type { Announcer, Pack, Provider } from "../../shared/capabilities/offer.ts";
import { FIXTURE, says } from "./fixture.mts";
import { askingFixtures } from "./fixtures-asking.mts";
import { contentFixtures } from "./fixtures-content.mts";
import { readingFixtures } from "./fixtures-reading.mts";
import { taskFixtures } from "./fixtures-tasks.mts";

/**
 * Everything that the official conformance suite and the tests with real clients call, written as any capability is.
 * Each service gets a provider of its own: what it offers changes when the tools that say so are called.
 */
export function createFixtures(): Provider {
  return { start: (announcer) => startFixtures(announcer) };
}

const EXTRA_TOOL = defineCapability({
  ...FIXTURE,
  name: "test_dynamic_tool",
  title: "Comes and goes",
  description: "Use this when it is there.",
  input: z.object({}),
  run: () => says("I am here."),
});

const EXTRA_PROMPT = definePrompt({
  name: "test_dynamic_prompt",
  title: "Comes and goes",
  description: "A prompt that is not always there.",
  scopes: [],
  get: () => [{ role: "user", content: { type: "text", text: "I am here." } }],
});

const EXTRA_RESOURCE = defineResource({
  uri: "test://dynamic-resource",
  name: "dynamic_resource",
  title: "Comes and goes",
  description: "A resource that is not always there.",
  scopes: [],
  read: () => "I am here.",
});

const EXTRAS = { tool: EXTRA_TOOL, prompt: EXTRA_PROMPT, resource: EXTRA_RESOURCE } as const;

function startFixtures(announcer: Announcer): Pack {
  const present = new Set<keyof typeof EXTRAS>();

  const triggers = [
    ...(["tool", "prompt", "resource"] as const).map((kind) =>
      defineCapability({
        ...FIXTURE,
        name: `test_trigger_${kind}_change`,
        title: `Change the list of ${kind}s`,
        description: `Use this when a ${kind} is to come, or to go if it is there.`,
        effect: "write",
        input: z.object({}),
        run() {
          if (!present.delete(kind)) present.add(kind);
          announcer.offer(pack());
          return says(`The list of ${kind}s has changed.`);
        },
      }),
    ),
    defineCapability({
      ...FIXTURE,
      name: "test_trigger_resource_update",
      title: "Change the watched resource",
      description: "Use this when the watched resource is to change.",
      effect: "write",
      input: z.object({}),
      run() {
        announcer.updated("test://watched-resource");
        return says("The watched resource has changed.");
      },
    }),
  ];

  const calledOff: string[] = [];
  const waits = [
    defineCapability({
      ...FIXTURE,
      name: "test_wait",
      title: "Wait to be called off",
      description: "Use this when a call that only ends when it is called off is wanted.",
      input: z.object({ label: z.string().describe("What to remember it by.") }),
      async run({ label }, { progress, signal }) {
        signal.addEventListener("abort", () => calledOff.push(label), { once: true });
        progress(1);
        await once(signal, "abort");
        return says("Called off.");
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_waits_called_off",
      title: "Waits that were called off",
      description: "Use this when it is of interest which waits were called off.",
      input: z.object({}),
      output: z.object({ labels: z.array(z.string()).describe("What they are remembered by.") }),
      run: () => ({ labels: calledOff }),
    }),
  ];

  function pack(): Pack {
    return {
      capabilities: [
        ...contentFixtures.capabilities,
        ...askingFixtures.capabilities,
        ...taskFixtures.capabilities,
        ...triggers,
        ...waits,
        ...(present.has("tool") ? [EXTRA_TOOL] : []),
      ],
      resources: [...readingFixtures.resources, ...askingFixtures.resources, ...(present.has("resource") ? [EXTRA_RESOURCE] : [])],
      resourceTemplates: readingFixtures.resourceTemplates,
      prompts: [...readingFixtures.prompts, ...askingFixtures.prompts, ...(present.has("prompt") ? [EXTRA_PROMPT] : [])],
    };
  }

  return pack();
}
