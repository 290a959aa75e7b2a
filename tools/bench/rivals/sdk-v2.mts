import { createServer } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer, OAuthError, OAuthErrorCode, requireBearerAuth } from "@modelcontextprotocol/server";
import { verifyToken } from "./bearer.mts";
import { listening } from "./listening.mts";
import { healthCheck, MADE_UP_NAMES, madeUp, resultOf } from "./tools.mts";

/** The official SDK v2: `createMcpHandler` on node:http, which makes a server a request by design. */
function serverOf(): McpServer {
  const server = new McpServer({ name: "bench", version: "1.0.0" });
  const { name, title, description, output, run } = healthCheck();
  server.registerTool(name, { title, description, outputSchema: output }, () => resultOf(run()));
  for (const made of MADE_UP_NAMES) {
    const { description: about, input, output: found, run: find } = madeUp();
    const config = { title: made, description: about, inputSchema: input, outputSchema: found };
    server.registerTool(made, config, () => resultOf(find()));
  }
  return server;
}

const authenticate = requireBearerAuth({
  verifier: {
    verifyAccessToken: (token) =>
      verifyToken(token).catch(() => {
        throw new OAuthError(OAuthErrorCode.InvalidToken, "the token is not valid");
      }),
  },
});
const mcp = createMcpHandler(serverOf, { maxSubscriptions: 100_000 });
const handle = toNodeHandler({
  async fetch(request, options) {
    const who = await authenticate(request);
    return who instanceof Response ? who : mcp.fetch(request, { ...options, authInfo: who });
  },
});
listening(createServer((request, response) => void handle(request as Parameters<typeof handle>[0], response)));
