import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  type ConnectedMcpSessionPort,
  createApplicationInputHandler,
  resultFromTaskOutcome,
  withTasks,
} from "@modelcontextprotocol/ext-tasks/client";
import { z } from "zod";
import { type Json, openReplica, type Replica, says, temporaryState, type Work } from "./replica.mts";

const LISTED = { resultType: "complete", ttlMs: 0, cacheScope: "private", tools: [{ name: "work", inputSchema: { type: "object" } }] };

/** The extension's own client, each of whose requests goes to the next of two replicas; the one tool does `work`. */
async function connect(t: TestContext, work: Work, answers: readonly Json[] = []) {
  const stateUrl = temporaryState(t);
  const replicas = [await openReplica(t, { stateUrl }), await openReplica(t, { stateUrl })] as const;
  const left = [...answers];
  const asked: Json[] = [];
  let turn = 0;

  const answer = ({ method, params }: Json, replica: Replica): Promise<Json> => {
    if (method === "tools/list") return Promise.resolve(LISTED);
    if (method === "tools/call") return replica.begin(work, { longRunning: { pollInterval: 10 } });
    if (method === "tasks/get") return replica.get(params.taskId);
    if (method === "tasks/update") return replica.update(params.taskId, params.inputResponses);
    if (method === "tasks/cancel") return replica.cancel(params.taskId);
    throw new Error(`${method} is not for this test`);
  };
  const port: ConnectedMcpSessionPort = {
    endpointId: "test",
    taskCapabilities: { generation: "v2", capabilities: {} },
    invalidated: false,
    onServerRequest: () => () => undefined,
    onNotification: () => () => undefined,
    onInvalidated: () => () => undefined,
    async dispatch(request) {
      turn++;
      return { kind: "result", result: await answer(request, replicas[(turn % 2) as 0 | 1]) };
    },
  };
  const unasked = () => Promise.reject(new Error("nothing else is asked"));
  const inputs = createApplicationInputHandler({
    elicitation(request) {
      asked.push(request);
      return left.shift();
    },
    sampling: unasked,
    roots: unasked,
  });
  const session = withTasks(port, { onInputRequest: inputs });
  t.after(() => session.close());
  return { session, asked };
}

test("the extension's client takes a task from its handle to its result, at whichever replica it asks", async (t) => {
  const { session } = await connect(t, () => says("done"));
  const execution = await session.callTool("work", {});
  assert.equal(execution.kind, "task");
  const { outcome } = await execution.settle();
  assert.deepEqual(resultFromTaskOutcome(outcome).content, [{ type: "text", text: "done" }]);
});

test("the extension's client answers what a task asks, again when its answer could not be read", async (t) => {
  const fields = z.object({ age: z.number().describe("How old.") });
  const answers = [
    { action: "accept", content: { age: "old" } },
    { action: "accept", content: { age: 36 } },
  ];
  const work: Work = async ({ ask }) => says(JSON.stringify(await ask.form("age", "How old?", fields)));
  const { session, asked } = await connect(t, work, answers);
  const { outcome } = await (await session.callTool("work", {})).settle();
  assert.deepEqual(resultFromTaskOutcome(outcome).content, [{ type: "text", text: JSON.stringify(answers[1]) }]);
  assert.equal(asked.length, 2);
});
