import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { z } from "zod";
import type { Call, MethodHandler } from "../../../mcp/methods/call.ts";
import { cancelTask, getTask, updateTask } from "../../../mcp/methods/tasks.ts";
import type { ClientFeatures } from "../../../mcp/protocol/client-features.ts";
import { startTask } from "../../../mcp/tasks/tasks.ts";
import { type Caller, type Context, defineCapability, type LongRunning } from "../../../shared/capabilities/capability.ts";
import { compile } from "../../../shared/capabilities/compile.ts";
import { type Answer, answer } from "../../../shared/capabilities/content.ts";
import { createContext } from "../../../shared/capabilities/context.ts";
import type { Log } from "../../../shared/log.ts";
import { createService, type Service } from "../../../shared/service.ts";

/** The JSON of an answer; the tests assert what it is. */
// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of each member
export type Json = any;

/** What the tool of a test does. */
export type Work = (context: Context) => Promise<Shown> | Shown;
type Shown = Answer<Readonly<Record<string, unknown>>>;

export const ANN: Caller = {
  subject: "ann",
  clientId: "client-1",
  scopes: new Set(),
  grantId: "grant-1",
  audience: "http://localhost:4000/mcp",
  issuedAt: 1_800_000_000,
  expiresAt: 1_800_003_600,
};

const EVERYTHING: ClientFeatures = { form: true, url: true, sampling: true, sampling_tools: true, roots: true, tasks: true };

export interface CallChange {
  readonly caller?: Caller | undefined;
  readonly client?: ClientFeatures;
}

export interface WorkChange extends CallChange {
  readonly longRunning?: Partial<LongRunning>;
  readonly timeLimit?: number;
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** One of several services on one store, in this process. */
export interface Replica {
  readonly service: Service;
  /** Makes a task of `work`. @returns The CreateTaskResult. */
  begin(work: Work, change?: WorkChange): Promise<Json>;
  get(taskId: unknown, change?: CallChange): Promise<Json>;
  update(taskId: unknown, inputResponses: unknown, change?: CallChange): Promise<Json>;
  cancel(taskId: unknown, change?: CallChange): Promise<Json>;
  /** The task once it is like this. */
  when(taskId: string, isIt: (task: Json) => boolean): Promise<Json>;
}

export interface ReplicaOptions {
  readonly stateUrl: string;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  readonly env?: Readonly<Record<string, string>>;
  readonly onLog?: (level: string, fields: Json, message: string) => void;
}

/** The address of an empty store that is gone after the test. */
export function temporaryState(test: Pick<TestContext, "after">): string {
  const folder = mkdtempSync(join(tmpdir(), "portico-tasks-"));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return `sqlite:${join(folder, "state.db")}`;
}

export async function openReplica(test: Pick<TestContext, "after">, options: ReplicaOptions): Promise<Replica> {
  const { stateUrl, clock = Date.now, env = {}, onLog = () => undefined } = options;
  const at = (level: string) => (fields: object, message: string) => onLog(level, fields, message);
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), child: () => log };
  const service = await createService({ env: { STATE_URL: stateUrl, ...env }, log, clock });
  test.after(async () => {
    service.stop();
    await service.close();
  });
  const send = async (handler: MethodHandler, params: Call["params"], change?: CallChange) =>
    JSON.parse(String(await handler(callOf(service, params, change))));
  const get: Replica["get"] = (taskId, change) => send(getTask, { taskId }, change);

  return {
    service,
    async begin(work, { longRunning, timeLimit, meta = {}, ...change } = {}) {
      const capability = compile(toolOf(work, longRunning, timeLimit), service.config.callTimeLimit);
      const call = callOf(service, { _meta: meta }, change);
      return JSON.parse(await startTask(call, capability, await capability.prepare({}, createContext(service, call.caller, call.origin))));
    },
    get,
    update: (taskId, inputResponses, change) => send(updateTask, { taskId, inputResponses }, change),
    cancel: (taskId, change) => send(cancelTask, { taskId }, change),
    when: (taskId, isIt) =>
      until(async () => {
        const task = await get(taskId);
        return isIt(task) ? task : undefined;
      }),
  };
}

/** Work that goes on until its task is over, or until it is let go. */
export function endlessWork() {
  const started = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const work: Work = async ({ signal }) => {
    signal.addEventListener("abort", () => aborted.resolve());
    started.resolve();
    await Promise.race([released.promise, aborted.promise]);
    signal.throwIfAborted();
    return says("released");
  };
  return { work, started: started.promise, release: released.resolve, aborted: aborted.promise };
}

export function says(text: string): Shown {
  return answer<Readonly<Record<string, unknown>>>([{ type: "text", text }]);
}

const DEADLINE = 10_000;

/** Looks until there is something. */
export async function until<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = performance.now() + DEADLINE;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error("it did not come to that in time");
    await turn();
  }
}

function toolOf(work: Work, longRunning: Partial<LongRunning> = {}, timeLimit: number | undefined) {
  return defineCapability({
    name: "work",
    title: "Work",
    description: "Use this in a test.",
    scopes: "public",
    effect: "write",
    longRunning: { task: "optional", ...longRunning },
    ...(timeLimit === undefined ? {} : { timeLimit }),
    input: z.object({}),
    run: (_input, context) => work(context),
  });
}

function callOf(service: Service, params: Call["params"], { client = EVERYTHING, ...change }: CallChange = {}): Call {
  return {
    era: "modern",
    revision: "2026-07-28",
    id: 1,
    params,
    caller: "caller" in change ? change.caller : ANN,
    address: "127.0.0.1",
    service,
    client,
    session: undefined,
    origin: { id: "request-1", signal: new AbortController().signal },
    ending: new AbortController().signal,
    asker: {
      supports: () => false,
      put: () => Promise.reject(new Error("nothing is asked before the task")),
    },
    header: () => undefined,
    notify: () => undefined,
    releaseConnection: () => undefined,
    beginSession: async () => undefined,
    note: () => undefined,
  };
}
