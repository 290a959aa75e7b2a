import type { Asker } from "../capabilities/ask.ts";
import type { Caller } from "../capabilities/capability.ts";
import type { Service } from "../service.ts";
import { grantKind } from "../state/records.ts";
import { Unavailable } from "../state/store.ts";
import { LEASE } from "./task-lease.ts";
import { createTaskQuestions } from "./task-questions.ts";
import { type Details, type Ending, ended, expiryOf, isOver, stepTask, type Task, type TaskKey } from "./task-records.ts";

/** Milliseconds between two renewals of the lease. */
const BEAT = 10_000;
/** Milliseconds between two looks at whether its person may still do what it does: a revocation ends it within ten seconds. */
const CHECK = 2_500;
/** Milliseconds after which a write that could not be made is tried again. */
const RETRY = 1_000;
/** Milliseconds between two writes of what the task says of its progress. */
const MESSAGE_INTERVAL = 1_000;
const MAX_MESSAGE = 500;

/** A task that runs in this process. Its record is the truth; this makes the record follow the run, and the run the record. */
export interface TaskRun {
  /** Aborts when the task is over before its work is. */
  readonly signal: AbortSignal;
  readonly put: Asker["put"];
  /** Shows how far the work is. */
  say(message: string): void;
  /** Ends the task because its work is done, unless it is over already. What is still asked is of no interest. */
  finish(ending: Ending): void;
  /** Ends the task although its work is not done, unless it is over already. */
  end(ending: Ending): void;
  /** Looks at the record: someone answered, or cancelled. */
  look(): void;
}

export interface TaskRunOptions {
  readonly task: Task;
  /** This process, as leases name it. */
  readonly replica: string;
  /** On whose authority it runs. */
  readonly caller: Caller;
  /** Called once, when the task is over or its time has passed. */
  readonly onOver: (outcome: Task["status"] | "expired" | "lost") => void;
}

/** Follows a task until it is over. */
export function followTask(service: Service, key: TaskKey, { task, replica, caller, onOver }: TaskRunOptions): TaskRun {
  const { clock, log } = service;
  const controller = new AbortController();
  const questions = createTaskQuestions(follow);
  let message: string | undefined;
  let ending: Ending | undefined;
  let over = false;
  let following = false;
  let again = false;
  let beatTimer: NodeJS.Timeout;
  let checkTimer: NodeJS.Timeout;
  let laterTimer: NodeJS.Timeout | undefined;
  let saidAt = Number.NEGATIVE_INFINITY;

  beat();
  check();

  return { signal: controller.signal, put: questions.put, say, finish, end, look: follow };

  function beat(): void {
    beatTimer = setTimeout(onBeat, Math.max(0, Math.min(BEAT, expiryOf(task) - clock()))).unref();
  }

  function onBeat(): void {
    if (clock() >= expiryOf(task)) {
      close("expired");
      return;
    }
    beat();
    follow();
  }

  function check(): void {
    checkTimer = setTimeout(onCheck, CHECK).unref();
  }

  function onCheck(): void {
    check();
    isCutOff(service, caller).then(
      (cutOff) => cutOff && end({ status: "cancelled", message: "The access that this task ran under was revoked." }),
      (cause: unknown) => log.warn({ cause: String(cause) }, "a task's access cannot be checked"),
    );
  }

  /** One at a time: what comes up meanwhile is part of the next. */
  function follow(): void {
    if (over) return;
    again = following;
    if (following) return;
    following = true;
    reconcile().then(
      () => {
        following = false;
        if (again) follow();
      },
      (error: unknown) => {
        following = false;
        recover(error);
      },
    );
  }

  /** Without its lease a task that cannot be followed any more is soon known to have failed. */
  function recover(error: unknown): void {
    if (error instanceof Unavailable) {
      later(RETRY);
      return;
    }
    log.error({ err: error }, "a task cannot be kept");
    close("lost");
  }

  async function reconcile(): Promise<void> {
    let answers: Details["answers"] = {};
    try {
      const after = await stepTask(service, key, (now) => {
        answers = now.details.answers;
        return next(now);
      });
      if (!after || isOver(after)) close(after?.status ?? "expired");
    } finally {
      // They were in the record, whatever became of the step that takes them out.
      questions.deliver(answers);
    }
  }

  /** The record with all that came up; nothing when nothing did and the lease is young. */
  function next(now: Task): Task | undefined {
    if (ending) return ended(now, clock(), ending);
    const details = nextDetails(now.details);
    const lease = { replica, until: clock() + LEASE };
    const young = now.lease !== undefined && now.lease.until > lease.until - BEAT / 2;
    if (details === now.details && young) return undefined;
    const visible = details.questions !== now.details.questions || details.message !== now.details.message;
    return {
      ...now,
      status: Object.keys(details.questions).length === 0 ? "working" : "input_required",
      updatedAt: visible ? clock() : now.updatedAt,
      lease,
      details,
    };
  }

  function nextDetails(now: Details): Details {
    const missing = questions.missing(now);
    const asks = Object.keys(missing).length > 0;
    if (!asks && Object.keys(now.answers).length === 0 && message === now.message) return now;
    return {
      questions: asks ? { ...now.questions, ...missing } : now.questions,
      answers: {},
      ...(message === undefined ? {} : { message }),
    };
  }

  function say(text: string): void {
    message = text.slice(0, MAX_MESSAGE);
    later(Math.max(0, saidAt + MESSAGE_INTERVAL - clock()));
  }

  function later(delay: number): void {
    if (over) return;
    laterTimer ??= setTimeout(() => {
      laterTimer = undefined;
      saidAt = clock();
      follow();
    }, delay).unref();
  }

  function finish(wanted: Ending): void {
    questions.forget();
    ending ??= wanted;
    follow();
  }

  function end(wanted: Ending): void {
    ending ??= wanted;
    abort();
    follow();
  }

  function abort(): void {
    controller.abort();
    questions.abandon(controller.signal.reason);
  }

  function close(outcome: Parameters<typeof onOver>[0]): void {
    if (over) return;
    over = true;
    clearTimeout(beatTimer);
    clearTimeout(checkTimer);
    clearTimeout(laterTimer);
    abort();
    onOver(outcome);
  }
}

/** A grant that merely expired does not end what it allowed to begin; one that was taken back does. */
async function isCutOff({ store, bearer }: Service, { subject, clientId, grantId, issuedAt }: Caller): Promise<boolean> {
  const grant = await store.get(grantKind, { owner: subject, id: grantId });
  return grant?.value.state === "dead" || bearer.isCutOff(subject, clientId, issuedAt);
}
