import assert from "node:assert/strict";
import { test } from "node:test";
import { McpError, type McpFault } from "../../mcp/protocol/errors.ts";
import { CapabilityError, type CapabilityErrorCode } from "../../shared/capabilities/capability.ts";
import type { CompletionContext } from "../../shared/capabilities/features.ts";
import type { Pack } from "../../shared/capabilities/offer.ts";
import { callerOf, sessionOf, startMethods } from "./calls.mts";
import { startMcp } from "./server.mts";

const ERAS = ["modern", "legacy"] as const;

const PACK: Pack = {
  resources: [
    { uri: "test://text", name: "text", title: "Text", mimeType: "text/plain", size: 5, scopes: [], read: () => "hello" },
    { uri: "test://bytes", name: "bytes", mimeType: "image/png", scopes: [], read: () => new Uint8Array([1, 2, 3, 255]).subarray(1) },
    { uri: "test://plain", name: "plain", scopes: "public", annotations: { priority: 0.5 }, read: () => "" },
    {
      uri: "test://folder",
      name: "folder",
      scopes: [],
      read: () => [
        { uri: "test://folder/a", text: "a" },
        { uri: "test://folder/b", blob: "AQ==" },
      ],
    },
    { uri: "test://secret", name: "secret", scopes: ["todos:write"], read: () => "secret" },
  ],
  resourceTemplates: [
    {
      uriTemplate: "test://item/{id}/data",
      name: "item",
      mimeType: "application/json",
      scopes: [],
      complete: { id: (typed) => ["alpha", "beta", "beth"].filter((value) => value.startsWith(typed)) },
      read({ id = "" }) {
        if (id === "none") throw new CapabilityError("not_found", "There is no such item.");
        if (id.startsWith("error-")) throw new CapabilityError(id.slice(6) as CapabilityErrorCode, `It is ${id}.`, { retryAfter: 3 });
        return JSON.stringify({ id });
      },
    },
  ],
  prompts: [
    { name: "simple", description: "Simple.", scopes: [], get: () => [{ role: "user", content: { type: "text", text: "Hi" } }] },
    {
      name: "filled",
      title: "Filled",
      description: "Filled in.",
      scopes: ["todos:read"],
      arguments: {
        language: { description: "Which.", required: true, complete: () => Array.from({ length: 250 }, (_, index) => `language ${index}`) },
        framework: {
          title: "Framework",
          description: "With what.",
          complete: (typed, { arguments: given, caller }) => [`${given["language"]} ${typed} ${caller?.subject}`],
        },
        note: { description: "More." },
      },
      get: (given) => [{ role: "user", content: { type: "text", text: JSON.stringify(given) } }],
    },
  ],
};

function fault(expected: McpFault, words = /./) {
  return (error: unknown) => error instanceof McpError && error.fault === expected && words.test(error.message);
}

function code(expected: CapabilityErrorCode) {
  return (error: unknown) => error instanceof CapabilityError && error.code === expected;
}

const NOBODY = callerOf("user-2", "client-1", []);

test("a resource is read as text, as bytes in base64, or as several contents", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  for (const [uri, contents] of [
    ["test://text", [{ uri: "test://text", mimeType: "text/plain", text: "hello" }]],
    ["test://bytes", [{ uri: "test://bytes", mimeType: "image/png", blob: "AgP/" }]],
    ["test://plain", [{ uri: "test://plain", text: "" }]],
    [
      "test://folder",
      [
        { uri: "test://folder/a", text: "a" },
        { uri: "test://folder/b", blob: "AQ==" },
      ],
    ],
    ["test://item/a%20b/data", [{ uri: "test://item/a%20b/data", mimeType: "application/json", text: '{"id":"a b"}' }]],
  ] as const) {
    const modern = await methods.call("resources/read", { params: { uri } });
    assert.deepEqual([modern.resultType, modern.contents, modern.cacheScope], ["complete", contents, "private"]);
    assert.ok(Number.isInteger(modern.ttlMs) && modern.ttlMs >= 0);
    assert.deepEqual(await methods.call("resources/read", { params: { uri }, era: "legacy" }), { contents });
  }
});

