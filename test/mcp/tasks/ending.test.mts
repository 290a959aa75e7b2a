import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { CapabilityError } from "../../../shared/capabilities/capability.ts";
import { type Grant, grantKind, subjectStateKind } from "../../../shared/state/records.ts";
import { Unavailable } from "../../../shared/state/store.ts";
import { taskKeyOf, taskKind } from "../../../shared/tasks/task-records.ts";
import { slotKind } from "../../../shared/tasks/task-slots.ts";
import { createClock, HOUR, SECOND } from "../../support/clock.mts";
import { ANN, endlessWork, type Json, openReplica, says, temporaryState, until } from "./replica.mts";

const isOver = ({ status }: Json) => !["working", "input_required"].includes(status);
const STOPPED = { code: -32603, message: "The service stopped while this task ran." };

test("a task that is cancelled at another replica is cancelled at once, and its work is told to stop", async (t) => {
  const stateUrl = temporaryState(t);
  const one = await openReplica(t, { stateUrl });
  const two = await openReplica(t, { stateUrl });
  const { work, started, aborted } = endlessWork();
  const { taskId } = await one.begin(work);
  await started;
  const { resultType, _meta, ...rest } = await two.cancel(taskId);
  assert.deepEqual([resultType, rest], ["complete", {}]);
  assert.equal((await two.get(taskId)).status, "cancelled");
  await aborted;
});

test("cancelling a task that waits for an answer ends the wait", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  const { taskId } = await one.begin(async ({ ask }) => {
    await ask.url("page", "Open it.", "https://example.com/").catch(resolve);
    return says("done");
  });
  await one.when(taskId, ({ status }) => status === "input_required");
  await one.cancel(taskId);
  assert.equal(((await ended) as Error).name, "AbortError");
  const task = await one.get(taskId);
  assert.deepEqual([task.status, "inputRequests" in task], ["cancelled", false]);
});

test("a task that is over stays as it is, and cancelling it is acknowledged all the same", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(() => says("done"));
  const before = await one.when(taskId, isOver);
  assert.equal((await one.cancel(taskId)).resultType, "complete");
  assert.deepEqual(await one.get(taskId), before);
});

test("a task that is cancelled as its work begins is cancelled, whatever that work does", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { promise: given, resolve: give } = Promise.withResolvers<void>();
  const { taskId } = await one.begin(async ({ signal }) => {
    if (!signal.aborted) await once(signal, "abort");
    give();
    return says("too late");
  });
  await one.cancel(taskId);
  await given;
  await turn();
  assert.equal((await one.get(taskId)).status, "cancelled");
});

test("what work gives after its task was cancelled is dropped", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const { promise: given, resolve: give } = Promise.withResolvers<void>();
  const { taskId } = await one.begin(async () => {
    start();
    await held;
    give();
    return says("too late");
  });
  await started;
  await one.cancel(taskId);
  release();
  await given;
  await turn();
  assert.equal((await one.get(taskId)).status, "cancelled");
});

test("a task whose process is gone has failed once its lease has run out, whoever looks first", async (t) => {
  const stateUrl = temporaryState(t);
  const clock = createClock();
  const one = await openReplica(t, { stateUrl, clock });
  const two = await openReplica(t, { stateUrl, clock });
  for (const look of [two.get, (taskId: string) => two.update(taskId, {}), two.cancel]) {
    const { work, started, aborted, release } = endlessWork();
    const { taskId } = await one.begin(work);
    await started;
    clock.advance(29 * SECOND);
    assert.equal((await two.get(taskId)).status, "working");
    clock.advance(2 * SECOND);
    await look(taskId);
    const task = await two.get(taskId);
    assert.deepEqual([task.status, task.error, task.statusMessage], ["failed", STOPPED, STOPPED.message]);
    release();
    await aborted;
    assert.deepEqual(await two.get(taskId), task);
  }
});

test("a process that lives renews the lease of its tasks", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const clock = createClock();
  const one = await openReplica(t, { stateUrl: temporaryState(t), clock });
  const { work, release } = endlessWork();
  const { taskId, lastUpdatedAt } = await one.begin(work, { timeLimit: HOUR });
  for (let beats = 0; beats < 12; beats++) {
    clock.advance(10 * SECOND);
    t.mock.timers.tick(10 * SECOND);
    const lease = async () => (await one.service.store.get(taskKind, { owner: "ann", id: taskKeyOf(taskId) }))?.value.lease?.until ?? 0;
    await until(async () => ((await lease()) >= clock() + 25 * SECOND ? true : undefined));
  }
  const task = await one.get(taskId);
  assert.deepEqual([task.status, task.lastUpdatedAt], ["working", lastUpdatedAt]);
  release();
});

