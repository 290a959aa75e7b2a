import assert from "node:assert/strict";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { z } from "zod";
import { checkActionsLimits } from "../../actions/actions-limits.ts";
import { createOpenApi } from "../../actions/openapi.ts";
import { defineCapability } from "../../shared/capabilities/capability.ts";
import { createRegistry, registryOf } from "../../shared/capabilities/registry.ts";
import { SCOPES } from "../../shared/capabilities/scopes.ts";

const BASE_URL = "https://portico.example.com";
const registry = createRegistry({ capabilityPacks: ["core", "todos"], callTimeLimit: 60_000 });
// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of each member.
const document = JSON.parse(JSON.stringify(createOpenApi(registry, BASE_URL))) as any;

// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of each member.
function operationOf(name: string): any {
  const item = document.paths[`/actions/${name}`];
  return item.get ?? item.post;
}

test("an independent validator takes the document, and not a broken one", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors));
  assert.equal((await new Validator().validate({ ...document, paths: [] })).valid, false);
});

test("ChatGPT takes the document of all packs", () => {
  assert.deepEqual(checkActionsLimits(document), []);
});

test("every capability is an operation under its name, with the method of its effect", () => {
  assert.deepEqual(
    Object.entries(document.paths).map(([path, item]) => [path, Object.keys(item as object)]),
    registry.catalog.capabilities.map(({ name, effect }) => [`/actions/${name}`, [effect === "read" ? "get" : "post"]]),
  );
  for (const { name } of registry.catalog.capabilities) assert.equal(operationOf(name).operationId, name);
});

test("whether an operation is consequential is said of each, and only reads are not", () => {
  for (const { name, effect } of registry.catalog.capabilities)
    assert.equal(operationOf(name)["x-openai-isConsequential"], effect !== "read", name);
});

test("each operation asks for its scopes, a public one for nothing", () => {
  for (const { name, access } of registry.catalog.capabilities) {
    assert.deepEqual(operationOf(name).security, access === "public" ? [] : [{ oauth: access }], name);
  }
});

test("the security scheme has our URLs and the words of the scopes that are used", () => {
  const { oauth } = document.components.securitySchemes;
  assert.equal(oauth.type, "oauth2");
  assert.deepEqual(oauth.flows.authorizationCode, {
    authorizationUrl: `${BASE_URL}/oauth/authorize`,
    tokenUrl: `${BASE_URL}/oauth/token`,
    refreshUrl: `${BASE_URL}/oauth/token`,
    scopes: Object.fromEntries(
      (["openid", "profile", "email", "todos:read", "todos:write"] as const).map((scope) => [scope, SCOPES[scope]]),
    ),
  });
  const core = createOpenApi(createRegistry({ capabilityPacks: ["core"], callTimeLimit: 60_000 }), BASE_URL) as typeof document;
  assert.deepEqual(Object.keys(core.components.securitySchemes.oauth.flows.authorizationCode.scopes), ["openid", "profile", "email"]);
});

test("a read's input is query parameters, a write's is a body", () => {
  assert.deepEqual(
    // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of each member.
    operationOf("list_todos").parameters.map((parameter: any) => [parameter.name, parameter.in, parameter.required, parameter.schema.type]),
    [
      ["status", "query", false, "string"],
      ["limit", "query", false, "integer"],
      ["cursor", "query", false, "string"],
    ],
  );
  assert.equal(operationOf("get_todo").parameters[0].required, true);
  const { requestBody, parameters } = operationOf("create_todo");
  assert.equal(parameters, undefined);
  assert.equal(requestBody.required, true);
  assert.deepEqual(requestBody.content["application/json"].schema.required, ["title"]);
});

test("every fault that an operation can have is described as a problem document", () => {
  const faults = (name: string) => Object.keys(operationOf(name).responses).filter((status) => status !== "200");
  assert.deepEqual(faults("get_todo"), ["400", "401", "403", "404", "405", "409", "429", "500", "503", "504"]);
  assert.deepEqual(faults("update_todo"), ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429", "500", "503", "504"]);
  for (const status of faults("update_todo")) {
    const { schema } = operationOf("update_todo").responses[status].content["application/problem+json"];
    assert.deepEqual(schema, { $ref: "#/components/schemas/Problem" });
  }
});

test("the document has the chosen operations alone, with their scopes", () => {
  const options = { capabilityPacks: ["core", "todos"], callTimeLimit: 60_000, operations: ["create_todo", "health_check"] } as const;
  const chosen = createOpenApi(createRegistry(options), BASE_URL) as typeof document;
  assert.deepEqual(Object.keys(chosen.paths), ["/actions/health_check", "/actions/create_todo"]);
  assert.deepEqual(Object.keys(chosen.components.securitySchemes.oauth.flows.authorizationCode.scopes), ["todos:write"]);
});

test("definitions that schemas share are put in where they are used", () => {
  const Place = z.object({ name: z.string().describe("Its name.") }).meta({ id: "Place" });
  const shared = defineCapability({
    name: "travel",
    title: "Travel",
    description: "Use this when you test.",
    scopes: [],
    effect: "write",
    input: z.object({ from: Place.describe("Where from."), to: Place.describe("Where to.") }),
    output: z.object({ stops: z.array(Place) }),
    run: () => ({ stops: [] }),
  });
  const text = JSON.stringify(createOpenApi(registryOf([{ capabilities: [shared] }]), BASE_URL));
  assert.ok(!text.includes("$defs"));
  assert.deepEqual(checkActionsLimits(JSON.parse(text)), []);
  const { properties } = JSON.parse(text).paths["/actions/travel"].post.requestBody.content["application/json"].schema;
  assert.equal(properties.to.description, "Where to.");
  assert.equal(properties.to.properties.name.type, "string");
});

test("a schema that refers to itself has no flat form and is refused by name where Actions offer it", () => {
  const Node = z.object({
    get children() {
      return z.array(Node).describe("The nodes below.");
    },
  });
  const tree = defineCapability({
    name: "tree",
    title: "Tree",
    description: "Use this when you test.",
    scopes: [],
    effect: "write",
    input: z.object({ node: Node.describe("A node.") }),
    output: z.object({}),
    run: () => ({}),
  });
  assert.throws(() => registryOf([{ capabilities: [tree] }]), /tree\.input: \S+: the reference \S+ cannot be put in place/);
  assert.doesNotThrow(() => registryOf([{ capabilities: [{ ...tree, surfaces: ["mcp"] }] }]));
});
