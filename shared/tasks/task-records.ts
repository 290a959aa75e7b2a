import { z } from "zod";
import { sha256 } from "../hash.ts";
import type { Service } from "../service.ts";
import { type Blob, blobCodec, createBlobs } from "../state/blobs.ts";
import { type Key, type Kind, Unavailable } from "../state/store.ts";

/** What may be private of a task, and large. */
const detailsCodec = z.strictObject({
  message: z.string().optional(),
  /** Put to the client and not answered, by key. */
  questions: z.record(
    z.string(),
    z.strictObject({
      method: z.enum(["elicitation/create", "sampling/createMessage", "roots/list"]),
      params: z.record(z.string(), z.unknown()).readonly(),
    }),
  ),
  /** Answered, and not yet read by the process that runs the task. */
  answers: z.record(z.string(), z.unknown()),
  /** Of a completed task. */
  result: z.record(z.string(), z.unknown()).optional(),
  /** Of a failed task. */
  error: z.strictObject({ code: z.number(), message: z.string(), data: z.unknown().optional() }).optional(),
});
export type Details = z.infer<typeof detailsCodec>;

const recordCodec = z.strictObject({
  clientId: z.string(),
  status: z.enum(["working", "input_required", "completed", "failed", "cancelled"]),
  createdAt: z.number(),
  /** The last change that a client can see. */
  updatedAt: z.number(),
  /** Milliseconds from its creation. */
  ttl: z.number(),
  /** Milliseconds. */
  pollInterval: z.number(),
  /** While it is not over: the process that runs it. Once the lease has run out, that process is gone. */
  lease: z.strictObject({ replica: z.string(), until: z.number() }).optional(),
  details: blobCodec,
});
type TaskRecord = z.infer<typeof recordCodec>;

/** Owner: the subject. Id: the hash of the task id. Expires: {@link expiryOf}. */
export const taskKind: Kind<TaskRecord> = { name: "mcp_task", codec: recordCodec };

/** A task, its record opened. */
export interface Task extends Omit<TaskRecord, "details"> {
  readonly details: Details;
}

export type TaskError = NonNullable<Details["error"]>;

/** Where a task is kept: with its owner. */
export interface TaskKey extends Key {
  readonly owner: string;
}

/** How a record names a task. The task id itself is a secret that only the client has. */
export function taskKeyOf(taskId: string): string {
  return sha256(taskId);
}

/** Nothing happens to a task that is over. */
export function isOver({ status }: Pick<Task, "status">): boolean {
  return status !== "working" && status !== "input_required";
}

/** Milliseconds since the epoch. */
export function expiryOf({ createdAt, ttl }: Pick<Task, "createdAt" | "ttl">): number {
  return createdAt + ttl;
}

/** @throws {Unavailable} */
export async function createTask(service: Service, key: TaskKey, task: Task): Promise<void> {
  const record = { ...task, details: await seal(service, key, task) };
  if (!(await service.store.create(taskKind, key, record, expiryOf(task)))) throw new Error("a task id came twice");
}

/** The task, or nothing when there is none or its time has passed. @throws {Unavailable} */
export async function readTask(service: Service, key: TaskKey): Promise<Task | undefined> {
  const entry = await service.store.get(taskKind, key);
  return entry && open(service, key, entry.value);
}

const TRIES = 20;

/**
 * One step of a task's life: read, decide, one compare and set. A step that lost the race decides again on what the
 * winner left. Listeners hear of a change of the status or the questions.
 * @param decide The next task, or nothing to leave it as it is. Not asked about a task that is over.
 * @returns The task after the step; nothing when there is none any more.
 * @throws {Unavailable} after {@link TRIES} lost races too.
 */
export async function stepTask(service: Service, key: TaskKey, decide: (task: Task) => Task | undefined): Promise<Task | undefined> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const entry = await service.store.get(taskKind, key);
    const task = entry && (await open(service, key, entry.value));
    const next = task && !isOver(task) ? decide(task) : undefined;
    if (!entry || !task || !next) return task;
    // Details that stay need not be written again; those that go expire with the task, for someone may be reading them.
    const details = next.details === task.details ? entry.value.details : await seal(service, key, next);
    if (!(await service.store.replace(taskKind, key, entry.version, { ...next, details }, expiryOf(next)))) continue;
    if (next.status !== task.status || next.details.questions !== task.details.questions) announce(service, key);
    return next;
  }
  throw new Unavailable("a task changed too often");
}

/** How a task ends. */
export type Ending =
  | { readonly status: "completed"; readonly result: Readonly<Record<string, unknown>> }
  | { readonly status: "failed"; readonly error: TaskError; readonly message: string }
  | { readonly status: "cancelled"; readonly message?: string };

/** The end of a task: what only a running one needs goes. */
export function ended({ lease: _lease, ...task }: Task, now: number, { status, ...found }: Ending): Task {
  return { ...task, status, updatedAt: now, details: { questions: {}, answers: {}, ...found } };
}

function announce({ changes }: Service, { owner, id }: TaskKey): void {
  changes.announce({ topic: "task", owner, id });
}

function seal(service: Service, key: TaskKey, task: Task): Promise<Blob> {
  return service.part(createBlobs).write(purposeOf(key), JSON.stringify(task.details), expiryOf(task));
}

async function open(service: Service, key: TaskKey, { details, ...head }: TaskRecord): Promise<Task | undefined> {
  const text = await service.part(createBlobs).read(purposeOf(key), details);
  return text === undefined ? undefined : { ...head, details: detailsCodec.parse(JSON.parse(text)) };
}

function purposeOf({ id }: TaskKey): string {
  return `mcp-task ${id}`;
}
