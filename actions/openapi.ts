import { ACTIONS_PATH } from "../shared/bearer/audience.ts";
import type { Capability } from "../shared/capabilities/capability.ts";
import { type FlatSchema, flatten } from "../shared/capabilities/flat-schema.ts";
import type { Registry } from "../shared/capabilities/registry.ts";
import { TASK_OPERATION, TASKS_PATH } from "../shared/capabilities/reserved-names.ts";
import { SCOPES } from "../shared/capabilities/scopes.ts";
import { PROBLEM_TYPE } from "../shared/http/problem.ts";
import { VERSION } from "../shared/version.ts";
import { CONTENT, FAULTS, PROBLEM } from "./openapi-schemas.ts";
import { type Operation, operationsOf } from "./operations.ts";
import { TASK } from "./task-view.ts";

/** The OpenAPI document of all operations. */
export type OpenApiDocument = Readonly<Record<string, unknown>>;

const SCHEME = "oauth";

/**
 * OpenAPI 3.1, in the part of it that ChatGPT takes: one server, flat schemas, references to this document alone.
 *
 * @param baseUrl An origin; the authorization server has the same.
 */
export function createOpenApi({ catalog }: Pick<Registry, "catalog">, baseUrl: string): OpenApiDocument {
  const operations = operationsOf(catalog);
  const slow = operations.some(({ capability }) => capability.longRunning);
  return {
    openapi: "3.1.0",
    info: { title: "Portico", version: VERSION, description: "What this service can do for the person who signs in." },
    servers: [{ url: baseUrl }],
    paths: {
      ...Object.fromEntries(operations.map((operation) => [`${ACTIONS_PATH}/${operation.capability.name}`, pathItemOf(operation)])),
      ...(slow ? { [`${ACTIONS_PATH}/${TASKS_PATH}`]: TASK_STATUS } : {}),
    },
    components: {
      schemas: slow ? { Problem: PROBLEM, Task: TASK } : { Problem: PROBLEM },
      securitySchemes: {
        [SCHEME]: {
          type: "oauth2",
          flows: {
            authorizationCode: {
              authorizationUrl: `${baseUrl}/oauth/authorize`,
              tokenUrl: `${baseUrl}/oauth/token`,
              refreshUrl: `${baseUrl}/oauth/token`,
              scopes: Object.fromEntries(Object.entries(SCOPES).filter(([scope]) => catalog.operationScopes.includes(scope))),
            },
          },
        },
      },
    },
  };
}

function pathItemOf({ capability, method }: Operation) {
  const { name, title, description, access, effect } = capability;
  const operation = {
    operationId: name,
    summary: title,
    description,
    "x-openai-isConsequential": effect !== "read",
    security: access === "public" ? [] : [{ [SCHEME]: access }],
    ...(method === "get" ? { parameters: parametersOf(capability) } : { requestBody: requestBodyOf(capability) }),
    responses: {
      "200": { description: "Done.", content: { "application/json": { schema: answerSchemaOf(capability) } } },
      ...(capability.longRunning ? { "202": TASK_BEGUN } : {}),
      ...Object.fromEntries(faultsOf(capability, method).map((status) => [status, answerOf(FAULTS[status])])),
    },
  };
  return { [method]: operation };
}

function answerSchemaOf({ outputSchema }: Capability): FlatSchema {
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

const TASK_BEGUN = {
  description: `It takes longer: ask ${TASK_OPERATION} for it.`,
  content: { "application/json": { schema: { $ref: "#/components/schemas/Task" } } },
};

/** Where ChatGPT asks for work that takes longer than it waits. */
const TASK_STATUS = {
  get: {
    operationId: TASK_OPERATION,
    summary: "Get a task",
    description: "Use this when an operation answered with a task: it says whether the work is done, and what it gave.",
    "x-openai-isConsequential": false,
    security: [{ [SCHEME]: [] }],
    parameters: [
      { name: "id", in: "query", description: "The task's id, as the operation gave it.", required: true, schema: { type: "string" } },
    ],
    responses: {
      "200": { description: "Done.", content: { "application/json": { schema: { $ref: "#/components/schemas/Task" } } } },
      ...Object.fromEntries(
        (["400", "401", "403", "404", "405", "429", "500", "503"] as const).map((status) => [status, answerOf(FAULTS[status])]),
      ),
    },
  },
};

type FaultStatus = keyof typeof FAULTS;
const BODIES_ONLY: readonly FaultStatus[] = ["413", "415"];
const WRITES_ONLY: readonly FaultStatus[] = ["422"];

function faultsOf({ effect }: Capability, method: Operation["method"]): FaultStatus[] {
  const never = [...(method === "get" ? BODIES_ONLY : []), ...(effect === "read" ? WRITES_ONLY : [])];
  return (Object.keys(FAULTS) as FaultStatus[]).filter((status) => !never.includes(status));
}

function answerOf(description: string) {
  return { description, content: { [PROBLEM_TYPE]: { schema: { $ref: "#/components/schemas/Problem" } } } };
}