test("a service that stops in order fails its tasks at once, and their work is told to stop", async (t) => {
  const stateUrl = temporaryState(t);
  const one = await openReplica(t, { stateUrl });
  const two = await openReplica(t, { stateUrl });
  const { work, started, aborted } = endlessWork();
  const { taskId } = await one.begin(work);
  await started;
  one.service.stop();
  await aborted;
  const task = await two.when(taskId, isOver);
  assert.deepEqual([task.status, task.error], ["failed", STOPPED]);
  await assert.rejects(one.begin(work), (error) => error instanceof CapabilityError && error.code === "unavailable");
});

test("a task ends when the grant that it runs under is taken back, but not when it expires", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { work } = endlessWork();
  const { taskId: revoked } = await one.begin(work);
  const { taskId: expired } = await one.begin(endlessWork().work, { caller: { ...ANN, grantId: "grant-2" } });
  await one.service.store.create(grantKind, { owner: "ann", id: "grant-1" }, deadGrant(one.service.clock()), null);
  t.mock.timers.tick(10 * SECOND);
  const task = await one.when(revoked, isOver);
  assert.equal(task.status, "cancelled");
  assert.match(task.statusMessage, /revoked/);
  assert.equal((await one.get(expired)).status, "working");
});

test("a task ends when its person is disabled", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(endlessWork().work);
  await one.service.store.create(subjectStateKind, { id: "ann" }, { disabled: true }, null);
  t.mock.timers.tick(10 * SECOND);
  assert.equal((await one.when(taskId, isOver)).status, "cancelled");
});

test("a person has only so many tasks under way, and another can begin when one has ended", async (t) => {
  const stateUrl = temporaryState(t);
  const env = { MCP_TASKS_PER_SUBJECT: "2" };
  const one = await openReplica(t, { stateUrl, env });
  const two = await openReplica(t, { stateUrl, env });
  const { work, release } = endlessWork();
  const first = await one.begin(work);
  await two.begin(work);
  const refused = (error: unknown) => error instanceof CapabilityError && error.code === "rate_limited" && /2 tasks/.test(error.message);
  for (const replica of [one, two]) await assert.rejects(replica.begin(work), refused);
  assert.equal((await two.begin(work, { caller: { ...ANN, subject: "ben" } })).status, "working");
  await one.cancel(first.taskId);
  assert.equal((await until(() => one.begin(work).catch(() => undefined))).status, "working");
  release();
});

test("tasks whose process is gone do not count", async (t) => {
  const stateUrl = temporaryState(t);
  const clock = createClock();
  const env = { MCP_TASKS_PER_SUBJECT: "2" };
  const one = await openReplica(t, { stateUrl, env, clock });
  const two = await openReplica(t, { stateUrl, env, clock });
  const { work, release } = endlessWork();
  const lost = [await one.begin(work), await one.begin(work)];
  clock.advance(31 * SECOND);
  assert.equal((await two.begin(work)).status, "working");
  for (const { taskId } of lost) assert.equal((await two.get(taskId)).status, "failed");
  release();
});

test("a task that was refused leaves nothing behind", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t), env: { MCP_TASKS_PER_SUBJECT: "1" } });
  const { work, release } = endlessWork();
  await one.begin(work);
  await assert.rejects(one.begin(work));
  for (const kind of [taskKind, slotKind]) assert.equal((await one.service.store.list<unknown>(kind, "ann")).entries.length, 1);
  release();
});

test("a result is kept once the store can be reached again", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const { taskId } = await one.begin(async () => {
    await held;
    return says("done");
  });
  let outages = 0;
  const replace = one.service.store.replace;
  t.mock.method(one.service.store, "replace", async (...given: Parameters<typeof replace>) => {
    if (outages++ < 2) throw new Unavailable("down");
    return replace(...given);
  });
  release();
  assert.equal((await one.when(taskId, isOver)).result.content[0].text, "done");
});

test("an answer is not lost when nobody knows whether the step that took it was made", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(async ({ ask }) => says((await ask.url("page", "Open it.", "https://example.com/")).action));
  await one.when(taskId, ({ status }) => status === "input_required");
  let lost = 0;
  const replace = one.service.store.replace;
  t.mock.method(one.service.store, "replace", async (...given: Parameters<typeof replace>) => {
    const done = await replace(...given);
    // The first is the update's own.
    if (lost++ === 1) throw new Unavailable("applied, but who knows");
    return done;
  });
  await one.update(taskId, { page: { action: "accept" } });
  assert.equal((await one.when(taskId, isOver)).result.content[0].text, "accept");
});

function deadGrant(now: number): Grant {
  return {
    state: "dead",
    clientId: "client-1",
    redirectUri: "https://example.com/callback",
    scopes: [],
    resource: "http://localhost:4000/mcp",
    profile: {},
    authTime: now,
    createdAt: now,
    absoluteExpiresAt: now + HOUR,
    codeHash: "",
    deadJtis: [],
    diedAt: now,
    diedOf: "revoked",
  };
}
