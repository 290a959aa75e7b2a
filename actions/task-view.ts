import { type Capability, CapabilityError } from "../shared/capabilities/capability.ts";
import type { Task } from "../shared/tasks/task-records.ts";
import type { Endings } from "../shared/tasks/task-runner.ts";
import { answerOf } from "./answer.ts";
import { MAX_CHARACTERS, statusOf } from "./faults.ts";

/** A task as REST shows it. */
export interface TaskView {
  readonly id: string;
  readonly status: "working" | "completed" | "failed" | "cancelled";
  readonly message?: string | undefined;
  readonly created_at: string;
  readonly updated_at: string;
  readonly poll_after_seconds: number;
  readonly result?: Readonly<Record<string, unknown>> | undefined;
  readonly error?: TaskProblem | undefined;
}

interface TaskProblem {
  readonly status: number;
  readonly detail: string;
}

/** Characters that a task's other members take at most. */
const FRAME = 1_500;

/** What is kept of work that is over. */
export function createEndings(capability: Capability, input: unknown): Endings {
  const failed = (status: number, detail: string) =>
    ({ status: "failed", error: { code: status, message: detail }, message: detail.slice(0, 500) }) as const;
  const endingOfError: Endings["endingOfError"] = (error, log, requestId) => {
    if (error instanceof CapabilityError) return failed(statusOf(error.code), error.message);
    log?.error({ request: requestId, err: error }, "call failed");
    return failed(500, "Something went wrong on our side.");
  };
  return {
    endingOf(outcome) {
      try {
        return { status: "completed", result: answerOf(capability, input, outcome, MAX_CHARACTERS - FRAME) };
      } catch (error) {
        return endingOfError(error, undefined, "");
      }
    },
    endingOfError,
  };
}

export function describeTask(id: string, { status, createdAt, updatedAt, pollInterval, details }: Task): TaskView {
  const { message, result, error } = details;
  return {
    id,
    // Nobody can be asked over REST.
    status: status === "input_required" ? "working" : status,
    message,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
    poll_after_seconds: Math.ceil(pollInterval / 1_000),
    result,
    error: error && { status: statusOfCode(error.code), detail: error.message },
  };
}

/** What the process that runs a task says when it stops is a code of JSON-RPC. */
function statusOfCode(code: number): number {
  return code >= 400 ? code : 503;
}

/** A {@link TaskView} in the document. */
export const TASK = {
  type: "object",
  properties: {
    id: { type: "string", description: "Ask for the task with it." },
    status: {
      type: "string",
      enum: ["working", "completed", "failed", "cancelled"],
      description: "Ask again as long as it is working.",
    },
    message: { type: "string", description: "How far it is, or why it ended." },
    created_at: { type: "string", format: "date-time", description: "When it began." },
    updated_at: { type: "string", format: "date-time", description: "When it last changed." },
    poll_after_seconds: { type: "integer", description: "How long to wait before asking again." },
    result: { type: "object", properties: {}, description: "Of a completed task: what the operation answers." },
    error: {
      type: "object",
      description: "Of a failed task: what went wrong.",
      properties: {
        status: { type: "integer", description: "The HTTP status that the operation would have had." },
        detail: { type: "string", description: "What went wrong." },
      },
      required: ["status", "detail"],
    },
  },
  required: ["id", "status", "created_at", "updated_at", "poll_after_seconds"],
} as const;
