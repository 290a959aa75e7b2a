import type { Task } from "../../shared/tasks/task-records.ts";

/** A task as `tasks/get` and `notifications/tasks` show it (SEP-2663 DetailedTask). */
export function describeTask(taskId: string, task: Task): Readonly<Record<string, unknown>> {
  const { status, createdAt, updatedAt, ttl, pollInterval, details } = task;
  const { message, questions, result, error } = details;
  return {
    taskId,
    status,
    statusMessage: message,
    createdAt: new Date(createdAt).toISOString(),
    lastUpdatedAt: new Date(updatedAt).toISOString(),
    ttlMs: ttl,
    pollIntervalMs: pollInterval,
    inputRequests: status === "input_required" ? questions : undefined,
    result,
    error,
  };
}
