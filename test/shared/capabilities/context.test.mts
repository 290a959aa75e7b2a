import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { type Conversation, createCompletionContext, createContext } from "../../../shared/capabilities/context.ts";
import { ANN, type Calls, createLines, failsWith, openCalls, origin } from "./calls.mts";

let calls: Calls;
before(async () => {
  calls = await openCalls();
});
after(() => calls.service.close());

function conversing() {
  const told: unknown[][] = [];
  const conversation: Conversation = {
    progress: (...progress) => void told.push(["progress", ...progress]),
    clientLog: (...line) => void told.push(["log", ...line]),
    releaseConnection: (retry) => void told.push(["release", retry]),
    trace: { traceparent: "00-1-2-01" },
    asker: { supports: (interaction) => interaction === "form", put: async (_key, _request, read) => read({ action: "cancel" }) },
  };
  return { told, context: createContext(calls.service, ANN, origin(), conversation) };
}

test("without a way back to the client nothing is told, and questions are refused", async () => {
  const { progress, clientLog, releaseConnection, trace, ask } = createContext(calls.service, ANN, origin());
  progress(1);
  clientLog("info", "there");
  releaseConnection(10);
  assert.deepEqual(trace, {});
  await assert.rejects(ask.roots("roots"), failsWith("interaction_required"));
});

test("with one the client is told as it was said, and asked what it can answer", async () => {
  const { told, context } = conversing();
  context.progress(1, 2, "half");
  context.clientLog("warning", { a: 1 }, "logger");
  context.releaseConnection(10);
  assert.deepEqual(told, [
    ["progress", 1, 2, "half"],
    ["log", "warning", { a: 1 }, "logger"],
    ["release", 10],
  ]);
  assert.deepEqual(context.trace, { traceparent: "00-1-2-01" });
  assert.deepEqual(await context.ask.form("a", "A?", z.object({})), { action: "cancel" });
  await assert.rejects(context.ask.roots("roots"), failsWith("client_capability"));
});

test("progress that does not go on is left out", () => {
  const { told, context } = conversing();
  for (const progress of [0, 0, 0.5, 0.25, Number.NaN, 1]) context.progress(progress);
  assert.deepEqual(
    told.map(([, progress]) => progress),
    [0, 0.5, 1],
  );
});

test("a completer sees the caller's records, the other arguments and the request in its log", async () => {
  const { log, lines } = createLines();
  const context = createCompletionContext({ ...calls.service, log }, ANN, origin(), { owner: "ann" });
  assert.deepEqual(context.arguments, { owner: "ann" });
  assert.equal(context.caller, ANN);
  await context.records("note", z.string()).create("a", "hers");
  assert.equal((await createContext(calls.service, ANN, origin()).records("note", z.string()).get("a"))?.value, "hers");
  context.log.info({}, "looked");
  assert.deepEqual(lines, [{ fields: { request: "request-1" }, message: "looked" }]);
  assert.throws(() => createCompletionContext(calls.service, undefined, origin(), {}).records("note", z.string()), failsWith("forbidden"));
});
