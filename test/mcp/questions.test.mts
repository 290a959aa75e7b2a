import assert from "node:assert/strict";
import { test } from "node:test";
import { createQuestions } from "../../mcp/asking/questions.ts";
import { NO_FEATURES } from "../../mcp/protocol/client-features.ts";
import { createAsk } from "../../shared/capabilities/asking.ts";
import { startMethods } from "./calls.mts";

test("a question that nobody answers is over after the configured time, and an answer that comes later finds nobody", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { service } = await startMethods(t, { env: { MCP_ANSWER_TIME: "10" } });
  const questions = service.part(createQuestions);
  const { promise: sent, resolve } = Promise.withResolvers<string>();
  const send = (message: string) => {
    resolve(message);
    return true;
  };
  const session = { key: "session-1", subject: "user-1", features: { ...NO_FEATURES, roots: true } };
  const answered = createAsk(questions.askerOf(session, send, () => new AbortController().signal)).roots("where");
  const { id } = JSON.parse(await sent);
  t.mock.timers.tick(10_000);
  await assert.rejects(answered, { code: "timed_out" });
  assert.equal(await questions.answer("session-1", { kind: "response", id, result: { roots: [] } }), false);
});

test("a question is answered within its session alone", async (t) => {
  const { service } = await startMethods(t);
  const questions = service.part(createQuestions);
  const { promise: sent, resolve } = Promise.withResolvers<string>();
  const send = (message: string) => {
    resolve(message);
    return true;
  };
  const session = { key: "session-1", subject: "user-1", features: { ...NO_FEATURES, roots: true } };
  const answered = createAsk(questions.askerOf(session, send, () => new AbortController().signal)).roots("where");
  const { id } = JSON.parse(await sent);
  const response = { kind: "response", id, result: { roots: [{ uri: "file:///work" }] } } as const;
  assert.equal(await questions.answer("session-2", response), false);
  assert.equal(await questions.answer("session-1", response), true);
  assert.deepEqual(await answered, [{ uri: "file:///work" }]);
});
