import type { Awaitable } from "../../shared/awaitable.ts";
import { McpError } from "../protocol/errors.ts";
import type { Era } from "../protocol/revisions.ts";
import type { Call, MethodHandler } from "./call.ts";
import { complete } from "./completion.ts";
import { discover, initialize, ping } from "./lifecycle.ts";
import { setLevel } from "./logging.ts";
import { getPrompt, listPrompts } from "./prompts.ts";
import { listResources, listResourceTemplates, readResource } from "./resources.ts";
import { listen, subscribe, unsubscribe } from "./subscriptions.ts";
import { cancelTask, getTask, updateTask } from "./tasks.ts";
import { callTool, listTools } from "./tools.ts";

interface Method {
  readonly eras: readonly Era[];
  readonly handle: MethodHandler;
}

const BOTH: readonly Era[] = ["modern", "legacy"];

/** Every method there is, the eras that have it and what answers it. */
const METHODS: ReadonlyMap<string, Method> = new Map([
  ["server/discover", { eras: ["modern"], handle: discover }],
  ["initialize", { eras: ["legacy"], handle: initialize }],
  ["ping", { eras: ["legacy"], handle: ping }],
  ["tools/list", { eras: BOTH, handle: listTools }],
  ["tools/call", { eras: BOTH, handle: callTool }],
  ["resources/list", { eras: BOTH, handle: listResources }],
  ["resources/templates/list", { eras: BOTH, handle: listResourceTemplates }],
  ["resources/read", { eras: BOTH, handle: readResource }],
  ["prompts/list", { eras: BOTH, handle: listPrompts }],
  ["prompts/get", { eras: BOTH, handle: getPrompt }],
  ["completion/complete", { eras: BOTH, handle: complete }],
  ["subscriptions/listen", { eras: ["modern"], handle: listen }],
  ["tasks/get", { eras: ["modern"], handle: getTask }],
  ["tasks/update", { eras: ["modern"], handle: updateTask }],
  ["tasks/cancel", { eras: ["modern"], handle: cancelTask }],
  ["logging/setLevel", { eras: ["legacy"], handle: setLevel }],
  ["resources/subscribe", { eras: ["legacy"], handle: subscribe }],
  ["resources/unsubscribe", { eras: ["legacy"], handle: unsubscribe }],
]);

/** @throws {McpError} `unknown_method` for one the call's era does not have, and what the method throws. */
export function dispatch(method: string, call: Call): Awaitable<string | Buffer> {
  const known = METHODS.get(method);
  if (!known?.eras.includes(call.era)) throw new McpError("unknown_method", "There is no such method.");
  call.note({ rpc: method });
  return known.handle(call);
}
