import { isObject } from "../../shared/is-object.ts";
import { tasksNeeded } from "../protocol/client-features.ts";
import { McpError } from "../protocol/errors.ts";
import type { Params } from "../protocol/json-rpc.ts";
import type { Call } from "./call.ts";

/** Resources, and tasks, that one stream or session may watch. */
export const MOST_WATCHED = 100;
/** Bytes of an address written as JSON: {@link MOST_WATCHED} of them are kept in the session's record, which is bounded. */
const MAX_URI = 2_000;

/** What a stream may carry; what is absent was not asked for (MCP 2026-07-28 schema SubscriptionFilter, SEP-2663). */
export interface SubscriptionFilter {
  readonly toolsListChanged?: true;
  readonly promptsListChanged?: true;
  readonly resourcesListChanged?: true;
  readonly resourceSubscriptions?: readonly string[];
  readonly taskIds?: readonly string[];
}

/**
 * What a client asks to hear, each thing once. Members that we do not know are left out, as the acknowledgement will say.
 * @throws {McpError} `invalid_params` when it is malformed or asks for too much; `missing_capability` when it asks for
 *   tasks and the client did not say that it knows them.
 */
export function readFilter({ params, client }: Call): SubscriptionFilter {
  const { notifications } = params;
  if (!isObject(notifications)) throw new McpError("invalid_params", "subscriptions/listen needs an object of notifications.");
  const taskIds = readNames(notifications, "taskIds");
  if (taskIds && !client.tasks) {
    throw tasksNeeded("Only a client that declares tasks can listen to them.");
  }
  const resourceSubscriptions = readNames(notifications, "resourceSubscriptions");
  resourceSubscriptions?.forEach(checkUri);
  return {
    ...(readFlag(notifications, "toolsListChanged") && { toolsListChanged: true }),
    ...(readFlag(notifications, "promptsListChanged") && { promptsListChanged: true }),
    ...(readFlag(notifications, "resourcesListChanged") && { resourcesListChanged: true }),
    ...(resourceSubscriptions && { resourceSubscriptions }),
    ...(taskIds && { taskIds }),
  };
}

/** The address that a legacy client wants to watch, or no longer. @throws {McpError} `invalid_params` */
export function readUri({ uri }: Params): string {
  if (typeof uri !== "string") throw new McpError("invalid_params", "This needs the uri of a resource.");
  checkUri(uri);
  return uri;
}

function checkUri(uri: string): void {
  const tooLong = uri.length > MAX_URI || Buffer.byteLength(JSON.stringify(uri)) > MAX_URI;
  if (tooLong) throw new McpError("invalid_params", `The uri has more than ${MAX_URI} bytes.`);
}

function readFlag(notifications: Params, member: string): boolean {
  const { [member]: flag = false } = notifications;
  if (typeof flag !== "boolean") throw new McpError("invalid_params", `notifications.${member} must be true or false.`);
  return flag;
}

function readNames(notifications: Params, member: string): readonly string[] | undefined {
  const { [member]: names } = notifications;
  if (names === undefined) return undefined;
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) {
    throw new McpError("invalid_params", `notifications.${member} must be a list of strings.`);
  }
  if (names.length > MOST_WATCHED) throw new McpError("invalid_params", `notifications.${member} has more than ${MOST_WATCHED} entries.`);
  return [...new Set(names)];
}
