import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Listens on PORT, or a free port, says where, and ends with SIGTERM. */
export function listening(server: Server): void {
  server.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", () => {
    process.stdout.write(`listens on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  });
  process.on("SIGTERM", () => process.exit(0));
}
