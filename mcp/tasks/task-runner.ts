import type { Caller, Prepared, Trace } from "../../shared/capabilities/capability.ts";
import { type Conversation, createContext } from "../../shared/capabilities/context.ts";
import type { Service } from "../../shared/service.ts";
import type { ClientFeatures } from "../protocol/client-features.ts";
import { createInbox } from "../streams/inbox.ts";
import { endingOf, endingOfError } from "./task-ending.ts";
import { LEASE, STOPPED_ENDING } from "./task-lease.ts";
import type { Task, TaskKey } from "./task-records.ts";
import { followTask, type TaskRun, type TaskRunOptions } from "./task-run.ts";
import { freeSlot } from "./task-slots.ts";

/** The tasks that run in this process. */
export interface TaskRunner {
  /** The lease of a task that begins here now. */
  lease(): NonNullable<Task["lease"]>;
  /** Runs a task whose record is there, once the reply with its handle is on its way. */
  start(job: TaskJob): void;
  /** Has the process that runs the task look at its record: at once where that is possible. */
  wake(key: TaskKey, task: Task): Promise<void>;
}

/** What is left of the request that began a task. */
export interface TaskJob {
  readonly key: TaskKey;
  readonly task: Task;
  readonly caller: Caller;
  readonly client: ClientFeatures;
  readonly trace: Trace;
  readonly requestId: string;
  readonly tool: string;
  readonly prepared: Prepared;
}

export function createTaskRunner(service: Service): TaskRunner {
  const { clock, log, stopping } = service;
  const inbox = service.part(createInbox);
  const running = new Map<string, TaskRun>();

  inbox.handle("task", (id) => running.get(id)?.look());
  stopping.addEventListener("abort", () => {
    for (const run of running.values()) run.end(STOPPED_ENDING);
  });

  function start(job: TaskJob): void {
    const { key, task, caller, requestId, tool } = job;
    const stopExpecting = inbox.expect();
    const { promise: over, resolve: isOver } = Promise.withResolvers<void>();
    service.finishing(over);
    const onOver: TaskRunOptions["onOver"] = (outcome) => {
      running.delete(key.id);
      stopExpecting();
      log.info({ request: requestId, task: key.id, tool, outcome, ms: clock() - task.createdAt }, "task over");
      freeSlot(service, key)
        .catch((cause: unknown) => log.warn({ cause: String(cause) }, "a task's slot stays until it is needed"))
        .finally(isOver);
    };
    const run = followTask(service, key, { task, replica: inbox.replica, caller, onOver });
    running.set(key.id, run);
    if (stopping.aborted) run.end(STOPPED_ENDING);
    setImmediate(() => void work(job, run));
  }

  async function work(job: TaskJob, run: TaskRun): Promise<void> {
    const { caller, requestId, prepared } = job;
    if (run.signal.aborted) return;
    const context = createContext(service, caller, { id: requestId, signal: run.signal }, conversationOf(job, run));
    const ending = await prepared.run(context).then(endingOf, (error: unknown) => {
      // What a run threw because its task is over is of no interest.
      return endingOfError(error, run.signal.aborted ? undefined : log, requestId);
    });
    run.finish(ending);
  }

  return {
    lease: () => ({ replica: inbox.replica, until: clock() + LEASE }),
    start,
    async wake({ id }, { lease }) {
      const here = running.get(id);
      if (here) return here.look();
      if (!lease) return;
      try {
        await inbox.send(lease.replica, "task", id);
      } catch (cause) {
        log.warn({ cause: String(cause) }, "a task is not woken; it looks by itself");
      }
    },
  };
}

/** What work sees of a client that is gone and comes back to look. */
function conversationOf({ client, trace }: TaskJob, run: TaskRun): Conversation {
  let furthest = Number.NEGATIVE_INFINITY;
  return {
    asker: { supports: (interaction) => client[interaction], put: run.put },
    progress(progress, total, message) {
      if (!(progress > furthest)) return;
      furthest = progress;
      run.say(message ?? (total === undefined ? String(progress) : `${progress} of ${total}`));
    },
    clientLog: () => undefined,
    releaseConnection: () => undefined,
    trace,
  };
}
