import { z } from "zod";
import { CapabilityError, defineCapability } from "../../shared/capabilities/capability.ts";
import { answer } from "../../shared/capabilities/content.ts";
import type { Pack } from "../../shared/capabilities/offer.ts";
import { rawSchema } from "../../shared/capabilities/raw-schema.ts";
import { FIXTURE, PNG, says, WAV, work } from "./fixture.mts";

/** As the suite's json-schema-2020-12 scenario wants it to arrive, keyword by keyword. */
const EVERY_KEYWORD = rawSchema({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string", description: "Who." },
    address: { $ref: "#/$defs/address", description: "Where." },
    contactMethod: { type: "string", enum: ["phone", "email"], description: "How." },
    phone: { type: "string", description: "A number." },
    email: { type: "string", description: "An address." },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
});

/** Tools that show every kind of content, and what happens on the way, without asking anyone. */
export const contentFixtures = {
  capabilities: [
    defineCapability({
      ...FIXTURE,
      name: "test_simple_text",
      title: "Simple text",
      description: "Use this when a plain text is wanted.",
      input: z.object({}),
      run: () => says("This is a simple text response for testing."),
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_image_content",
      title: "An image",
      description: "Use this when an image is wanted.",
      input: z.object({}),
      run: () => answer([{ type: "image", data: PNG, mimeType: "image/png" }]),
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_audio_content",
      title: "A sound",
      description: "Use this when a sound is wanted.",
      input: z.object({}),
      run: () => answer([{ type: "audio", data: WAV, mimeType: "audio/wav" }]),
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_embedded_resource",
      title: "An embedded resource",
      description: "Use this when a resource inside an answer is wanted.",
      input: z.object({}),
      run: () =>
        answer([
          {
            type: "resource",
            resource: { uri: "test://embedded-resource", mimeType: "text/plain", text: "This is an embedded resource content." },
          },
        ]),
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_multiple_content_types",
      title: "Several kinds of content",
      description: "Use this when a text, an image and a resource are wanted at once.",
      input: z.object({}),
      run: () =>
        answer([
          { type: "text", text: "Multiple content types test:" },
          { type: "image", data: PNG, mimeType: "image/png" },
          {
            type: "resource",
            resource: { uri: "test://mixed-content-resource", mimeType: "application/json", text: '{"test":"data","value":123}' },
          },
        ]),
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_structured_content",
      title: "Structured content",
      description: "Use this when a structured answer with a link to a resource is wanted.",
      input: z.object({ city: z.string().describe("Where.") }),
      output: z.object({ city: z.string().describe("Where."), degrees: z.number().describe("Celsius.") }),
      run: ({ city }) =>
        answer([{ type: "resource_link", uri: "test://static-text", name: "static_text", mimeType: "text/plain" }], {
          city,
          degrees: 21.5,
        }),
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_error_handling",
      title: "A failure",
      description: "Use this when a failing tool is wanted.",
      input: z.object({}),
      run() {
        throw new CapabilityError("conflict", "This tool intentionally returns an error for testing");
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_tool_with_progress",
      title: "Progress",
      description: "Use this when a tool that reports its progress is wanted.",
      input: z.object({}),
      async run(_input, { progress, signal }) {
        progress(0, 100);
        await work(50, signal);
        progress(50, 100, "half way");
        await work(50, signal);
        progress(100, 100);
        // Some clients take what comes together with the answer for late, and drop it.
        await work(50, signal);
        return says("Progress was reported.");
      },
    }),
    ...["test_tool_with_logging", "test_logging_tool"].map((name) =>
      defineCapability({
        ...FIXTURE,
        name,
        title: "Log messages",
        description: "Use this when a tool that tells what it does is wanted.",
        input: z.object({}),
        async run(_input, { clientLog, signal }) {
          clientLog("info", "Tool execution started");
          await work(50, signal);
          clientLog("info", "Tool processing data");
          await work(50, signal);
          clientLog("info", "Tool execution completed", "fixtures");
          return says("Three messages were logged.");
        },
      }),
    ),
    defineCapability({
      ...FIXTURE,
      name: "test_reconnection",
      title: "A connection let go",
      description: "Use this when a tool that closes its stream in the middle and answers later is wanted.",
      input: z.object({}),
      async run(_input, { releaseConnection, signal }) {
        releaseConnection(100);
        await work(200, signal);
        return says("The answer came after the connection was let go.");
      },
    }),
    defineCapability({
      ...FIXTURE,
      name: "test_header_parameters",
      title: "Parameters in headers",
      description: "Use this when parameters that clients repeat in headers are wanted.",
      input: z.object({
        region: z.string().describe("Where to look.").meta({ "x-mcp-header": "Region" }),
        level: z.int().optional().describe("How deep to look.").meta({ "x-mcp-header": "Level" }),
        fresh: z.boolean().optional().describe("Whether to look again.").meta({ "x-mcp-header": "Fresh" }),
      }),
      run: ({ region }) => says(`Looked in ${region}.`),
    }),
    defineCapability({
      ...FIXTURE,
      name: "json_schema_2020_12_tool",
      title: "Every keyword of JSON Schema",
      description: "Use this when an input with the keywords of JSON Schema 2020-12 is wanted.",
      input: EVERY_KEYWORD,
      run: (input) => says(`Reached by ${Object.keys(input).sort().join(", ")}.`),
    }),
  ],
} satisfies Pack;
