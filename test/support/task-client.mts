import type { Client } from "@modelcontextprotocol/client";
import {
  createApplicationInputHandler,
  createTaskSessionFromClient,
  type RawClientDispatch,
  type TaskEnabledSession,
} from "@modelcontextprotocol/ext-tasks/client";
import { CAPABILITIES, type Door } from "./mcp-clients.mts";

const REVISION = "2026-07-28";

/**
 * The official requester of the tasks extension on a modern client. That client's own codecs know no tasks, so the
 * extension's requests go past it, as its documentation has it.
 */
export function startTaskSession(client: Client, door: Door): TaskEnabledSession {
  return createTaskSessionFromClient(client, {
    endpointId: door.url,
    rawDispatch: createDispatch(door),
    v2RequestFraming: {
      protocolVersion: REVISION,
      clientInfo: { name: "test", version: "1.0.0" },
      clientCapabilities: CAPABILITIES,
    },
    onInputRequest: createApplicationInputHandler({
      elicitation: () => ({ action: "accept", content: { name: "Ann", confirm: true } }),
      sampling: () => ({ role: "assistant", model: "test-model", content: { type: "text", text: "Paris." } }),
      roots: () => ({ roots: [] }),
    }),
  });
}

function createDispatch({ url, accessToken }: Door): RawClientDispatch {
  let id = 0;
  return async (request, { signal, context } = {}) => {
    // biome-ignore lint/suspicious/noExplicitAny: framed by the extension.
    const { method, params } = request as any;
    id += 1;
    const headers = new Headers(context?.headers);
    headers.set("authorization", `Bearer ${accessToken}`);
    headers.set("content-type", "application/json");
    headers.set("accept", "application/json, text/event-stream");
    headers.set("mcp-protocol-version", REVISION);
    headers.set("mcp-method", method);
    // With tasks it has been set already.
    if (typeof params.name === "string") headers.set("mcp-name", params.name);
    const body = JSON.stringify({ jsonrpc: "2.0", id, method, params });
    const response = await fetch(`${url}/mcp`, { method: "POST", headers, body, signal: signal ?? null });
    const message = lastMessage(await response.text());
    return message.error === undefined ? { kind: "result", result: message.result } : { kind: "error", error: message.error };
  };
}

/** The response: the body itself, or the last event of a stream. */
// biome-ignore lint/suspicious/noExplicitAny: whatever came.
function lastMessage(text: string): any {
  if (text.startsWith("{")) return JSON.parse(text);
  const data = [...text.matchAll(/^data: ?(\{.*)$/gm)].at(-1)?.[1];
  if (data === undefined) throw new Error(`no message: ${text}`);
  return JSON.parse(data);
}
