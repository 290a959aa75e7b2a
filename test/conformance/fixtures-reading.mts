import { definePrompt, defineResource, defineResourceTemplate } from "../../shared/capabilities/features.ts";
import type { Pack } from "../../shared/capabilities/offer.ts";
import { PNG } from "./fixture.mts";

/** Resources, a template and prompts that need to ask nobody. */
export const readingFixtures = {
  resources: [
    defineResource({
      uri: "test://static-text",
      name: "static_text",
      title: "Static text",
      description: "A text that never changes.",
      mimeType: "text/plain",
      scopes: [],
      read: () => "This is the content of the static text resource.",
    }),
    defineResource({
      uri: "test://static-binary",
      name: "static_binary",
      title: "Static picture",
      description: "A picture that never changes.",
      mimeType: "image/png",
      scopes: [],
      read: () => Buffer.from(PNG, "base64"),
    }),
    defineResource({
      uri: "test://watched-resource",
      name: "watched_resource",
      title: "Watched resource",
      description: "Something that changes when it is told to.",
      mimeType: "text/plain",
      scopes: [],
      read: ({ now }) => `Read at ${new Date(now()).toISOString()}.`,
    }),
  ],

  resourceTemplates: [
    defineResourceTemplate({
      uriTemplate: "test://template/{id}/data",
      name: "template_data",
      title: "Data by id",
      description: "What is known of an id.",
      mimeType: "application/json",
      scopes: [],
      complete: { id: (typed) => ["123", "124", "200"].filter((id) => id.startsWith(typed)) },
      read: ({ id }) => JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
    }),
  ],

  prompts: [
    definePrompt({
      name: "test_simple_prompt",
      title: "Simple prompt",
      description: "A prompt without arguments.",
      scopes: [],
      get: () => [{ role: "user", content: { type: "text", text: "This is a simple prompt for testing." } }],
    }),
    definePrompt({
      name: "test_prompt_with_arguments",
      title: "Prompt with arguments",
      description: "A prompt that is filled in.",
      scopes: [],
      arguments: {
        arg1: {
          description: "The first.",
          required: true,
          complete: (typed) => ["paris", "park", "party"].filter((word) => word.startsWith(typed)),
        },
        arg2: {
          description: "The second.",
          required: true,
          complete: (_typed, { arguments: others }) => [`after ${others["arg1"] ?? "nothing"}`],
        },
      },
      get: ({ arg1, arg2 }) => [{ role: "user", content: { type: "text", text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` } }],
    }),
    definePrompt({
      name: "test_prompt_with_embedded_resource",
      title: "Prompt with a resource",
      description: "A prompt that brings a resource along.",
      scopes: [],
      arguments: { resourceUri: { description: "The address of the resource.", required: true } },
      get: ({ resourceUri = "" }) => [
        {
          role: "user",
          content: {
            type: "resource",
            resource: { uri: resourceUri, mimeType: "text/plain", text: "Embedded resource content for testing." },
          },
        },
        { role: "user", content: { type: "text", text: "Please process the embedded resource above." } },
      ],
    }),
    definePrompt({
      name: "test_prompt_with_image",
      title: "Prompt with an image",
      description: "A prompt that brings an image along.",
      scopes: [],
      get: () => [
        { role: "user", content: { type: "image", data: PNG, mimeType: "image/png" } },
        { role: "user", content: { type: "text", text: "Please analyze the image above." } },
      ],
    }),
  ],
} satisfies Pack;
