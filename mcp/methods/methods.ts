import { McpError } from "../protocol/errors.ts";
import type { Era } from "../protocol/revisions.ts";
import type { Call, MethodHandler } from "./call.ts";
import { discover, initialize, ping } from "./lifecycle.ts";
import { getPrompt, listPrompts } from "./prompts.ts";
import { listResources, listResourceTemplates, readResource } from "./resources.ts";
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
]);

/** @throws {McpError} `unknown_method` for one the call's era does not have, and what the method throws. */
export function dispatch(method: string, call: Call): string | Promise<string> {
  const known = METHODS.get(method);
  if (!known?.eras.includes(call.era)) throw new McpError("unknown_method", "There is no such method.");
  call.note({ rpc: method });
  return known.handle(call);
}
