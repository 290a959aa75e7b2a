import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { McpError } from "../../mcp/protocol/errors.ts";
import { type CapabilityDefinition, CapabilityError } from "../../shared/capabilities/capability.ts";
import { createClock, SECOND } from "../support/clock.mts";
import { ALL_FEATURES, type CallSettings, callerOf, type Methods, startMethods } from "./calls.mts";
import { type Json, startMcp } from "./server.mts";

const NAME = z.object({ name: z.string() });
const BASE = {
  title: "A test",
  description: "Use this in a test.",
  scopes: "public" as const,
  effect: "write" as const,
  surfaces: ["mcp"] as const,
  input: z.object({
    topic: z.string().optional().describe("What about."),
    flags: z.record(z.string(), z.boolean()).optional().describe("How."),
  }),
  output: z.object({ said: z.string() }),
};

/** Asks for a name, then for a colour. */
const inTurn: CapabilityDefinition = {
  ...BASE,
  name: "in_turn",
  async run(_input, { ask }) {
    const name = await ask.form("user_name", "What is your name?", NAME);
    const colour = await ask.form("colour", "Which colour?", z.object({ colour: z.string() }));
    return { said: `${said(name, "name")} likes ${said(colour, "colour")}` };
  },
};

/** Asks all kinds of questions at once. */
const together: CapabilityDefinition = {
  ...BASE,
  name: "together",
  async run(_input, { ask }) {
    const [name, greeting, roots] = await Promise.all([
      ask.form("user_name", "What is your name?", NAME),
      ask.sample("greeting", { messages: [{ role: "user", content: { type: "text", text: "Greet." } }], maxTokens: 50 }),
      ask.roots("client_roots"),
    ]);
    return { said: `${said(name, "name")} ${JSON.stringify(greeting.content)} ${roots.length}` };
  },
};

let paid = 0;
/** Does something that must happen once. */
const once: CapabilityDefinition = {
  ...BASE,
  name: "once",
  singleUseAnswers: true,
  async run(_input, { ask }) {
    const name = await ask.form("user_name", "Who pays?", NAME);
    paid++;
    return { said: `${said(name, "name")} paid` };
  },
};

function said(answer: Json, member: string): string {
  return answer.action === "accept" ? answer.content[member] : answer.action;
}

const PACK = { capabilities: [inTurn, together, once] };
const ann = { action: "accept", content: { name: "Ann" } };
const red = { action: "accept", content: { colour: "red" } };

/** Calls a tool, with the state of the round before and answers. */
function round(methods: Methods, name: string, last?: Json, inputResponses?: unknown, settings: CallSettings = {}): Promise<Json> {
  const params = { name, arguments: {}, ...settings.params };
  const given = { ...(last && { requestState: last.requestState }), ...(inputResponses !== undefined && { inputResponses }) };
  return methods.call("tools/call", { ...settings, params: { ...params, ...given } });
}

function refused(words: RegExp) {
  return (error: unknown) => error instanceof McpError && error.fault === "invalid_params" && words.test(error.message);
}

test("questions go back in the result one round after the other, and the answers of all rounds count", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const first = await round(methods, "in_turn");
  assert.equal(first.resultType, "input_required");
  assert.deepEqual(Object.keys(first.inputRequests), ["user_name"]);
  assert.equal(first.inputRequests.user_name.method, "elicitation/create");
  assert.ok(first._meta["io.modelcontextprotocol/serverInfo"].name);
  assert.equal(first.ttlMs, undefined);

  const second = await round(methods, "in_turn", first, { user_name: ann });
  assert.deepEqual(Object.keys(second.inputRequests), ["colour"]);
  assert.notEqual(second.requestState, first.requestState);

  const third = await round(methods, "in_turn", second, { colour: red });
  assert.deepEqual([third.resultType, third.structuredContent], ["complete", { said: "Ann likes red" }]);
});

test("questions that are asked together are put together", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const first = await round(methods, "together");
  assert.deepEqual(
    Object.entries(first.inputRequests).map(([key, request]) => [key, (request as Json).method]),
    [
      ["user_name", "elicitation/create"],
      ["greeting", "sampling/createMessage"],
      ["client_roots", "roots/list"],
    ],
  );
  const greeting = { role: "assistant", model: "m", content: { type: "text", text: "Hi" } };
  const partly = await round(methods, "together", first, { user_name: ann, greeting });
  assert.deepEqual(Object.keys(partly.inputRequests), ["client_roots"]);
  const done = await round(methods, "together", partly, { client_roots: { roots: [] } });
  assert.match(done.structuredContent.said, /^Ann .*Hi.* 0$/);
});

