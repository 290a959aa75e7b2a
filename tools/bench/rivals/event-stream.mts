import { createServer } from "node:http";
import { listening } from "./listening.mts";

/** Bare node:http that answers everything with an event stream and gives a sign of life on each every 15 seconds. */
listening(
  createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    response.write(": open\n\n");
    const beat = setInterval(() => response.write(": \n\n"), 15_000);
    response.on("close", () => clearInterval(beat));
  }),
);
