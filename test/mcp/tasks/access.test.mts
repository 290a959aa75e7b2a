import assert from "node:assert/strict";
import { test } from "node:test";
import { McpError } from "../../../mcp/protocol/errors.ts";
import { CapabilityError } from "../../../shared/capabilities/capability.ts";
import { ANN, type CallChange, endlessWork, openReplica, type Replica, says, temporaryState } from "./replica.mts";

const METHODS: readonly ((replica: Replica, taskId: unknown, change?: CallChange) => Promise<unknown>)[] = [
  (replica, taskId, change) => replica.get(taskId, change),
  (replica, taskId, change) => replica.update(taskId, {}, change),
  (replica, taskId, change) => replica.cancel(taskId, change),
];

const NO_TASKS = { form: true, url: true, sampling: true, sampling_tools: true, roots: true, tasks: false };

test("a client that did not declare the extension is told so before anything else is looked at", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  for (const method of METHODS) {
    for (const taskId of ["unknown", undefined]) {
      await assert.rejects(method(one, taskId, { client: NO_TASKS, caller: undefined }), (error) => {
        assert.ok(error instanceof McpError);
        assert.equal(error.fault, "missing_capability");
        assert.deepEqual(error.data, { requiredCapabilities: { extensions: { "io.modelcontextprotocol/tasks": {} } } });
        return true;
      });
    }
  }
});

test("the task of another person or another client is as unknown as one that never was", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { work, release } = endlessWork();
  const { taskId } = await one.begin(work);
  const strangers = [
    { ...ANN, subject: "ben" },
    { ...ANN, clientId: "client-2" },
  ];
  const unknown = await fault(() => one.get("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
  for (const method of METHODS) {
    for (const caller of strangers) assert.deepEqual(await fault(() => method(one, taskId, { caller })), unknown);
    assert.deepEqual(await fault(() => method(one, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")), unknown);
    assert.deepEqual(await fault(() => method(one, "")), unknown);
    assert.deepEqual(await fault(() => method(one, "\ud800")), unknown);
  }
  assert.equal(unknown[0], "invalid_params");
  assert.equal((await one.get(taskId)).status, "working");
  release();
});

test("a person finds a task again with another grant to the same client", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const { taskId } = await one.begin(() => says("done"));
  assert.equal((await one.get(taskId, { caller: { ...ANN, grantId: "grant-2" } })).taskId, taskId);
});

test("a task id that is none is refused", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  for (const method of METHODS) {
    for (const taskId of [undefined, null, 1, {}, []]) assert.equal((await fault(() => method(one, taskId)))[0], "invalid_params");
  }
});

test("strangers have no tasks: they are asked to sign in", async (t) => {
  const one = await openReplica(t, { stateUrl: temporaryState(t) });
  const signIn = (error: unknown) => error instanceof CapabilityError && error.code === "unauthenticated";
  for (const method of METHODS) await assert.rejects(method(one, "unknown", { caller: undefined }), signIn);
  await assert.rejects(
    one.begin(() => says("done"), { caller: undefined }),
    signIn,
  );
});

async function fault(call: () => Promise<unknown>): Promise<readonly [string, string]> {
  try {
    await call();
  } catch (error) {
    if (error instanceof McpError) return [error.fault, error.message];
    throw error;
  }
  throw new Error("it was not refused");
}