test("resources and templates are listed as they are described", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const { resources } = await methods.call("resources/list", { era: "legacy" });
  assert.deepEqual(resources[0], { uri: "test://text", name: "text", title: "Text", mimeType: "text/plain", size: 5 });
  assert.deepEqual(resources[2], { uri: "test://plain", name: "plain", annotations: { priority: 0.5 } });
  const { resourceTemplates } = await methods.call("resources/templates/list", { era: "legacy" });
  assert.deepEqual(resourceTemplates, [{ uriTemplate: "test://item/{id}/data", name: "item", mimeType: "application/json" }]);
});

test("what is not there, or not found when it is read, is not found by its uri", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  for (const era of ERAS) {
    for (const uri of ["test://nothing", "test://item/none/data", ""]) {
      await assert.rejects(
        methods.call("resources/read", { params: { uri }, era }),
        (error: unknown) => fault("resource_not_found")(error) && (error as McpError).data?.["uri"] === uri,
      );
    }
  }
});

test("what may not be read passes up for HTTP to say, and other outcomes keep their words", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const read = (uri: string, caller = NOBODY) => methods.call("resources/read", { params: { uri }, caller });
  await assert.rejects(read("test://secret"), code("insufficient_scope"));
  await assert.rejects(methods.call("resources/read", { params: { uri: "test://secret" }, caller: null }), code("unauthenticated"));
  for (const [outcome, expected] of [
    ["forbidden", "invalid_params"],
    ["conflict", "invalid_params"],
    ["rate_limited", "internal"],
    ["unavailable", "internal"],
  ] as const) {
    await assert.rejects(read(`test://item/error-${outcome}/data`), fault(expected, new RegExp(`error-${outcome}`)));
  }
  await assert.rejects(read("test://item/error-internal/data"), code("internal"));
});

test("a prompt is given with the arguments it declares, and others are left out", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  for (const era of ERAS) {
    const simple = await methods.call("prompts/get", { params: { name: "simple" }, era });
    assert.deepEqual([simple.description, simple.messages], ["Simple.", [{ role: "user", content: { type: "text", text: "Hi" } }]]);
    const given = { language: "", note: "n", unknown: "x" };
    const filled = await methods.call("prompts/get", { params: { name: "filled", arguments: given }, era });
    assert.deepEqual(JSON.parse(filled.messages[0].content.text), { language: "", note: "n" });
  }
});

test("prompts are listed with their arguments", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const { prompts } = await methods.call("prompts/list", { era: "legacy" });
  assert.deepEqual(prompts, [
    { name: "simple", description: "Simple.", arguments: [] },
    {
      name: "filled",
      title: "Filled",
      description: "Filled in.",
      arguments: [
        { name: "language", description: "Which.", required: true },
        { name: "framework", title: "Framework", description: "With what.", required: false },
        { name: "note", description: "More.", required: false },
      ],
    },
  ]);
});

test("a prompt that is unknown, or whose arguments are missing or no text, has invalid parameters", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const get = (params: object) => methods.call("prompts/get", { params: { ...params } });
  await assert.rejects(get({ name: "nothing" }), fault("invalid_params"));
  await assert.rejects(get({ name: "constructor" }), fault("invalid_params"));
  await assert.rejects(get({ name: "filled" }), fault("invalid_params", /language/));
  await assert.rejects(get({ name: "filled", arguments: {} }), fault("invalid_params", /language/));
  await assert.rejects(get({ name: "filled", arguments: { language: 5 } }), fault("invalid_params", /language must be a string/));
  for (const wrong of [null, [], "x"]) await assert.rejects(get({ name: "filled", arguments: wrong }), fault("invalid_params"));
  await assert.rejects(methods.call("prompts/get", { params: { name: "filled" }, caller: NOBODY }), code("insufficient_scope"));
});

test("completion gives the best hundred values, with how many there are", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const ref = { type: "ref/prompt", name: "filled" };
  for (const era of ERAS) {
    const { completion } = await methods.call("completion/complete", { params: { ref, argument: { name: "language", value: "" } }, era });
    assert.deepEqual(
      [completion.values.length, completion.values[0], completion.total, completion.hasMore],
      [100, "language 0", 250, true],
    );
  }
  const argument = { name: "framework", value: "fla" };
  const { completion } = await methods.call("completion/complete", {
    params: { ref, argument, context: { arguments: { language: "python" } } },
  });
  assert.deepEqual(completion, { values: ["python fla user-1"], total: 1, hasMore: false });
});

