import type { Service } from "../service.ts";
import { type Ending, ended, isOver, readTask, stepTask, type Task, type TaskKey } from "./task-records.ts";

/** How long a lease lasts without being renewed. Milliseconds. */
export const LEASE = 30_000;

const STOPPED = "The service stopped while this task ran.";
/** How a task ends whose process stops. */
export const STOPPED_ENDING: Ending = { status: "failed", error: { code: -32603, message: STOPPED }, message: STOPPED };

/**
 * The task as it really is: one whose process is gone has failed, and the first who looks writes that down. It is not
 * run again: nobody knows how far it came.
 * @returns Nothing when there is none, or when its time has passed.
 * @throws {Unavailable}
 */
export async function readLiveTask(service: Service, key: TaskKey): Promise<Task | undefined> {
  const task = await readTask(service, key);
  if (!task || !isAbandoned(task, service.clock())) return task;
  const now = service.clock();
  return stepTask(service, key, (latest) => (isAbandoned(latest, now) ? ended(latest, now, STOPPED_ENDING) : undefined));
}

function isAbandoned(task: Task, now: number): boolean {
  return !isOver(task) && (task.lease === undefined || task.lease.until <= now);
}
