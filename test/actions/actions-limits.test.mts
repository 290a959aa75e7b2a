import assert from "node:assert/strict";
import { test } from "node:test";
import { checkActionsLimits } from "../../actions/actions-limits.ts";

// biome-ignore lint/suspicious/noExplicitAny: the fixtures break the document in any place.
type Loose = any;

/** The smallest document with something in every place that has a limit. */
function goodDocument(): Loose {
  return {
    openapi: "3.1.0",
    info: { title: "A", version: "1" },
    servers: [{ url: "https://a.example" }],
    paths: {
      "/read": {
        get: {
          operationId: "read",
          summary: "s".repeat(300),
          description: "d".repeat(300),
          "x-openai-isConsequential": false,
          parameters: [{ name: "q", in: "query", description: "p".repeat(700), schema: { type: "string" } }],
          responses: {
            "200": { description: "Done.", content: { "application/json": { schema: { $ref: "#/components/schemas/A~1B" } } } },
          },
        },
      },
      "/write": {
        post: {
          operationId: "write",
          "x-openai-isConsequential": true,
          requestBody: {
            content: {
              "application/json": { schema: { type: "object", properties: { anyOf: { type: "string", description: "p".repeat(700) } } } },
            },
          },
          responses: { "200": { description: "Done.", content: { "text/plain": { schema: { type: "string" } } } } },
        },
      },
    },
    components: {
      schemas: {
        "A/B": {
          type: "object",
          properties: {
            list: { type: "array", items: {} },
            none: { type: "object", properties: {}, additionalProperties: { type: "string" } },
          },
        },
      },
      securitySchemes: {
        oauth: {
          type: "oauth2",
          flows: {
            authorizationCode: { authorizationUrl: "https://a.example/authorize", tokenUrl: "https://a.example/token", scopes: {} },
          },
        },
      },
    },
  };
}

test("a document at every limit is taken", () => {
  assert.deepEqual(checkActionsLimits(goodDocument()), []);
});

const READ = '$.paths["/read"].get';
const WRITE = '$.paths["/write"].post';
const FLOWS = "$.components.securitySchemes.oauth.flows";
const FLOW = `${FLOWS}.authorizationCode`;
const AB = '$.components.schemas["A/B"]';
const read = (...keys: Keys): Keys => ["paths", "/read", "get", ...keys];
const write = (...keys: Keys): Keys => ["paths", "/write", "post", ...keys];
const ab = (...keys: Keys): Keys => ["components", "schemas", "A/B", ...keys];
const flow = (...keys: Keys): Keys => ["components", "securitySchemes", "oauth", "flows", "authorizationCode", ...keys];
const body = ["requestBody", "content", "application/json", "schema", "properties", "anyOf", "description"];

type Keys = readonly (string | number)[];
/** What is broken, where it is refused, and the value put in (undefined: taken away) at which keys. */
type Broken = readonly [limit: string, path: string, keys: Keys, value: unknown];

const MANY = Object.fromEntries(
  Array.from({ length: 31 }, (_, index) => [`/${index}`, { post: { operationId: `n${index}`, "x-openai-isConsequential": true } }]),
);

