import { ACTIONS_PATH } from "../shared/bearer/audience.ts";
import { type Caller, type Capability, CapabilityError } from "../shared/capabilities/capability.ts";
import type { Outcome } from "../shared/capabilities/content.ts";
import { createContext } from "../shared/capabilities/context.ts";
import { sha256 } from "../shared/hash.ts";
import type { Exchange, Reply } from "../shared/http/exchange.ts";
import type { Service } from "../shared/service.ts";
import { beginTask, isOwn } from "../shared/tasks/begin-task.ts";
import { readLiveTask } from "../shared/tasks/task-lease.ts";
import { createTaskRunner, type Endings, type TaskRunner } from "../shared/tasks/task-runner.ts";
import { renderRead, WRITE_HEADERS } from "./answer.ts";
import { PATIENCE, requireMethod } from "./faults.ts";
import { createEndings, describeTask, type TaskView } from "./task-view.ts";

/** Milliseconds in which slow work may be done all the same, so that nobody has to come back for it. */
const WAIT = 20_000;

/** Work that goes on after its request. */
export interface TaskHandle {
  readonly task: TaskView;
}

type Settled = { readonly outcome: Outcome } | { readonly error: unknown };

/** Nobody answers or cancels a task over REST, so that no replica has to be woken. */
function createActionsTaskRunner(service: Service): TaskRunner {
  return createTaskRunner(service);
}

/**
 * Makes a task of a call: what is done in time is the answer, the rest is asked for later.
 * @throws {CapabilityError} what preparing and, in time, running throw; `rate_limited`, `unavailable`.
 * @throws {Unavailable}
 */
export async function performAsTask(
  service: Service,
  exchange: Exchange,
  caller: Caller,
  capability: Capability,
  input: unknown,
): Promise<Outcome | TaskHandle> {
  const startedAt = performance.now();
  const prepared = await capability.prepare(input, createContext(service, caller, exchange), PATIENCE);
  const { promise: over, resolve: settle } = Promise.withResolvers<Settled>();
  const { taskId, key, task } = await beginTask(service, {
    runner: service.part(createActionsTaskRunner),
    capability,
    keyOf,
    caller,
    supports: () => false,
    trace: {},
    requestId: exchange.id,
    prepared,
    endings: telling(createEndings(capability, input), settle),
  });
  exchange.note({ task: key.id });
  const settled =
    capability.longRunning?.task === "required"
      ? undefined
      : await within(Math.min(WAIT, PATIENCE - (performance.now() - startedAt)), over);
  if (!settled) return { task: describeTask(taskId, task) };
  if ("error" in settled) throw settled.error;
  return settled.outcome;
}

/** The reply that says where to ask (RFC 9110 §15.3.3). */
export function renderHandle({ task }: TaskHandle): Reply {
  const location = `${ACTIONS_PATH}/tasks?${new URLSearchParams({ id: task.id })}`;
  return {
    status: 202,
    headers: { ...WRITE_HEADERS, location, "retry-after": String(task.poll_after_seconds) },
    body: JSON.stringify(task),
  };
}

/** `/actions/tasks?id=`: what became of slow work, for the person and the client that began it. */
export async function handleTask(exchange: Exchange, service: Service): Promise<Reply> {
  requireMethod(exchange, ["GET", "HEAD"]);
  const caller = await service.bearer.verify(exchange.header("authorization"), "actions");
  exchange.note({ client: caller.clientId, subject: caller.subject });
  const taskId = taskIdOf(exchange);
  const key = { owner: caller.subject, id: keyOf(taskId) };
  exchange.note({ task: key.id });
  const task = await readLiveTask(service, key);
  if (!isOwn(task, caller)) throw new CapabilityError("not_found", "There is no such task, or its time has passed.");
  return renderRead(exchange, JSON.stringify(describeTask(taskId, task)));
}

/** @throws {CapabilityError} `invalid_input` for anything else than one id. */
function taskIdOf({ query }: Exchange): string {
  const ids = query.getAll("id").filter((id) => id !== "");
  const faults = [...new Set(query.keys())].filter((name) => name !== "id").map((field) => ({ field, message: "is not known here" }));
  if (ids.length === 0) faults.push({ field: "id", message: "is required" });
  if (ids.length > 1) faults.push({ field: "id", message: "is there more than once" });
  const [id] = ids;
  if (id !== undefined && faults.length === 0) return id;
  throw new CapabilityError("invalid_input", "The input is not valid.", { faults });
}

/** A client that has tokens for both surfaces has the tasks of each there alone. */
function keyOf(taskId: string): string {
  return sha256(`actions ${taskId}`);
}

function telling({ endingOf, endingOfError }: Endings, settle: (settled: Settled) => void): Endings {
  return {
    endingOf(outcome) {
      settle({ outcome });
      return endingOf(outcome);
    },
    endingOfError(error, log, requestId) {
      settle({ error });
      return endingOfError(error, log, requestId);
    },
  };
}

function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), milliseconds);
    void promise.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
