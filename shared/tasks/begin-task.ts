import { type Caller, type Capability, CapabilityError } from "../capabilities/capability.ts";
import { randomToken } from "../hash.ts";
import type { Service } from "../service.ts";
import { createTask, expiryOf, type Task, type TaskKey, taskKind } from "./task-records.ts";
import type { TaskJob, TaskRunner } from "./task-runner.ts";
import { takeSlot } from "./task-slots.ts";

/** How often clients should ask, in milliseconds, unless the capability says otherwise. */
const POLL_INTERVAL = 1_000;
/** Bytes of entropy: a task id cannot be guessed (SEP-2663 §security-implications). */
const ID_BYTES = 24;

/** A task that has begun. The id is for its client alone. */
export interface BegunTask {
  readonly taskId: string;
  readonly key: TaskKey;
  readonly task: Task;
}

/** What of the request its work still needs. */
export type TaskRequest = Omit<TaskJob, "key" | "task" | "tool"> & {
  readonly runner: TaskRunner;
  readonly capability: Pick<Capability, "name" | "longRunning">;
  /** How records name a task: its id is a secret. */
  readonly keyOf: (taskId: string) => string;
};

/**
 * Makes a task of a call and begins it. The task can be found before this resolves (SEP-2663 §task-creation).
 * @throws {CapabilityError} `rate_limited` when the person has as many under way as may be, `unavailable` when the
 *   service is stopping.
 * @throws {Unavailable}
 */
export async function beginTask(service: Service, { runner, capability, keyOf, ...job }: TaskRequest): Promise<BegunTask> {
  if (service.stopping.aborted) throw new CapabilityError("unavailable", "The service is stopping.", { retryAfter: 2 });
  const { name, longRunning } = capability;
  const taskId = randomToken(ID_BYTES);
  const key = { owner: job.caller.subject, id: keyOf(taskId) };
  const now = service.clock();
  const task: Task = {
    clientId: job.caller.clientId,
    status: "working",
    createdAt: now,
    updatedAt: now,
    ttl: longRunning?.ttl ?? service.config.mcp.taskTtl,
    pollInterval: longRunning?.pollInterval ?? POLL_INTERVAL,
    lease: runner.lease(),
    details: { questions: {}, answers: {} },
  };
  await createTask(service, key, task);
  try {
    await takeSlot(service, key, expiryOf(task));
  } catch (error) {
    await service.store.take(taskKind, key);
    throw error;
  }
  runner.start({ ...job, key, task, tool: name });
  return { taskId, key, task };
}

/**
 * A task of the caller's. One of another person or another client is none (SEP-2663 §security-implications).
 * @throws {Unavailable}
 */
export function isOwn(task: Task | undefined, caller: Caller): task is Task {
  return task?.clientId === caller.clientId;
}
