import type { Ask } from "../capabilities/ask.ts";
import type { Caller, Prepared, Trace } from "../capabilities/capability.ts";
import type { Outcome } from "../capabilities/content.ts";
import { type Conversation, createContext } from "../capabilities/context.ts";
import { randomToken } from "../hash.ts";
import type { Log } from "../log.ts";
import type { Service } from "../service.ts";
import { LEASE, STOPPED_ENDING } from "./task-lease.ts";
import type { Ending, Task, TaskKey } from "./task-records.ts";
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
  /** Whether the client can answer such a question. */
  readonly supports: Ask["supports"];
  readonly trace: Trace;
  readonly requestId: string;
  readonly tool: string;
  readonly prepared: Prepared;
  readonly endings: Endings;
}

/** How an adapter says in its protocol what became of the work. */
export interface Endings {
  /** The end of work that gave something. */
  endingOf(outcome: Outcome): Ending;
  /**
   * The end of work that failed.
   * @param log Absent when nobody needs to know: the work was aborted.
   */
  endingOfError(error: unknown, log: Log | undefined, requestId: string): Ending;
}

/** How replicas wake each other's tasks. */
export interface TaskLetters {
  /** This process, as leases name it. */
  readonly replica: string;
  /** Says that letters are expected, until the function it gives is called. */
  expect(): () => void;
  /** @param take Called with the key's id of a task that should look at its record. */
  onLetter(take: (id: string) => void): void;
  send(replica: string, id: string): Promise<void>;
}

/** @param letters Absent where nobody answers or cancels: a task then looks at its record from time to time. */
export function createTaskRunner(service: Service, letters?: TaskLetters): TaskRunner {
  const replica = letters?.replica ?? randomToken(12);
  const { clock, log, stopping } = service;
  const running = new Map<string, TaskRun>();

  letters?.onLetter((id) => running.get(id)?.look());
  stopping.addEventListener("abort", () => {
    for (const run of running.values()) run.end(STOPPED_ENDING);
  });

  function start(job: TaskJob): void {
    const { key, task, caller, requestId, tool } = job;
    const stopExpecting = letters?.expect();
    const { promise: over, resolve: isOver } = Promise.withResolvers<void>();
    service.finishing(over);
    const onOver: TaskRunOptions["onOver"] = (outcome) => {
      running.delete(key.id);
      stopExpecting?.();
      log.info({ request: requestId, task: key.id, tool, outcome, ms: clock() - task.createdAt }, "task over");
      freeSlot(service, key)
        .catch((cause: unknown) => log.warn({ cause: String(cause) }, "a task's slot stays until it is needed"))
        .finally(isOver);
    };
    const run = followTask(service, key, { task, replica, caller, onOver });
    running.set(key.id, run);
    if (stopping.aborted) run.end(STOPPED_ENDING);
    setImmediate(() => void work(job, run));
  }

  async function work(job: TaskJob, run: TaskRun): Promise<void> {
    const { caller, requestId, prepared, endings } = job;
    if (run.signal.aborted) return;
    const context = createContext(service, caller, { id: requestId, signal: run.signal }, conversationOf(job, run));
    const ending = await prepared.run(context).then(endings.endingOf, (error: unknown) => {
      // What a run threw because its task is over is of no interest.
      return endings.endingOfError(error, run.signal.aborted ? undefined : log, requestId);
    });
    run.finish(ending);
  }

  return {
    lease: () => ({ replica, until: clock() + LEASE }),
    start,
    async wake({ id }, { lease }) {
      const here = running.get(id);
      if (here) return here.look();
      if (!lease || !letters) return;
      try {
        await letters.send(lease.replica, id);
      } catch (cause) {
        log.warn({ cause: String(cause) }, "a task is not woken; it looks by itself");
      }
    },
  };
}

/** What work sees of a client that is gone and comes back to look. */
function conversationOf({ supports, trace }: TaskJob, run: TaskRun): Conversation {
  let furthest = Number.NEGATIVE_INFINITY;
  return {
    asker: { supports, put: run.put },
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