test("a completer that takes too long is told to stop, and the client that it took too long", async (t) => {
  const { promise: stopped, resolve } = Promise.withResolvers<AbortSignal>();
  const complete = (_typed: string, { signal }: CompletionContext) => {
    signal.addEventListener("abort", () => resolve(signal));
    return new Promise<never>(() => {});
  };
  const get = () => [];
  const prompts = [{ name: "slow", description: "Slow.", scopes: [], arguments: { what: { description: "What.", complete } }, get }];
  const methods = await startMethods(t, { pack: { prompts }, env: { CALL_TIME_LIMIT: "1" } });
  const params = { ref: { type: "ref/prompt", name: "slow" }, argument: { name: "what", value: "" } };
  await assert.rejects(methods.call("completion/complete", { params }), fault("internal", /longer than it may/));
  assert.equal((await stopped).aborted, true);
});

test("completion of a template's variable, and of what nothing completes", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const complete = async (ref: object, name: string) =>
    (await methods.call("completion/complete", { params: { ref, argument: { name, value: "be" } } })).completion.values;
  const template = { type: "ref/resource", uri: "test://item/{id}/data" };
  assert.deepEqual(await complete(template, "id"), ["beta", "beth"]);
  assert.deepEqual(await complete(template, "constructor"), []);
  assert.deepEqual(await complete({ type: "ref/resource", uri: "test://text" }, "id"), []);
  assert.deepEqual(await complete({ type: "ref/prompt", name: "filled" }, "note"), []);
  assert.deepEqual(await complete({ type: "ref/prompt", name: "filled" }, "toString"), []);
  assert.deepEqual(await complete({ type: "ref/prompt", name: "simple" }, "any"), []);
});

test("completion of what is not offered or malformed has invalid parameters, and needs the access of what it completes", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const ref = { type: "ref/prompt", name: "filled" };
  const argument = { name: "language", value: "" };
  for (const params of [
    {},
    { ref, argument: { name: "language" } },
    { ref, argument: { name: 1, value: "" } },
    { ref, argument: null },
    { argument },
    { ref: { type: "ref/prompt", name: "nothing" }, argument },
    { ref: { type: "ref/prompt", uri: "test://text" }, argument },
    { ref: { type: "ref/resource", uri: "test://nothing/{id}" }, argument },
    { ref: { type: "ref/other", name: "filled" }, argument },
    { ref, argument, context: [] },
    { ref, argument, context: { arguments: { language: 1 } } },
    { ref, argument, context: { arguments: "x" } },
  ]) {
    await assert.rejects(methods.call("completion/complete", { params }), fault("invalid_params"), JSON.stringify(params));
  }
  await assert.rejects(methods.call("completion/complete", { params: { ref, argument }, caller: NOBODY }), code("insufficient_scope"));
});

test("a log level is set for a session, if it is one", async (t) => {
  const methods = await startMethods(t);
  const session = sessionOf();
  const set = (level: unknown) => methods.call("logging/setLevel", { era: "legacy", params: { level }, session });
  assert.deepEqual(await set("warning"), {});
  assert.equal(session.now().logSeverity, "warning");
  for (const level of ["loud", undefined, 3, "Warning"]) await assert.rejects(set(level), fault("invalid_params"));
  await assert.rejects(methods.call("logging/setLevel", { era: "legacy", params: { level: "info" } }), fault("session_needed"));
});

test("over HTTP a resource that is not readable by the caller is a 403 with the scopes it needs", async (t) => {
  const mcp = await startMcp(t, { providers: [{ start: () => PACK }], scopes: ["todos:read"] });
  for (const send of [mcp.modern, mcp.legacy]) {
    const { status, headers } = await send("resources/read", { uri: "test://secret" });
    assert.equal(status, 403);
    const challenge = headers.get("www-authenticate") ?? "";
    assert.match(challenge, /error="insufficient_scope"/);
    assert.match(challenge, /scope="todos:write"/);
  }
});
