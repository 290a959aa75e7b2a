import type { FlatSchema } from "../shared/capabilities/flat-schema.ts";

/** What an operation answers that only shows content (MCP 2026-07-28 schema ContentBlock, in one flat shape). */
export const CONTENT = {
  type: "object",
  properties: {
    content: {
      type: "array",
      description: "What there is to show, in order.",
      items: {
        type: "object",
        properties: {
          type: { type: "string", enum: ["text", "image", "audio", "resource", "resource_link"], description: "What kind of piece it is." },
          text: { type: "string", description: "Of a text: what it says." },
          data: { type: "string", description: "Of an image or a sound: its bytes in base64." },
          mimeType: { type: "string", description: "What the data or the linked resource is." },
          uri: { type: "string", description: "Of a link: where the resource is." },
          name: { type: "string", description: "Of a link: the resource's name." },
          resource: {
            type: "object",
            description: "Of a resource: what it holds.",
            properties: {
              uri: { type: "string", description: "Where it is." },
              mimeType: { type: "string", description: "What it is." },
              text: { type: "string", description: "What it says." },
              blob: { type: "string", description: "Its bytes in base64." },
            },
            required: ["uri"],
          },
        },
        required: ["type"],
      },
    },
  },
  required: ["content"],
} satisfies FlatSchema;

/** RFC 9457 §3. */
export const PROBLEM = {
  type: "object",
  properties: {
    type: { type: "string", description: "What kind of problem it is; about:blank means that the status says it." },
    title: { type: "string", description: "The status in words." },
    status: { type: "integer", description: "The HTTP status." },
    detail: { type: "string", description: "What is wrong with this request." },
    request_id: { type: "string", description: "Quote it to the operator: it is in the log." },
    faults: {
      type: "array",
      description: "What is wrong with the input, field by field.",
      items: {
        type: "object",
        properties: {
          field: { type: "string", description: "The field; empty for the input as a whole." },
          message: { type: "string", description: "What is wrong with it." },
        },
        required: ["field", "message"],
      },
    },
  },
  required: ["type", "title", "status", "detail", "request_id"],
} satisfies FlatSchema;

/** Every failure that an operation can answer with, by its status. */
export const FAULTS = {
  "400": "The input is not valid; faults names the fields.",
  "401": "A sign-in is needed, or the access token is no longer good.",
  "403": "The access token's scopes are not enough, or the call is not allowed.",
  "404": "There is nothing with this id, or no such operation.",
  "405": "The operation has another method; the allow header names it.",
  "409": "It was changed at the same time, the same call is under way, or the operation asks questions that only MCP can carry.",
  "413": "The request is too large.",
  "415": "The body is not application/json, or it is compressed.",
  "422": "The idempotency key was used for a call with another input.",
  "429": "Too many requests; the retry-after header says when to try again.",
  "500": "Something went wrong in the service.",
  "503": "The service cannot answer now; the retry-after header says when to try again.",
  "504": "It took longer than it may.",
} as const;
