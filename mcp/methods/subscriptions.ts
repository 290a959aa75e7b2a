import { requireAccess } from "../../shared/capabilities/access.ts";
import type { Announcement } from "../../shared/capabilities/changes.ts";
import { sha256 } from "../../shared/hash.ts";
import { taskKeyOf } from "../../shared/tasks/task-records.ts";
import { SUBSCRIPTION_ID } from "../protocol/envelope.ts";
import { McpError } from "../protocol/errors.ts";
import type { Params } from "../protocol/json-rpc.ts";
import type { Session } from "../sessions/sessions.ts";
import { readOwnTask } from "../tasks/tasks.ts";
import type { Call, MethodHandler } from "./call.ts";
import { accessOf, findReadable } from "./resources.ts";
import { renderResult } from "./result.ts";
import { MOST_WATCHED, readFilter, readUri, type SubscriptionFilter } from "./subscription-filter.ts";

const RESOURCE_UPDATED = "notifications/resources/updated";
/** Of the topics that are lists: the notification, and what asks for it. */
const LIST_CHANGED = {
  tools: { method: "notifications/tools/list_changed", flag: "toolsListChanged" },
  prompts: { method: "notifications/prompts/list_changed", flag: "promptsListChanged" },
  resources: { method: "notifications/resources/list_changed", flag: "resourcesListChanged" },
} as const;

/** `resources/subscribe` (MCP 2025-11-25 server/resources §subscriptions). */
export const subscribe: MethodHandler = async (call) => {
  const { session, era } = call;
  const uri = readUri(call.params);
  if (!session) throw sessionNeeded();
  findReadable(call, uri);
  await session.update((value) => withSubscription(value, uri));
  return renderResult(era, {});
};

/** `resources/unsubscribe`: also from what is no longer offered, or was never subscribed to. */
export const unsubscribe: MethodHandler = async ({ params, session, era }) => {
  const uri = readUri(params);
  if (!session) throw sessionNeeded();
  await session.update((value) => ({ ...value, subscriptions: value.subscriptions.filter((watched) => watched !== uri) }));
  return renderResult(era, {});
};

/** What an announcement is on the stream of a legacy session; nothing when the session did not ask for it. */
export function legacyNotificationOf(
  announcement: Announcement,
  { subscriptions }: Pick<Session, "subscriptions">,
): { readonly method: string; readonly params: Params } | undefined {
  const { topic } = announcement;
  if (isList(topic)) return { method: LIST_CHANGED[topic].method, params: {} };
  const subscribed = topic === "resource" && subscriptions.includes(announcement.uri);
  return subscribed ? { method: RESOURCE_UPDATED, params: { uri: announcement.uri } } : undefined;
}

/**
 * `subscriptions/listen` (MCP 2026-07-28 basic/patterns/subscriptions): acknowledges what it will tell, then tells it
 * until the client goes or the stream has to end. What changes while it begins is told too.
 */
export const listen: MethodHandler = async (call) => {
  const wanted = readFilter(call);
  const position = await call.service.changes.position();
  const { taskIds: ids, resourceSubscriptions: uris, ...flags } = wanted;
  const resourceSubscriptions = uris?.filter((uri) => isWatchable(call, uri));
  const tasks = await readTasks(call, ids ?? []);
  const taskIds = ids?.filter((id) => tasks.has(id));
  const honoured = { ...flags, ...(resourceSubscriptions && { resourceSubscriptions }), ...(taskIds && { taskIds }) };

  const tag = { [SUBSCRIPTION_ID]: call.id };
  const tell = (method: string, params: object) => call.notify(method, { ...params, _meta: tag });
  tell("notifications/subscriptions/acknowledged", { notifications: honoured });
  await untilOver(call, (over, fail) => {
    const watch = watchTasks(call, (task) => !over.aborted && tell("notifications/tasks", task));
    for (const [id, task] of tasks) watch.tell(id, task);
    const hear = hearing(call, honoured, tell, (id) => watch.changed(id).catch(fail));
    call.service.changes.follow(position, hear, over);
  });
  return renderResult(call.era, {}, tag);
};

