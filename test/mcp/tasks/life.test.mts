import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { CreateTaskResultV2Schema, GetTaskResultV2Schema } from "@modelcontextprotocol/ext-tasks/core/v2";
import { renderResult } from "../../../mcp/methods/result.ts";
import { McpError } from "../../../mcp/protocol/errors.ts";
import { CapabilityError } from "../../../shared/capabilities/capability.ts";
import type { Announcement } from "../../../shared/capabilities/changes.ts";
import { taskKeyOf, taskKind } from "../../../shared/tasks/task-records.ts";
import { createClock, HOUR, SECOND } from "../../support/clock.mts";
import { endlessWork, type Json, openReplica, says, temporaryState, until } from "./replica.mts";

const SERVER_INFO = "io.modelcontextprotocol/serverInfo";
const isOver = ({ status }: Json) => !["working", "input_required"].includes(status);

test("a task can be found at every replica from the moment its handle is given", async (t) => {
  const stateUrl = temporaryState(t);
  const one = await openReplica(t, { stateUrl });
  const two = await openReplica(t, { stateUrl });
  const { work, release } = endlessWork();
  const handle = await one.begin(work);
  const found = await two.get(handle.taskId);
  assert.equal(found.status, "working");
  assert.equal(found.taskId, handle.taskId);
  release();
  assert.equal((await two.when(handle.taskId, isOver)).result.content[0].text, "released");
});

test("a handle has the members of a task and none of what tasks/get adds", async (t) => {
  const clock = createClock();
  const one = await openReplica(t, { stateUrl: temporaryState(t), clock });
  const handle = await one.begin(() => says("done"));
  assert.ok(CreateTaskResultV2Schema.parse(handle));
  const { taskId, _meta, ...rest } = handle;
  assert.match(taskId, /^[\w-]{32}$/);
  assert.equal(_meta[SERVER_INFO].name, "portico");
  const at = new Date(clock()).toISOString();
  const times = { createdAt: at, lastUpdatedAt: at, ttlMs: 24 * HOUR, pollIntervalMs: 1000 };
  assert.deepEqual(rest, { resultType: "task", status: "working", ...times });
});

test("a capability says how long its tasks are kept and how often to ask", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { ttlMs, pollIntervalMs } = await one.begin(() => says("done"), { longRunning: { ttl: HOUR, pollInterval: 50 } });
  assert.deepEqual([ttlMs, pollIntervalMs], [HOUR, 50]);
});

test("the answer of tasks/get is complete and fits the extension's schema in every state", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { work } = endlessWork();
  const { taskId: working } = await one.begin(work);
  const { taskId: completed } = await one.begin(() => says("done"));
  const { taskId: failed } = await one.begin(() => Promise.reject(new Error("a fault that nobody foresaw")));
  const { taskId: cancelled } = await one.begin(work);
  const { taskId: asking } = await one.begin(async ({ ask }) => says((await ask.url("page", "Open it.", "https://example.com/")).action));
  await one.cancel(cancelled);
  const all = { working, completed, failed, cancelled, input_required: asking };
  for (const [status, taskId] of Object.entries(all)) {
    const task = await one.when(taskId, (now) => now.status === status);
    assert.ok(GetTaskResultV2Schema.parse(task), status);
    assert.equal(task.resultType, "complete");
    assert.equal("result" in task, status === "completed");
    assert.equal("error" in task, status === "failed");
    assert.equal("inputRequests" in task, status === "input_required");
    assert.equal("requestState" in task, false);
  }
});

test("the result of a task is the whole answer that tools/call would have given", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(() => says("done"));
  const { result } = await one.when(taskId, isOver);
  assert.deepEqual(result, JSON.parse(renderResult("modern", { content: [{ type: "text", text: "done" }] })));
});

test("what tools/call would have told the model completes the task", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(() => Promise.reject(new CapabilityError("conflict", "It is taken.")));
  const { status, result } = await one.when(taskId, isOver);
  assert.deepEqual([status, result.isError, result.content], ["completed", true, [{ type: "text", text: "It is taken." }]]);
});

test("what tools/call would have answered with an error fails the task with it", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const features = { form: false, url: false, sampling: false, sampling_tools: false, roots: false, tasks: true };
  const { taskId } = await one.begin(async ({ ask }) => says(JSON.stringify(await ask.roots("roots"))), { client: features });
  const { status, error, statusMessage } = await one.when(taskId, isOver);
  assert.deepEqual([status, error.code, error.data], ["failed", -32021, { requiredCapabilities: { roots: {} } }]);
  assert.equal(statusMessage, error.message);
});

test("a fault of ours fails the task without saying what it was, and the log has it with the request's id", async (t) => {
  const logged: Json[] = [];
  const one = await openReplica(t, { stateUrl: temporaryState(t), onLog: (level, fields) => level === "error" && logged.push(fields) });
  const { taskId } = await one.begin(() => Promise.reject(new Error("the password is swordfish")));
  const { status, error } = await one.when(taskId, isOver);
  assert.deepEqual([status, error.code, error.data], ["failed", -32603, { requestId: "request-1" }]);
  assert.doesNotMatch(JSON.stringify(error), /swordfish/);
  assert.equal(logged.length, 1);
  assert.equal(logged[0].request, "request-1");
  assert.match(logged[0].err.message, /swordfish/);
});

