import { z } from "zod";
import type { Ask } from "../../shared/capabilities/ask.ts";
import { defineCapability } from "../../shared/capabilities/capability.ts";
import { definePrompt, defineResource } from "../../shared/capabilities/features.ts";
import type { Pack } from "../../shared/capabilities/offer.ts";
import { rawSchema } from "../../shared/capabilities/raw-schema.ts";
import { FIXTURE, says, work } from "./fixture.mts";

const NAME = z.object({ name: z.string().describe("What you are called.") });
const OK = z.object({ ok: z.boolean().describe("Whether it is all right.") });
const COLOR = z.object({ color: z.string().describe("A color.") });
const CONTEXT = z.object({ context: z.string().describe("What it is about.") });
const PERSON = z.object({ username: z.string().describe("User's response"), email: z.email().describe("User's email address") });

/** Every type with a value that is filled in already (SEP-1034). */
const DEFAULTS = z.object({
  name: z.string().default("John Doe").describe("User name"),
  age: z.int().default(30).describe("User age"),
  score: z.number().default(95.5).describe("User score"),
  status: z.enum(["active", "inactive", "pending"]).default("active").describe("User status"),
  verified: z.boolean().default(true).describe("Verification status"),
});

const titled = (names: readonly string[]) => names.map((title, index) => ({ const: `value${index + 1}`, title }));

/** Every way to offer a choice (SEP-1330). */
const CHOICES = rawSchema({
  type: "object",
  properties: {
    untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
    titledSingle: { type: "string", oneOf: titled(["First Option", "Second Option", "Third Option"]) },
    legacyEnum: { type: "string", enum: ["opt1", "opt2", "opt3"], enumNames: ["Option One", "Option Two", "Option Three"] },
    untitledMulti: { type: "array", items: { type: "string", enum: ["option1", "option2", "option3"] } },
    titledMulti: { type: "array", items: { anyOf: titled(["First Choice", "Second Choice", "Third Choice"]) } },
  },
});

/** A question for the client's model. */
async function think(ask: Ask, key: string, text: string): Promise<string> {
  const { content } = await ask.sample(key, { messages: [{ role: "user", content: { type: "text", text } }], maxTokens: 100 });
  return JSON.stringify(content);
}

/** The first name in an answer, or what the person did instead of giving one. */
async function nameOf(ask: Ask): Promise<string> {
  const given = await ask.form("user_name", "What is your name?", NAME);
  return given.action === "accept" ? given.content.name : given.action;
}