test("a missing or unreadable answer is asked for again, and answers to nothing are ignored", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const first = await round(methods, "in_turn");
  for (const responses of [
    undefined,
    {},
    { other: ann },
    { user_name: 12_345 },
    { user_name: null },
    { user_name: { action: "accept", content: { name: 5 } } },
    { user_name: { action: "maybe" } },
    JSON.parse('{"__proto__": {"user_name": {"action": "decline"}}}'),
  ]) {
    const again = await round(methods, "in_turn", first, responses);
    assert.deepEqual(Object.keys(again.inputRequests), ["user_name"], JSON.stringify(responses));
  }
  const done = await round(methods, "in_turn", first, { user_name: ann, colour: red, unknown_extra_key: { action: "accept" } });
  assert.deepEqual(done.structuredContent, { said: "Ann likes red" });
});

test("answers without a state are those to the first questions, and a person may decline", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const done = await round(methods, "in_turn", undefined, { user_name: { action: "decline" }, colour: { action: "cancel" } });
  assert.deepEqual(done.structuredContent, { said: "decline likes cancel" });
});

test("answers and states of another form are invalid parameters", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  for (const inputResponses of [null, [], "yes", 1]) {
    await assert.rejects(round(methods, "in_turn", undefined, inputResponses), refused(/inputResponses/));
  }
  for (const requestState of [null, 1, {}, []]) {
    await assert.rejects(round(methods, "in_turn", { requestState }), refused(/requestState/));
  }
});

test("a state that was altered in any place is refused", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const { requestState } = await round(methods, "in_turn");
  await fc.assert(
    fc.asyncProperty(fc.nat(requestState.length - 1), fc.constantFrom("A", "z", ".", "-", ""), async (place, character) => {
      const altered = requestState.slice(0, place) + character + requestState.slice(place + 1);
      // The last character has bits that base64url does not use.
      if (altered === requestState || place === requestState.length - 1) return;
      await assert.rejects(round(methods, "in_turn", { requestState: altered }, { user_name: ann }), refused(/requestState/));
    }),
    { numRuns: 50 },
  );
  for (const made of ["", "x", "a.b", methods.service.sealer.seal("another purpose", "{}")]) {
    await assert.rejects(round(methods, "in_turn", { requestState: made }), refused(/requestState/));
  }
});

test("a state is good for the same caller, client, method and parameters only", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const settings = { params: { name: "in_turn", arguments: { topic: "a", flags: { x: true, y: false } } } };
  const first = await round(methods, "in_turn", undefined, undefined, settings);
  const again = (change: CallSettings) => round(methods, "in_turn", first, { user_name: ann }, { ...settings, ...change });

  for (const caller of [callerOf("user-2"), callerOf("user-1", "client-2"), null]) {
    await assert.rejects(again({ caller }), refused(/another caller/));
  }
  for (const params of [
    { name: "in_turn", arguments: { topic: "b", flags: { x: true, y: false } } },
    { name: "in_turn", arguments: { topic: "a", flags: { x: true } } },
    { name: "in_turn", arguments: { topic: "a" } },
    { name: "in_turn" },
    { name: "together", arguments: { topic: "a", flags: { x: true, y: false } } },
    { ...settings.params, more: 1 },
  ]) {
    await assert.rejects(again({ params }), refused(/another request/));
  }
  const reordered = { arguments: { flags: { y: false, x: true }, topic: "a" }, name: "in_turn" };
  const next = await again({ params: reordered, meta: { "io.modelcontextprotocol/logLevel": "info" } });
  assert.deepEqual(Object.keys(next.inputRequests), ["colour"]);
});

test("a stranger may be asked too, and his state is not a signed-in person's", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const first = await round(methods, "in_turn", undefined, undefined, { caller: null });
  await assert.rejects(round(methods, "in_turn", first, { user_name: ann }), refused(/another caller/));
  const next = await round(methods, "in_turn", first, { user_name: ann }, { caller: null });
  assert.deepEqual(Object.keys(next.inputRequests), ["colour"]);
});

test("a state expires after the time for answers, and every round has that time anew", async (t) => {
  const clock = createClock();
  const methods = await startMethods(t, { pack: PACK, clock, env: { MCP_ANSWER_TIME: "60" } });
  const first = await round(methods, "in_turn");
  clock.advance(59 * SECOND);
  const second = await round(methods, "in_turn", first, { user_name: ann });
  clock.advance(59 * SECOND);
  assert.equal((await round(methods, "in_turn", second, { colour: red })).resultType, "complete");
  clock.advance(SECOND);
  await assert.rejects(round(methods, "in_turn", second, { colour: red }), refused(/expired/));
});

test("answers that are too large to be carried on are refused in words", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const huge = { action: "accept", content: { name: "x".repeat(70_000) } };
  await assert.rejects(round(methods, "in_turn", undefined, { user_name: huge }), refused(/bytes/));
});

