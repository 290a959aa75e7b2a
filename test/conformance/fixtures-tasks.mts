import { z } from "zod";
import { CapabilityError, defineCapability } from "../../shared/capabilities/capability.ts";
import type { Pack } from "../../shared/capabilities/offer.ts";
import { FIXTURE, says, work } from "./fixture.mts";

/** How often clients should look, in milliseconds: tests are impatient. */
const POLL = 100;
const OPTIONAL = { task: "optional", pollInterval: POLL } as const;
const REQUIRED = { task: "required", pollInterval: POLL } as const;

const NAME = z.object({ name: z.string().describe("What you are called.") });
const CONSENT = z.object({ confirm: z.boolean().describe("Whether to go on.") });
const NAME_AND_CONSENT = z.object({
  name: z.string().optional().describe("What to call it."),
  confirm: z.boolean().describe("Whether to go on."),
});

/** Tools whose work may outlive the request, and one whose work may not. */
export const taskFixtures = {
  capabilities: [
    defineCapability({
      ...FIXTURE,
      name: "greet",
      title: "Greet",
      description: "Use this when someone is to be greeted at once.",
      input: z.object({ name: z.string().describe("Whom to greet.") }),
      run: ({ name }) => says(`Hello, ${name}!`),
    }),
    defineCapability({
      ...FIXTURE,
      name: "slow_compute",
      title: "Compute slowly",
      description: "Use this when something that takes its time is wanted.",
      longRunning: OPTIONAL,
      input: z.object({
        seconds: z.number().min(0).max(120).describe("How long it takes."),
        label: z.string().optional().describe("What to call it."),
      }),
      async run({ seconds, label = "it" }, { signal }) {
        await work(seconds * 1000, signal);
        return says(`Computed ${label} in ${seconds} s.`);
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "failing_job",
      title: "Fail slowly",
      description: "Use this when something that fails after a while is wanted.",
      longRunning: REQUIRED,
      input: z.object({}),
      async run(_input, { signal }) {
        await work(1000, signal);
        throw new CapabilityError("conflict", "The job failed, as it always does.");
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "protocol_error_job",
      title: "Break down",
      description: "Use this when something that breaks down is wanted.",
      longRunning: OPTIONAL,
      input: z.object({}),
      run() {
        throw new Error("a fault that nobody foresaw");
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "confirm_delete",
      title: "Delete when confirmed",
      description: "Use this when a file is to be deleted after a question.",
      effect: "destructive",
      longRunning: OPTIONAL,
      input: z.object({ filename: z.string().describe("Which file.") }),
      async run({ filename }, { ask }) {
        const given = await ask.form("confirmation", `Delete ${filename}?`, CONSENT);
        return says(given.action === "accept" && given.content.confirm ? `Deleted ${filename}.` : `Kept ${filename}.`);
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "multi_input",
      title: "Ask twice at once",
      description: "Use this when a task that waits for two answers is wanted.",
      longRunning: OPTIONAL,
      input: z.object({}),
      async run(_input, { ask }) {
        const given = await Promise.all([
          ask.form("first", "The first question.", NAME_AND_CONSENT),
          ask.form("second", "The second question.", NAME_AND_CONSENT),
        ]);
        return says(JSON.stringify(given));
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_tool_with_task",
      title: "Ask first, then work",
      description: "Use this when a question comes before a task.",
      longRunning: REQUIRED,
      input: z.object({}),
      async prepare(_input, { ask }) {
        const given = await ask.form("user_name", "What is your name?", NAME);
        return given.action === "accept" ? given.content.name : "nobody";
      },
      async run(_input, { signal }, name) {
        await work(100, signal);
        return says(`Worked for ${name}.`);
      },
    }),
  ],
} satisfies Pack;