/** Tools, prompts and resources that ask in the middle: the person, the model, or the client itself. */
export const askingFixtures = {
  capabilities: [
    ...["test_sampling", "test_missing_capability"].map((name) =>
      defineCapability({
        ...FIXTURE,
        name,
        title: "Ask the model",
        description: "Use this when a tool that asks the client's model is wanted.",
        input: z.object({ prompt: z.string().default("Say something.").describe("What to ask it.") }),
        run: async ({ prompt }, { ask }) => says(`LLM response: ${await think(ask, "completion", prompt)}`),
      }),
    ),
    defineCapability({
      ...FIXTURE,
      name: "test_elicitation",
      title: "Ask the person",
      description: "Use this when a tool that asks the person is wanted.",
      input: z.object({ message: z.string().describe("What to ask.") }),
      async run({ message }, { ask }) {
        const given = await ask.form("person", message, PERSON);
        return says(`User response: ${JSON.stringify(given)}`);
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_elicitation_sep1034_defaults",
      title: "Ask with defaults",
      description: "Use this when a form that is filled in already is wanted.",
      input: z.object({}),
      async run(_input, { ask }) {
        const given = await ask.form("defaults", "Please review what we have.", DEFAULTS);
        return says(`Elicitation completed: ${JSON.stringify(given)}`);
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_elicitation_sep1330_enums",
      title: "Ask to choose",
      description: "Use this when a form with every kind of choice is wanted.",
      input: z.object({}),
      async run(_input, { ask }) {
        const given = await ask.form("choices", "Please choose.", CHOICES);
        return says(`Elicitation completed: ${JSON.stringify(given)}`);
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_url_elicitation",
      title: "Ask to open a page",
      description: "Use this when a tool that has the person open a page is wanted.",
      input: z.object({}),
      async run(_input, { ask }) {
        const { action } = await ask.url("page", "Please connect your calendar.", "https://calendar.example.com/connect");
        return says(`The person chose to ${action}.`);
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_streaming_elicitation",
      title: "Progress, then a question",
      description: "Use this when a tool that reports and then asks is wanted.",
      input: z.object({}),
      async run(_input, { ask, progress, clientLog, signal }) {
        progress(1, 2, "about to ask");
        clientLog("info", "About to ask");
        await work(20, signal);
        return says(`Hello, ${await nameOf(ask)}!`);
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_input_required_result_elicitation",
      title: "One question",
      description: "Use this when a tool that asks one question is wanted.",
      input: z.object({}),
      run: async (_input, { ask }) => says(`Hello, ${await nameOf(ask)}!`),
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_input_required_result_sampling",
      title: "One question to the model",
      description: "Use this when a tool that asks the model once is wanted.",
      input: z.object({}),
      run: async (_input, { ask }) => says(await think(ask, "capital_question", "What is the capital of France?")),
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_input_required_result_list_roots",
      title: "The client's roots",
      description: "Use this when a tool that asks for the client's roots is wanted.",
      input: z.object({}),
      run: async (_input, { ask }) => says(`The roots: ${JSON.stringify(await ask.roots("client_roots"))}`),
    }),
    ...["test_input_required_result_request_state", "test_input_required_result_tampered_state"].map((name) =>
      defineCapability({
        ...FIXTURE,
        name,
        title: "State between two rounds",
        description: "Use this when a question whose state travels with the client is wanted.",
        input: z.object({}),
        async run(_input, { ask }) {
          const { action } = await ask.form("confirm", "Please confirm", OK);
          return says(`state-ok: ${action}`);
        },
      }),
    ),
    defineCapability({
      ...FIXTURE,
      name: "test_input_required_result_multiple_inputs",
      title: "Three questions at once",
      description: "Use this when a tool that asks person, model and client together is wanted.",
      input: z.object({}),
      async run(_input, { ask }) {
        const [name, greeting, roots] = await Promise.all([
          nameOf(ask),
          think(ask, "greeting", "Generate a greeting"),
          ask.roots("client_roots"),
        ]);
        return says(`${name}, ${greeting}, ${JSON.stringify(roots)}`);
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_input_required_result_multi_round",
      title: "Two questions in turn",
      description: "Use this when a tool that asks a second question after the first is wanted.",
      input: z.object({}),
      async run(_input, { ask }) {
        const name = await nameOf(ask);
        const color = await ask.form("color", `Which color do you like, ${name}?`, COLOR);
        return says(`${name} likes ${color.action === "accept" ? color.content.color : "none"}.`);
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_input_required_result_capabilities",
      title: "What the client can answer",
      description: "Use this when a tool that asks only what the client can answer is wanted.",
      input: z.object({}),
      async run(_input, { ask }) {
        const answers = await Promise.all([
          ask.supports("form") ? nameOf(ask) : "no forms",
          ask.supports("sampling") ? think(ask, "greeting", "Generate a greeting") : "no model",
        ]);
        return says(answers.join(", "));
      },
    }),
  ],

  resources: [
    defineResource({
      uri: "test://asking-resource",
      name: "asking_resource",
      title: "A resource that asks",
      description: "Something that is for those who say their name.",
      mimeType: "text/plain",
      scopes: [],
      read: async ({ ask }) => `For ${await nameOf(ask)}.`,
    }),
  ],

  prompts: [
    definePrompt({
      name: "test_input_required_result_prompt",
      title: "A prompt that asks",
      description: "A prompt that needs to know more first.",
      scopes: [],
      async get(_given, { ask }) {
        const given = await ask.form("user_context", "What context should the prompt use?", CONTEXT);
        const context = given.action === "accept" ? given.content.context : "nothing";
        return [{ role: "user", content: { type: "text", text: `In the context of ${context}` } }];
      },
    }),
  ],
} satisfies Pack;
