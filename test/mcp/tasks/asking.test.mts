import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { McpError } from "../../../mcp/protocol/errors.ts";
import type { Ask } from "../../../shared/capabilities/ask.ts";
import { type Json, openReplica, says, temporaryState, until } from "./replica.mts";

const NAME = z.object({ name: z.string().describe("What to call it.") });
const isOver = ({ status }: Json) => !["working", "input_required"].includes(status);
const asks = ({ status }: Json) => status === "input_required";
const keysOf = ({ inputRequests = {} }: Json) => Object.keys(inputRequests);

async function nameOf(ask: Ask, key: string): Promise<string> {
  const given = await ask.form(key, "What is it called?", NAME);
  return given.action === "accept" ? given.content.name : given.action;
}

const accept = (name: unknown) => ({ action: "accept", content: { name } });

test("an answer that arrives at another replica lets the task go on", async (t) => {
  const stateUrl = temporaryState(t);
  const one = await openReplica(t, { stateUrl });
  const two = await openReplica(t, { stateUrl });
  const { taskId } = await one.begin(async ({ ask }) => says(await nameOf(ask, "first")));
  const { inputRequests } = await two.when(taskId, asks);
  const { method, params } = inputRequests.first;
  assert.deepEqual([method, params.mode, params.message], ["elicitation/create", "form", "What is it called?"]);
  assert.deepEqual(Object.keys(params.requestedSchema.properties), ["name"]);
  const { resultType, _meta, ...rest } = await two.update(taskId, { first: accept("Ada") });
  assert.deepEqual([resultType, rest], ["complete", {}]);
  assert.equal((await two.when(taskId, isOver)).result.content[0].text, "Ada");
});

test("questions that are asked together stay until each is answered", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(async ({ ask }) => {
    return says((await Promise.all([nameOf(ask, "first"), nameOf(ask, "second"), nameOf(ask, "third")])).join());
  });
  assert.deepEqual(keysOf(await one.when(taskId, asks)), ["first", "second", "third"]);
  await one.update(taskId, { second: accept("b") });
  const left = await one.get(taskId);
  assert.deepEqual([left.status, keysOf(left)], ["input_required", ["first", "third"]]);
  await one.update(taskId, { first: accept("a"), third: { action: "decline" } });
  assert.equal((await one.when(taskId, isOver)).result.content[0].text, "a,b,decline");
});

test("a task with nothing left to answer is working again from the moment its update is acknowledged", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const { taskId } = await one.begin(async ({ ask }) => {
    const name = await nameOf(ask, "first");
    await held;
    return says(name);
  });
  await one.when(taskId, asks);
  await one.update(taskId, { first: accept("Ada") });
  const task = await one.get(taskId);
  assert.deepEqual([task.status, "inputRequests" in task], ["working", false]);
  release();
  await one.when(taskId, isOver);
});

test("answers to what was never asked, or was answered before, are ignored", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(async ({ ask }) => says(`${await nameOf(ask, "first")} ${await nameOf(ask, "second")}`));
  await one.when(taskId, asks);
  await one.update(taskId, { other: accept("x"), second: accept("too early"), ["__proto__"]: accept("x"), constructor: accept("x") });
  assert.deepEqual(keysOf(await one.get(taskId)), ["first"]);
  await one.update(taskId, { first: accept("a") });
  await one.when(taskId, (task) => keysOf(task).includes("second"));
  await one.update(taskId, { first: accept("again") });
  await one.update(taskId, { second: accept("b") });
  assert.equal((await one.when(taskId, isOver)).result.content[0].text, "a b");
  assert.equal((await one.update(taskId, { first: accept("late") })).resultType, "complete");
});

test("an answer that cannot be read has the question asked again, under a key that no answer had", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(async ({ ask }) => says(await nameOf(ask, "first")));
  await one.when(taskId, asks);
  await one.update(taskId, { first: accept(7) });
  const again = await one.when(taskId, asks);
  const [key] = keysOf(again);
  assert.notEqual(key, "first");
  assert.equal(again.inputRequests[key as string].params.message, "What is it called?");
  await one.update(taskId, { first: accept("ignored"), [key as string]: accept("Ada") });
  assert.equal((await one.when(taskId, isOver)).result.content[0].text, "Ada");
});

test("work goes on without an answer when none can be read", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(async ({ ask }) => says(await nameOf(ask, "first")));
  for (let answers = 0; answers < 3; answers++) {
    const [key] = keysOf(await one.when(taskId, asks));
    await one.update(taskId, { [key as string]: { action: "shrug" } });
  }
  const { status, result } = await one.when(taskId, isOver);
  assert.deepEqual([status, result.isError], ["completed", true]);
  assert.match(result.content[0].text, /first/);
});

test("work that asks twice under one name has two questions with two keys", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(async ({ ask }) => says(`${await nameOf(ask, "name")} ${await nameOf(ask, "name")}`));
  const seen = new Set<string>();
  for (const name of ["a", "b"]) {
    const [key] = keysOf(await one.when(taskId, asks)) as [string];
    assert.ok(!seen.has(key));
    seen.add(key);
    await one.update(taskId, { [key]: accept(name) });
  }
  assert.equal((await one.when(taskId, isOver)).result.content[0].text, "a b");
});

test("an answer may be larger than a record", async (t) => {
  const stateUrl = temporaryState(t);
  const one = await openReplica(t, { stateUrl });
  const two = await openReplica(t, { stateUrl });
  const { taskId } = await one.begin(async ({ ask }) => says(String((await nameOf(ask, "first")).length)));
  await two.when(taskId, asks);
  await two.update(taskId, { first: accept("ü".repeat(500_000)) });
  assert.equal((await two.when(taskId, isOver)).result.content[0].text, "500000");
});

test("responses that are no objects are refused, and nothing is taken of them", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(async ({ ask }) => says(await nameOf(ask, "first")));
  await one.when(taskId, asks);
  for (const responses of [undefined, null, [], "yes", { first: "yes" }, { first: null }, { first: accept("Ada"), other: 1 }]) {
    await assert.rejects(one.update(taskId, responses), (error) => error instanceof McpError && error.fault === "invalid_params");
  }
  assert.deepEqual(keysOf(await one.get(taskId)), ["first"]);
});

test("a client that went away while questions were open finds them at its next look", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(async ({ ask }) => {
    const { content, model } = await ask.sample("poem", { messages: [], maxTokens: 10 });
    return says(`${model}: ${"text" in content ? content.text : ""}`);
  });
  const { inputRequests } = await one.when(taskId, asks);
  assert.deepEqual(inputRequests.poem, { method: "sampling/createMessage", params: { messages: [], maxTokens: 10 } });
  assert.deepEqual((await one.get(taskId)).inputRequests, inputRequests);
  await one.update(taskId, { poem: { role: "assistant", model: "m", content: { type: "text", text: "la" } } });
  assert.equal((await until(() => one.when(taskId, isOver))).result.content[0].text, "m: la");
});
