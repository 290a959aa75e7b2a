import { once } from "node:events";
import type { Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";

/** Starts a server that speaks DynamoDB's protocol, in this process. */
export async function startDynalite(): Promise<{ readonly endpoint: string; close(): Promise<void> }> {
  // It has no types of its own.
  const dynalite: (options: object) => Server = createRequire(import.meta.url)("dynalite");
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0 });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