const BROKEN: readonly Broken[] = [
  ["another version of OpenAPI", "$.openapi", ["openapi"], "3.0.3"],
  ["a megabyte, printed", "$", ["info", "description"], "x".repeat(1_000_000)],
  ["no server", "$.servers", ["servers"], []],
  ["two servers", "$.servers", ["servers", 1], { url: "https://a.example" }],
  ["a relative server", "$.servers[0].url", ["servers", 0, "url"], "/api"],
  ["a server without TLS", "$.servers[0].url", ["servers", 0, "url"], "http://a.example"],
  ["no operation", "$.paths", ["paths"], {}],
  ["31 operations", "$.paths", ["paths"], MANY],
  ["an operation without an id", `${READ}.operationId`, read("operationId"), undefined],
  ["an id with a dot", `${READ}.operationId`, read("operationId"), "a.b"],
  ["an id of 65 characters", `${READ}.operationId`, read("operationId"), "a".repeat(65)],
  ["an id that is there twice", `${WRITE}.operationId`, write("operationId"), "read"],
  ["an operation that leaves its consequence open", `${READ}["x-openai-isConsequential"]`, read("x-openai-isConsequential"), undefined],
  ["a summary of 301 characters", `${READ}.summary`, read("summary"), "s".repeat(301)],
  ["a description of 301 characters", `${READ}.description`, read("description"), "d".repeat(301)],
  [
    "a parameter's description of 701 characters",
    `${READ}.parameters[0].description`,
    read("parameters", 0, "description"),
    "p".repeat(701),
  ],
  [
    "a body member's description of 701 characters",
    `${WRITE}.requestBody.content["application/json"].schema.properties.anyOf.description`,
    write(...body),
    "p".repeat(701),
  ],
  ["a header of its own", `${READ}.parameters[0].in`, read("parameters", 0, "in"), "header"],
  ["a cookie", `${READ}.parameters[0].in`, read("parameters", 0, "in"), "cookie"],
  [
    "a file to send",
    `${WRITE}.requestBody.content["multipart/form-data"]`,
    write("requestBody", "content", "multipart/form-data"),
    { schema: { type: "object", properties: {} } },
  ],
  ["an image to get", `${READ}.responses["200"].content["image/png"]`, read("responses", "200", "content", "image/png"), {}],
  ["a schema with anyOf", `${READ}.parameters[0].schema.anyOf`, read("parameters", 0, "schema", "anyOf"), [{ type: "string" }]],
  ["a schema with oneOf", `${READ}.parameters[0].schema.oneOf`, read("parameters", 0, "schema", "oneOf"), [{ type: "string" }]],
  ["a schema with allOf", `${READ}.parameters[0].schema.allOf`, read("parameters", 0, "schema", "allOf"), [{ type: "string" }]],
  [
    "a reference to elsewhere",
    `${READ}.parameters[0].schema["$ref"]`,
    read("parameters", 0, "schema", "$ref"),
    "https://b.example/schema.json",
  ],
  ["a reference to nothing", `${READ}.parameters[0].schema["$ref"]`, read("parameters", 0, "schema", "$ref"), "#/components/schemas/C"],
  [
    "a body that is no object",
    `${WRITE}.requestBody.content["application/json"].schema.type`,
    write("requestBody", "content", "application/json", "schema", "type"),
    "string",
  ],
  ["an object that names no members", `${AB}.properties`, ab("properties"), undefined],
  ["a list that says nothing of its items", `${AB}.properties.list.items`, ab("properties", "list", "items"), undefined],
  [
    "an object in a list that names no members",
    `${AB}.properties.list.items.properties`,
    ab("properties", "list", "items"),
    { type: "object" },
  ],
  [
    "a list as a further member that says nothing of its items",
    `${AB}.properties.none.additionalProperties.items`,
    ab("properties", "none", "additionalProperties"),
    { type: "array" },
  ],
  ["another way of OAuth", `${FLOWS}.implicit`, ["components", "securitySchemes", "oauth", "flows", "implicit"], {}],
  ["an authorization URL on another host", `${FLOW}.authorizationUrl`, flow("authorizationUrl"), "https://b.example/authorize"],
  ["a token URL that is relative", `${FLOW}.tokenUrl`, flow("tokenUrl"), "/token"],
];

for (const [limit, path, keys, value] of BROKEN) {
  test(`${limit} is refused at its place`, () => {
    const document = goodDocument();
    const holder = keys.slice(0, -1).reduce((node, key) => node[key], document);
    holder[keys.at(-1) ?? ""] = value;
    // Without a server of its own the document has no host that OAuth could be on.
    const places = checkActionsLimits(document).map((fault) => fault.path);
    assert.deepEqual(
      places.filter((place) => path.startsWith(FLOWS) || !place.startsWith(FLOWS)),
      [path],
    );
  });
}

test("what is no document at all is refused", () => {
  for (const value of [null, [], "openapi", 3]) assert.deepEqual(checkActionsLimits(value), [{ path: "$", message: "must be an object" }]);
});