test("a result that is larger than a record comes back whole, also with characters of four bytes", async (t) => {
  const stateUrl = temporaryState(t);
  const one = await openReplica(t, { stateUrl });
  const two = await openReplica(t, { stateUrl });
  const text = `x${"😀ü".repeat(200_000)}`;
  const { taskId } = await one.begin(() => says(text));
  const { result } = await two.when(taskId, isOver);
  assert.equal(result.content[0].text, text);
});

test("progress becomes the status message, and what does not increase is left out", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { promise, resolve } = Promise.withResolvers<void>();
  const { taskId } = await one.begin(async ({ progress }) => {
    progress(1, 10);
    progress(5, 10, "Half of it is done.");
    progress(3, 10, "Less than before.");
    await promise;
    return says("done");
  });
  const { status, statusMessage } = await one.when(taskId, (task) => task.statusMessage !== undefined);
  assert.deepEqual([status, statusMessage], ["working", "Half of it is done."]);
  resolve();
  assert.equal((await one.when(taskId, isOver)).statusMessage, undefined);
});

test("however often work tells of its progress, its record is written at most once a second", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { work, release } = endlessWork();
  const writes = t.mock.method(one.service.store, "replace");
  const { taskId } = await one.begin(async (context) => {
    for (let done = 1; done <= 200; done++) {
      context.progress(done, 200);
      await turn();
    }
    return work(context);
  });
  await one.when(taskId, ({ statusMessage }) => statusMessage === "200 of 200");
  assert.ok(writes.mock.callCount() <= 2, `${writes.mock.callCount()} writes`);
  release();
  await one.when(taskId, isOver);
});

test("work has the trace of its request, its caller's records and a signal that has not aborted", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const meta = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
  const seen: Json[] = [];
  const { taskId } = await one.begin(
    ({ trace, caller, signal }) => {
      seen.push(trace.traceparent, caller?.subject, signal.aborted);
      return says("done");
    },
    { meta },
  );
  await one.when(taskId, isOver);
  assert.deepEqual(seen, [meta.traceparent, "ann", false]);
});

test("each change of the status is announced once it can be seen", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const heard: Announcement[] = [];
  const stop = new AbortController();
  t.after(() => stop.abort());
  one.service.changes.follow(await one.service.changes.position(), (announcement) => heard.push(announcement), stop.signal);
  const { taskId } = await one.begin(async ({ ask }) => says((await ask.url("page", "Open it.", "https://example.com/")).action));
  await one.when(taskId, ({ status }) => status === "input_required");
  await one.update(taskId, { page: { action: "accept" } });
  await one.when(taskId, isOver);
  const announcement = { topic: "task", owner: "ann", id: taskKeyOf(taskId) };
  await until(() => (heard.length >= 3 ? true : undefined));
  assert.deepEqual(heard, [announcement, announcement, announcement]);
});

test("what a task holds stands in the store in no readable form", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(() => says("the password is swordfish"));
  await one.when(taskId, isOver);
  const entry = await one.service.store.get(taskKind, { owner: "ann", id: taskKeyOf(taskId) });
  assert.doesNotMatch(JSON.stringify(entry), /swordfish/);
  assert.doesNotMatch(JSON.stringify(entry), new RegExp(taskId));
});

test("a task is gone when its time has passed, and work that still goes on is told to stop", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { work, aborted } = endlessWork();
  const { taskId } = await one.begin(work, { longRunning: { ttl: 100 } });
  await aborted;
  await assert.rejects(one.get(taskId), (error) => error instanceof McpError && error.fault === "invalid_params");
});

test("a task that is over is kept until its time has passed", async (t) => {
  const clock = createClock();
  const one = await openReplica(t, { stateUrl: temporaryState(t), clock });
  const { taskId } = await one.begin(() => says("done"), { longRunning: { ttl: 60 * SECOND } });
  await one.when(taskId, isOver);
  clock.advance(60 * SECOND - 1);
  assert.equal((await one.get(taskId)).status, "completed");
  clock.advance(1);
  await assert.rejects(one.get(taskId), (error) => error instanceof McpError && error.fault === "invalid_params");
});

test("the time limit of calls does not bind a task, but one that its capability sets does", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t), env: { CALL_TIME_LIMIT: "1" } });
  const { work, release } = endlessWork();
  const unlimited = await one.begin(work);
  const limited = await one.begin(endlessWork().work, { timeLimit: 1200 });
  const { result } = await one.when(limited.taskId, isOver);
  assert.equal(result.isError, true);
  assert.equal((await one.get(unlimited.taskId)).status, "working");
  release();
});
