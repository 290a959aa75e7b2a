import { createServer } from "node:http";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { createMcpExpressApp } from "@modelcontextprotocol/sdk/server/express.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { Express, RequestHandler } from "express";
import { verifyToken } from "./bearer.mts";
import { listening } from "./listening.mts";
import { healthCheck, MADE_UP_NAMES, madeUp, resultOf } from "./tools.mts";

/** What both ways of the official SDK v1 have in common: its Express application, its bearer middleware, its tools. */
export function serverOf(): McpServer {
  const server = new McpServer({ name: "bench", version: "1.0.0" });
  const { name, title, description, output, run } = healthCheck();
  server.registerTool(name, { title, description, inputSchema: {}, outputSchema: output.shape }, () => resultOf(run()));
  for (const made of MADE_UP_NAMES) {
    const { description: about, input, output: found, run: find } = madeUp();
    const schemas = { inputSchema: input.shape, outputSchema: found.shape };
    server.registerTool(made, { title: made, description: about, ...schemas }, () => resultOf(find()));
  }
  return server;
}

export const bearer: RequestHandler = requireBearerAuth({
  verifier: {
    verifyAccessToken: (token) =>
      verifyToken(token).catch(() => {
        throw new InvalidTokenError("the token is not valid");
      }),
  },
});

/** An application that answers to the benchmark's host name. */
export function createApp(): Express {
  return createMcpExpressApp({ allowedHosts: [new URL(process.env["BENCH_ISSUER"] ?? "").hostname] });
}

export function start(app: Express): void {
  listening(createServer(app));
}
