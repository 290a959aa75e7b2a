import { CapabilityError } from "../../shared/capabilities/capability.ts";
import { isObject } from "../../shared/is-object.ts";
import { taskKeyOf } from "../../shared/tasks/task-records.ts";
import { tasksNeeded } from "../protocol/client-features.ts";
import { McpError } from "../protocol/errors.ts";
import { answerOwnTask, cancelOwnTask, readOwnTask } from "../tasks/tasks.ts";
import type { Call, MethodHandler } from "./call.ts";
import { renderResult } from "./result.ts";

/** `tasks/get` (SEP-2663 §task-polling): also over, also with its result, until its time has passed. */
export const getTask: MethodHandler = async (call) => {
  const task = await readOwnTask(call, taskIdOf(call));
  if (!task) throw unknownTask();
  return renderResult(call.era, task);
};

/** `tasks/update` (SEP-2663 §task-update-requests): keeps the answers; what comes of them is for `tasks/get`. */
export const updateTask: MethodHandler = async (call) => {
  const taskId = taskIdOf(call);
  const { inputResponses } = call.params;
  if (!isObject(inputResponses) || !Object.values(inputResponses).every(isObject)) {
    throw new McpError("invalid_params", "tasks/update needs inputResponses: an object with one object for each key.");
  }
  if (!(await answerOwnTask(call, taskId, inputResponses))) throw unknownTask();
  return renderResult(call.era, {});
};

/** `tasks/cancel` (SEP-2663 §task-cancellation): of a task that is over as well, which stays as it is. */
export const cancelTask: MethodHandler = async (call) => {
  if (!(await cancelOwnTask(call, taskIdOf(call)))) throw unknownTask();
  return renderResult(call.era, {});
};

/**
 * @throws {McpError} `missing_capability` first of all (SEP-2663 §protocol-errors).
 * @throws {CapabilityError} `unauthenticated`: strangers have no tasks.
 */
function taskIdOf(call: Call): string {
  const { client, caller, params } = call;
  if (!client.tasks) {
    throw tasksNeeded("This method is for clients that declare the tasks extension.");
  }
  if (!caller) throw new CapabilityError("unauthenticated", "A task belongs to a signed-in person.");
  const { taskId } = params;
  if (typeof taskId !== "string") throw new McpError("invalid_params", "The taskId is missing.");
  call.note({ task: taskKeyOf(taskId) });
  return taskId;
}

/** Of another person's or another client's as well: whether there is one is not theirs to know. */
function unknownTask(): McpError {
  return new McpError("invalid_params", "There is no such task, or its time has passed.");
}
