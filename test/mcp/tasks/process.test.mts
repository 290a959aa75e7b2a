import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createClock, SECOND } from "../../support/clock.mts";
import { openReplica, temporaryState } from "./replica.mts";

/** A process with a task under way. */
async function startProcess(t: TestContext, stateUrl: string): Promise<{ readonly child: ChildProcess; readonly taskId: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "process.mts"), stateUrl], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, taskId: line.toString().trim() };
}

test("the task of a process that was killed has failed once its lease has run out, and is not run again", async (t) => {
  const stateUrl = temporaryState(t);
  const clock = createClock();
  const other = await openReplica(t, { stateUrl, clock });
  const { child, taskId } = await startProcess(t, stateUrl);
  assert.equal((await other.get(taskId)).status, "working");
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal((await other.get(taskId)).status, "working");
  clock.advance(40 * SECOND);
  const { status, error } = await other.get(taskId);
  assert.deepEqual([status, error.code], ["failed", -32603]);
});

test("the task of a process that was told to stop has failed by the time the process is gone", async (t) => {
  const stateUrl = temporaryState(t);
  const other = await openReplica(t, { stateUrl });
  const { child, taskId } = await startProcess(t, stateUrl);
  child.kill("SIGTERM");
  await once(child, "exit");
  assert.equal((await other.get(taskId)).status, "failed");
});
