import { randomUUID } from "node:crypto";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { isInitializeRequest } from "@modelcontextprotocol/sdk/types.js";
import type { RequestHandler } from "express";
import { bearer, createApp, serverOf, start } from "./sdk-v1.mts";

/** The official SDK v1 with Express and sessions as its example has them, replies over SSE. */
const sessions = new Map<string, StreamableHTTPServerTransport>();

async function begin(): Promise<StreamableHTTPServerTransport> {
  const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
  });
  const server = serverOf();
  await server.connect(transport as Parameters<typeof server.connect>[0]);
  return transport;
}

const handle: RequestHandler = async (request, response) => {
  const id = request.headers["mcp-session-id"];
  const known = typeof id === "string" ? sessions.get(id) : undefined;
  if (!known && (id !== undefined || !isInitializeRequest(request.body))) {
    response.status(404).json({ jsonrpc: "2.0", error: { code: -32001, message: "Session not found" }, id: null });
    return;
  }
  await (known ?? (await begin())).handleRequest(request, response, request.body);
};

const app = createApp();
app.post("/mcp", bearer, handle);
app.get("/mcp", bearer, handle);
start(app);
