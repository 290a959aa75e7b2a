import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { type Exchange, isInPieces, type Reply, type ReplyBody, type Sink } from "./exchange.ts";

/** Milliseconds. */
const STOPPING_GRACE = 2000;

/** Sends a reply, or begins to when it is a stream. @param stopping Aborts when the service begins to stop. */
export function send(reply: Reply, exchange: Exchange, response: ServerResponse, stopping: AbortSignal): void {
  const headers: OutgoingHttpHeaders = { "x-request-id": exchange.id, ...(reply.headers as OutgoingHttpHeaders | undefined) };
  if (reply.stream) {
    response.writeHead(reply.status, headers);
    reply.stream(createSink(response, stopping));
    return;
  }
  const { body = "" } = reply;
  const length = lengthOf(body);
  if (reply.status !== 204 && reply.status !== 304) headers["content-length"] = String(length);
  response.writeHead(reply.status, headers);
  if (exchange.method === "HEAD" || length === 0) response.end();
  else endWith(body, length, response);
}

/** Bytes. */
function lengthOf(body: ReplyBody): number {
  return isInPieces(body) ? body.reduce((length, piece) => length + Buffer.byteLength(piece), 0) : Buffer.byteLength(body);
}

function endWith(body: ReplyBody, length: number, response: ServerResponse): void {
  if (isInPieces(body)) {
    for (const piece of body) response.write(piece);
    response.end();
  } else if (typeof body === "string") {
    // Text stays text: Node writes it together with the headers, and faster when told that it has a byte a character.
    response.end(body, body.length === length ? "latin1" : "utf8");
  } else {
    response.end(body);
  }
}

/**
 * When the service stops, whoever writes to the stream has something to say and ends it; one who does not is not waited
 * for, since a host leaves five seconds in all.
 */
function createSink(response: ServerResponse, stopping: AbortSignal): Sink {
  const over = new AbortController();
  const finish = () => {
    stopping.removeEventListener("abort", endLater);
    over.abort();
  };
  const end = () => {
    if (!response.writableEnded) response.end();
    finish();
  };
  const endLater = () => void setTimeout(end, STOPPING_GRACE).unref();
  stopping.addEventListener("abort", endLater, { once: true });
  if (stopping.aborted) endLater();
  response.on("close", finish);
  // The client may have gone while its request was handled; then nothing more is said of it.
  if (response.closed) finish();
  return {
    write: (piece) => !over.signal.aborted && response.write(piece),
    pending: () => response.writableLength,
    end,
    drop() {
      response.destroy();
      finish();
    },
    signal: over.signal,
  };
}
