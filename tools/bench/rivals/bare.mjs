import { createServer } from "node:http";

/** The least that can be started: plain JavaScript, one module, every request answered alike. */
const body = '{"status":"ok"}';
const headers = { "content-type": "application/json", "content-length": String(body.length) };
const server = createServer((request, response) => {
  request.resume();
  response.writeHead(200, headers).end(body);
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  process.stdout.write(`listens on http://127.0.0.1:${server.address().port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
