import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";

/** What a floor is told: FLOOR_BODY is the file with its answer, FLOOR_TYPE the answer's media type. */
const answer = readFileSync(process.env["FLOOR_BODY"] ?? "");
const headers = { "content-type": process.env["FLOOR_TYPE"] ?? "application/json", "content-length": String(answer.length) };

/**
 * The least that any server on Node does: read the body, parse it, answer a constant.
 * @param work What each request needs beside that.
 */
export function createFloor(work: (request: IncomingMessage) => void): Server {
  return createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      if (request.method === "POST") JSON.parse(Buffer.concat(pieces).toString("utf8"));
      work(request);
      response.writeHead(200, headers).end(answer);
    });
  });
}