/** Tells what was asked for and nothing else. */
function hearing(
  { caller }: Call,
  honoured: SubscriptionFilter,
  tell: (method: string, params: object) => void,
  onTask: (taskId: string) => void,
): (announcement: Announcement) => void {
  const uris = new Set(honoured.resourceSubscriptions);
  const tasks = new Map(honoured.taskIds?.map((id) => [taskKeyOf(id), id]));
  return (announcement) => {
    const { topic } = announcement;
    if (isList(topic)) {
      if (honoured[LIST_CHANGED[topic].flag]) tell(LIST_CHANGED[topic].method, {});
    } else if (topic === "resource") {
      if (uris.has(announcement.uri)) tell(RESOURCE_UPDATED, { uri: announcement.uri });
    } else if (topic === "task") {
      const id = announcement.owner === caller?.subject ? tasks.get(announcement.id) : undefined;
      if (id !== undefined) onTask(id);
    }
  };
}

function isList(topic: Announcement["topic"]): topic is keyof typeof LIST_CHANGED {
  return Object.hasOwn(LIST_CHANGED, topic);
}

/** Tells the state of tasks, as it is when it is read: in order, and no state twice in a row. */
function watchTasks(call: Call, tell: (task: object) => void) {
  /** What was told last, by its hash: results may be large, and a stream is open for long. */
  const told = new Map<string, string>();
  /** Tasks that are being read, and whether they changed meanwhile. */
  const reading = new Map<string, { again: boolean }>();
  const watch = {
    tell(id: string, task: object): void {
      const hash = sha256(JSON.stringify(task));
      if (told.get(id) === hash) return;
      told.set(id, hash);
      tell(task);
    },
    async changed(id: string): Promise<void> {
      const current = reading.get(id);
      if (current) {
        current.again = true;
        return;
      }
      const own = { again: true };
      reading.set(id, own);
      try {
        while (own.again) {
          own.again = false;
          const task = await readOwnTask(call, id);
          if (task) watch.tell(id, task);
        }
      } finally {
        reading.delete(id);
      }
    },
  };
  return watch;
}

/** The tasks of the caller among these, by their ids. */
async function readTasks(call: Call, ids: readonly string[]): Promise<ReadonlyMap<string, object>> {
  const found = await Promise.all(ids.map((id) => readOwnTask(call, id)));
  return new Map(ids.flatMap((id, index) => (found[index] ? [[id, found[index]]] : [])));
}

/** Begins something that lasts until the client goes or the stream has to end. @throws what it failed with. */
async function untilOver(call: Call, begin: (over: AbortSignal, fail: (cause: unknown) => void) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const over = new AbortController();
  for (const signal of [call.ending, call.origin.signal]) {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true, signal: over.signal });
  }
  try {
    begin(over.signal, reject);
    await promise;
  } finally {
    over.abort();
  }
}

/** What is not there cannot be watched; what the caller may not read is an error, as it is when it is read. */
function isWatchable({ service, caller }: Call, uri: string): boolean {
  const found = service.registry.catalog.findResource(uri);
  if (found) requireAccess(accessOf(found), caller);
  return found !== undefined;
}

function withSubscription(session: Session, uri: string): Session {
  const { subscriptions } = session;
  if (subscriptions.includes(uri)) return session;
  if (subscriptions.length < MOST_WATCHED) return { ...session, subscriptions: [...subscriptions, uri] };
  throw new McpError("invalid_params", `A session can watch ${MOST_WATCHED} resources: unsubscribe from one first.`);
}

function sessionNeeded(): McpError {
  return new McpError("session_needed", "Subscriptions belong to a session: begin one with initialize.");
}
