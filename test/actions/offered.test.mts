import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { checkActionsLimits } from "../../actions/actions-limits.ts";
import { checkDocument, handleDocument } from "../../actions/document.ts";
import { operationSurface } from "../../actions/faults.ts";
import { createOpenApi } from "../../actions/openapi.ts";
import { handleOperation } from "../../actions/operation.ts";
import { type CapabilityDefinition, defineCapability } from "../../shared/capabilities/capability.ts";
import { answer } from "../../shared/capabilities/content.ts";
import type { Announcer } from "../../shared/capabilities/offer.ts";
import { registryOf } from "../../shared/capabilities/registry.ts";
import type { Exchange } from "../../shared/http/exchange.ts";
import { createService, type Service } from "../../shared/service.ts";
import { exchangeOf } from "./exchange.mts";

const BASE_URL = "https://portico.example.com";

const picture = defineCapability({
  name: "picture",
  title: "Picture",
  description: "Use this when you test.",
  scopes: "public",
  effect: "read",
  input: z.object({}),
  run: () => answer([{ type: "image", data: "aa==", mimeType: "image/png" }]),
});
const asks = defineCapability({
  ...picture,
  name: "asks",
  path: "questions",
  async run(_input, { ask }) {
    await ask.form("name", "Who are you?", z.object({ name: z.string() }));
    return answer([]);
  },
});
const hidden = defineCapability({ ...picture, name: "hidden", path: "secret", scopes: ["todos:read"], surfaces: ["mcp"] });

let announcer: Announcer | undefined;
let service: Service;
before(async () => {
  const provider = {
    start(given: Announcer) {
      announcer = given;
      return { capabilities: [picture, asks, hidden] };
    },
  };
  service = await createService({
    env: { STATE_URL: "sqlite::memory:", LOG_LEVEL: "silent", CAPABILITIES: "core" },
    providers: [provider],
  });
});
after(() => service.close());

// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of each member.
function documentOf(...capabilities: CapabilityDefinition[]): any {
  return JSON.parse(JSON.stringify(createOpenApi(registryOf([{ capabilities }]), BASE_URL)));
}

async function call(name: string) {
  return handleOperation(exchangeOf(`/actions/${name}`), service);
}

test("what only shows content answers with it, and the document says so", async () => {
  const { status, body } = await call("picture");
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(String(body)), { content: [{ type: "image", data: "aa==", mimeType: "image/png" }] });
  const document = documentOf(picture);
  const { schema } = document.paths["/actions/picture"].get.responses["200"].content["application/json"];
  assert.deepEqual(schema.required, ["content"]);
  assert.equal(schema.properties.content.items.properties.mimeType.type, "string");
  assert.deepEqual(checkActionsLimits(document), []);
});

test("what is on MCP alone is no operation, by name or by path, and its scopes are not asked for", async () => {
  for (const name of ["hidden", "secret"]) await assert.rejects(call(name), /no such operation/);
  const document = documentOf(picture, hidden);
  assert.deepEqual(Object.keys(document.paths), ["/actions/picture"]);
  assert.deepEqual(document.components.securitySchemes.oauth.flows.authorizationCode.scopes, {});
});

test("an operation that asks a question ends with a 409 that leads to MCP", async () => {
  const exchange: Exchange = exchangeOf("/actions/asks");
  const cause: unknown = await call("asks").catch((error: unknown) => error);
  const { status, body } = operationSurface.renderFault({ status: 500, message: "Something went wrong.", cause }, exchange, service);
  assert.equal(status, 409);
  assert.match(JSON.parse(String(body)).detail, /only MCP can carry/);
});

test("operations and document follow what a provider offers", async () => {
  const tagOf = () => handleDocument(exchangeOf("/actions/openapi.json"), service).headers?.["etag"];
  const tag = tagOf();
  assert.equal(tagOf(), tag);
  announcer?.offer({ capabilities: [defineCapability({ ...picture, name: "other" })] });
  assert.equal((await call("other")).status, 200);
  assert.equal((await call("health_check")).status, 200);
  await assert.rejects(call("picture"), /no such operation/);
  assert.notEqual(tagOf(), tag);
});

test("a document that ChatGPT would not take stops the start, with every place", async () => {
  const wide = (name: string) =>
    defineCapability({
      ...picture,
      name,
      output: z.object(
        Object.fromEntries(Array.from({ length: 700 }, (_, index) => [`member_${index}`, z.string().describe("x".repeat(1_000))])),
      ),
      run: () => ({}),
    });
  const registry = registryOf([{ capabilities: [wide("one"), wide("two")] }]);
  const large: Service = { ...service, registry, derived: (make) => make(large) };
  assert.throws(
    () => checkDocument(large),
    /the OpenAPI document, \$: has \d+ characters; less than 1000000 are taken; change the capability/,
  );
  assert.doesNotThrow(() => checkDocument(service));
  const none: Service = { ...service, registry: registryOf([]) };
  assert.doesNotThrow(() => checkDocument(none));
});
