import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { bearer, createApp, serverOf, start } from "./sdk-v1.mts";

/** The official SDK v1 with Express as its stateless example has it: a server and a transport a request, JSON replies. */
const app = createApp();
app.get("/health", (_request, response) => void response.json({ status: "ok" }));
app.post("/mcp", bearer, async (request, response) => {
  const server = serverOf();
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport as Parameters<typeof server.connect>[0]);
  await transport.handleRequest(request, response, request.body);
  response.on("close", () => {
    void transport.close();
    void server.close();
  });
});
start(app);
