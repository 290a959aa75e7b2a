import { ACTIONS_PATH } from "../shared/bearer/audience.ts";
import type { Capability } from "../shared/capabilities/capability.ts";
import type { Registry } from "../shared/capabilities/registry.ts";
import { SCOPES } from "../shared/capabilities/scopes.ts";
import { PROBLEM_TYPE } from "../shared/http/problem.ts";
import { VERSION } from "../shared/version.ts";
import { flatten, type Schema } from "./flat-schema.ts";
import { offeredOnActions } from "./offered.ts";

/** The OpenAPI document of all operations. */
export type OpenApiDocument = Readonly<Record<string, unknown>>;

const SCHEME = "oauth";

/**
 * OpenAPI 3.1, in the part of it that ChatGPT takes: one server, flat schemas, references to this document alone.
 *
 * @param baseUrl An origin; the authorization server has the same.
 */
export function createOpenApi({ catalog }: Pick<Registry, "catalog">, baseUrl: string): OpenApiDocument {
  const capabilities = offeredOnActions(catalog);
  const scopes = new Set<string>(capabilities.flatMap(({ access }) => (access === "public" ? [] : access)));
  return {
    openapi: "3.1.0",
    info: { title: "Portico", version: VERSION, description: "What this service can do for the person who signs in." },
    servers: [{ url: baseUrl }],
    paths: Object.fromEntries(capabilities.map((capability) => [`${ACTIONS_PATH}/${capability.name}`, pathItemOf(capability)])),
    components: {
      schemas: { Problem: PROBLEM },
      securitySchemes: {
        [SCHEME]: {
          type: "oauth2",
          flows: {
            authorizationCode: {
              authorizationUrl: `${baseUrl}/oauth/authorize`,
              tokenUrl: `${baseUrl}/oauth/token`,
              refreshUrl: `${baseUrl}/oauth/token`,
              scopes: Object.fromEntries(Object.entries(SCOPES).filter(([scope]) => scopes.has(scope))),
            },
          },
        },
      },
    },
  };
}

function pathItemOf(capability: Capability) {
  const { name, title, description, access, effect } = capability;
  const reads = effect === "read";
  const operation = {
    operationId: name,
    summary: title,
    description,
    "x-openai-isConsequential": !reads,
    security: access === "public" ? [] : [{ [SCHEME]: access }],
    ...(reads ? { parameters: parametersOf(capability) } : { requestBody: requestBodyOf(capability) }),
    responses: {
      "200": { description: "Done.", content: { "application/json": { schema: answerSchemaOf(capability) } } },
      ...Object.fromEntries(faultsOf(capability).map((status) => [status, answerOf(FAULTS[status])])),
    },
  };
  return { [reads ? "get" : "post"]: operation };
}

function answerSchemaOf({ outputSchema }: Capability): Schema {
  return outputSchema ? flatten(outputSchema) : CONTENT;
}

function parametersOf({ inputSchema }: Capability) {
  const { properties = {}, required = [] } = flatten(inputSchema);
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    description,
    required: required.includes(name),
    schema,
  }));
}

function requestBodyOf({ inputSchema }: Capability) {
  const schema = flatten(inputSchema);
  return { required: (schema.required ?? []).length > 0, content: { "application/json": { schema } } };
}

const FAULTS = {
  "400": "The input is not valid; faults names the fields.",
  "401": "A sign-in is needed, or the access token is no longer good.",
  "403": "The access token's scopes are not enough, or the call is not allowed.",
  "404": "There is nothing with this id, or no such operation.",
  "405": "The operation has another method; the allow header names it.",
  "409": "It was changed at the same time; or the operation asks questions that only MCP can carry.",
  "413": "The request is too large.",
  "415": "The body is not application/json.",
  "429": "Too many requests; the retry-after header says when to try again.",
  "500": "Something went wrong in the service.",
  "503": "The service cannot answer now; the retry-after header says when to try again.",
  "504": "It took longer than it may.",
} as const;

type FaultStatus = keyof typeof FAULTS;
const WRITES_ONLY: readonly FaultStatus[] = ["413", "415"];

function faultsOf({ effect }: Capability): FaultStatus[] {
  return (Object.keys(FAULTS) as FaultStatus[]).filter((status) => effect !== "read" || !WRITES_ONLY.includes(status));
}

function answerOf(description: string) {
  return { description, content: { [PROBLEM_TYPE]: { schema: { $ref: "#/components/schemas/Problem" } } } };
}

/** What an operation answers that only shows content (MCP 2026-07-28 schema ContentBlock, in one flat shape). */
const CONTENT = {
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
} satisfies Schema;

/** RFC 9457 §3. */
const PROBLEM = {
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
} satisfies Schema;
