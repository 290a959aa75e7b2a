import { type Caller, type Capability, CapabilityError, type Prepared } from "../../shared/capabilities/capability.ts";
import type { Service } from "../../shared/service.ts";
import { beginTask, isOwn } from "../../shared/tasks/begin-task.ts";
import { readLiveTask } from "../../shared/tasks/task-lease.ts";
import { ended, isOver, stepTask, type Task, type TaskKey, taskKeyOf } from "../../shared/tasks/task-records.ts";
import type { Call } from "../methods/call.ts";
import { traceOf } from "../methods/context.ts";
import { renderTaskHandle } from "../methods/result.ts";
import { createMcpTaskRunner } from "./mcp-task-runner.ts";
import { endingOf, endingOfError } from "./task-ending.ts";
import { describeTask } from "./task-view.ts";

const ENDINGS = { endingOf, endingOfError };

/**
 * Makes a task of a call and begins it. The task can be found before this resolves (SEP-2663 §task-creation).
 * @returns A CreateTaskResult, as JSON text.
 * @throws {CapabilityError} `unauthenticated` without a caller, `rate_limited` when the person has as many under way as
 *   may be, `unavailable` when the service is stopping.
 * @throws {Unavailable}
 */
export async function startTask(call: Call, capability: Capability, prepared: Prepared): Promise<string> {
  const { service, caller, client } = call;
  if (!caller) throw new CapabilityError("unauthenticated", "A task belongs to a signed-in person.");
  const { taskId, key, task } = await beginTask(service, {
    runner: service.part(createMcpTaskRunner),
    capability,
    keyOf: taskKeyOf,
    caller,
    supports: (interaction) => client[interaction],
    trace: traceOf(call),
    requestId: call.origin.id,
    prepared,
    endings: ENDINGS,
  });
  call.note({ task: key.id });
  return renderTaskHandle(describeTask(taskId, task));
}

/**
 * A task of the caller's, as `tasks/get` and `notifications/tasks` show it (SEP-2663 DetailedTask). One of another
 * person or another client is none (§security-implications, auth binding).
 * @throws {Unavailable}
 */
export async function readOwnTask({ service, caller }: Call, taskId: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const found = await findOwnTask(service, caller, taskId);
  return found && describeTask(taskId, found.task);
}

/**
 * Keeps a client's answers for the run; what is not asked is ignored.
 * @returns False when the caller has no such task.
 * @throws {Unavailable}
 */
export async function answerOwnTask(
  { service, caller }: Call,
  taskId: string,
  answers: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const found = await findOwnTask(service, caller, taskId);
  if (!found) return false;
  const after = await stepTask(service, found.key, (task) => withAnswers(task, answers, service.clock()));
  if (after && Object.keys(after.details.answers).length > 0) await service.part(createMcpTaskRunner).wake(found.key, after);
  return true;
}

/**
 * Cancels a task. One that is over stays as it is.
 * @returns False when the caller has no such task.
 * @throws {Unavailable}
 */
export async function cancelOwnTask({ service, caller }: Call, taskId: string): Promise<boolean> {
  const found = await findOwnTask(service, caller, taskId);
  if (!found) return false;
  const { key, task } = found;
  if (isOver(task)) return true;
  await stepTask(service, key, (now) => ended(now, service.clock(), { status: "cancelled" }));
  await service.part(createMcpTaskRunner).wake(key, task);
  return true;
}

interface OwnTask {
  readonly key: TaskKey;
  readonly task: Task;
}

async function findOwnTask(service: Service, caller: Caller | undefined, taskId: string): Promise<OwnTask | undefined> {
  if (!caller) return undefined;
  const key = { owner: caller.subject, id: taskKeyOf(taskId) };
  const task = await readLiveTask(service, key);
  return isOwn(task, caller) ? { key, task } : undefined;
}

/** Answered questions go at once, so that nobody answers them again (SEP-2663 §task-update-requests). */
function withAnswers(task: Task, given: Readonly<Record<string, unknown>>, now: number): Task | undefined {
  const { questions, answers } = task.details;
  const open = Object.entries(questions).filter(([name]) => !Object.hasOwn(given, name));
  const answered = Object.keys(questions).filter((name) => Object.hasOwn(given, name));
  if (answered.length === 0) return undefined;
  const added = Object.fromEntries(answered.map((name) => [name, given[name]]));
  return {
    ...task,
    status: open.length === 0 ? "working" : "input_required",
    updatedAt: now,
    details: { ...task.details, questions: Object.fromEntries(open), answers: { ...answers, ...added } },
  };
}
