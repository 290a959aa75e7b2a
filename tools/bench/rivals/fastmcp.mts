import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { FastMCP } from "fastmcp";
import { type Authenticated, verifyToken } from "./bearer.mts";
import { healthCheck, MADE_UP_NAMES, madeUp } from "./tools.mts";

/** fastmcp in its stateless mode, JSON replies, with its `authenticate`. */
const server = new FastMCP<Authenticated>({
  name: "bench",
  version: "1.0.0",
  async authenticate({ headers }) {
    try {
      return await verifyToken(headers.authorization?.slice("Bearer ".length) ?? "");
    } catch {
      throw new Response(null, { status: 401 });
    }
  },
});
const { name, description, output, run } = healthCheck();
server.addTool({ name, description, outputSchema: output, execute: async () => run() });
for (const made of MADE_UP_NAMES) {
  const { description: about, input, output: found, run: find } = madeUp();
  server.addTool({ name: made, description: about, parameters: input, outputSchema: found, execute: async () => find() });
}

/** It must be told its port. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

const port = await freePort();
await server.start({ transportType: "httpStream", httpStream: { port, host: "127.0.0.1", stateless: true, enableJsonResponse: true } });
process.stdout.write(`listens on http://127.0.0.1:${port}\n`);
process.on("SIGTERM", () => process.exit(0));
