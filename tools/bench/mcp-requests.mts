import { ask } from "./ask.mts";
import type { Request } from "./load.mts";
import type { ServerProcess } from "./server-process.mts";

export const MODERN = "2026-07-28";
export const LEGACY = "2025-11-25";
export const TOOL = "health_check";

const ACCEPT = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const META = { "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {} };

/** A request of the 2026-07-28 revision. */
export function modern(token: string, method: string, params: Readonly<Record<string, unknown>> = {}): Request {
  const name = typeof params["name"] === "string" ? { "mcp-name": params["name"] } : {};
  return {
    method: "POST",
    path: "/mcp",
    headers: { ...ACCEPT, "mcp-protocol-version": MODERN, "mcp-method": method, ...name, authorization: `Bearer ${token}` },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: META } }),
  };
}

/** A request of the 2025-11-25 revision, in a session if one is given. */
export function legacy(token: string, method: string, params: Readonly<Record<string, unknown>> = {}, session?: string): Request {
  const ofSession = session === undefined ? {} : { "mcp-session-id": session };
  return {
    method: "POST",
    path: "/mcp",
    headers: { ...ACCEPT, "mcp-protocol-version": LEGACY, ...ofSession, authorization: `Bearer ${token}` },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  };
}

export const CALL = { name: TOOL, arguments: {} } as const;

/** Begins a session of the 2025-11-25 revision. @returns its id. */
export async function beginSession(server: ServerProcess, token: string): Promise<string> {
  const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: "bench", version: "1" } };
  const { headers } = await ask(server, legacy(token, "initialize", params));
  const session = headers["mcp-session-id"];
  if (typeof session !== "string") throw new Error("no session was begun");
  const body = JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" });
  await ask(server, { ...legacy(token, "", {}, session), body }, 202);
  return session;
}
