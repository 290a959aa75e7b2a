import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** The least that any server on Node does for a tool call: read the body, parse it, answer a constant. */
const answer = Buffer.from(
  JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    result: { content: [{ type: "text", text: '{"status":"ok"}' }], structuredContent: { status: "ok" } },
  }),
);
const headers = { "content-type": "application/json", "content-length": String(answer.length) };

const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on("data", (piece: Buffer) => pieces.push(piece));
  request.on("end", () => {
    JSON.parse(Buffer.concat(pieces).toString("utf8"));
    response.writeHead(200, headers).end(answer);
  });
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`listens on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`));
process.on("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
});