test("nothing is asked that the client did not say it can answer", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const client = { ...ALL_FEATURES, sampling: false };
  await assert.rejects(
    round(methods, "together", undefined, undefined, { client }),
    (error: unknown) =>
      error instanceof McpError &&
      error.fault === "missing_capability" &&
      JSON.stringify(error.data) === '{"requiredCapabilities":{"sampling":{}}}',
  );
});

test("answers that count once do so, whoever comes with them how often, and only with their state", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  paid = 0;
  const stateless = await round(methods, "once", undefined, { user_name: ann });
  assert.equal(stateless.resultType, "input_required");

  const unreadable = await round(methods, "once", stateless, { user_name: 1 });
  assert.equal(unreadable.resultType, "input_required");
  const tries = await Promise.allSettled(Array.from({ length: 5 }, () => round(methods, "once", stateless, { user_name: ann })));
  assert.equal(tries.filter(({ status }) => status === "fulfilled").length, 1);
  await assert.rejects(round(methods, "once", stateless, { user_name: ann }), refused(/already used/));
  assert.equal(paid, 1);

  const done = await round(methods, "once", unreadable, { user_name: ann });
  assert.deepEqual([done.structuredContent, paid], [{ said: "Ann paid" }, 2]);
});

test("a legacy call asks through its own asker", async (t) => {
  const methods = await startMethods(t, { pack: PACK });
  const asked: string[] = [];
  const result = await methods.call("tools/call", {
    era: "legacy",
    params: { name: "in_turn" },
    asker: {
      supports: () => true,
      async put(key, _request, read) {
        asked.push(key);
        return read(key === "colour" ? red : ann);
      },
    },
  });
  assert.deepEqual([asked, result.structuredContent], [["user_name", "colour"], { said: "Ann likes red" }]);
});

test("prompts and resources ask as tools do", async (t) => {
  const methods = await startMethods(t, {
    pack: {
      prompts: [
        {
          name: "asking",
          description: "Asks.",
          scopes: [],
          async get(_given, { ask }) {
            const name = said(await ask.form("user_name", "What is your name?", NAME), "name");
            return [{ role: "user", content: { type: "text", text: name } }];
          },
        },
      ],
      resources: [
        {
          uri: "test://asking",
          name: "asking",
          scopes: [],
          read: async ({ ask }) => said(await ask.form("user_name", "What is your name?", NAME), "name"),
        },
      ],
    },
  });
  for (const [method, params] of [
    ["prompts/get", { name: "asking" }],
    ["resources/read", { uri: "test://asking" }],
  ] as const) {
    const { resultType, requestState } = await methods.call(method, { params });
    assert.equal(resultType, "input_required");
    const done = await methods.call(method, { params: { ...params, requestState, inputResponses: { user_name: ann } } });
    assert.match(JSON.stringify([done.messages, done.contents]), /Ann/);
    await assert.rejects(methods.call(method, { params: { ...params, requestState: "x" } }), refused(/requestState/));
  }
  const { requestState } = await methods.call("prompts/get", { params: { name: "asking" } });
  await assert.rejects(methods.call("resources/read", { params: { uri: "test://asking", requestState } }), refused(/another request/));
});

test("over HTTP a round is a result, and a bad state a JSON-RPC error in a 200", async (t) => {
  const mcp = await startMcp(t, { providers: [{ start: () => PACK }] });
  const meta = { "io.modelcontextprotocol/clientCapabilities": { elicitation: {} } };
  const params = { name: "in_turn", arguments: {} };
  const first = await mcp.modern("tools/call", params, { meta });
  assert.deepEqual([first.status, first.body.result.resultType], [200, "input_required"]);
  const { requestState } = first.body.result;
  const wrong = await mcp.modern("tools/call", { ...params, requestState: `${requestState.slice(0, -4)}AAAA` }, { meta, id: 2 });
  assert.deepEqual([wrong.status, wrong.body.error.code, wrong.body.id], [200, -32602, 2]);
  const incapable = await mcp.modern("tools/call", params);
  assert.deepEqual(
    [incapable.status, incapable.body.error.code, incapable.body.error.data],
    [400, -32021, { requiredCapabilities: { elicitation: { form: {} } } }],
  );
});

test("what a run throws beside its questions passes as it is", async (t) => {
  const fails: CapabilityDefinition = {
    ...BASE,
    name: "fails",
    async run(_input, { ask }) {
      await ask.form("user_name", "What is your name?", NAME);
      throw new CapabilityError("conflict", "Too late.");
    },
  };
  const methods = await startMethods(t, { pack: { capabilities: [fails] } });
  const result = await round(methods, "fails", undefined, { user_name: ann });
  assert.deepEqual([result.isError, result.content[0].text], [true, "Too late."]);
});
