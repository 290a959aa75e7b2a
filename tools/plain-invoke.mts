import type { IncomingMessage, ServerResponse } from "node:http";
import { type Awaitable, attempt } from "../shared/awaitable.ts";
import { bodyLimitOf } from "./encore/api.mts";
import type { Endpoint } from "./encore/endpoints.mts";
import { answerFault } from "./encore/gateway.mts";

/** Calls an endpoint with Node's own request and response, its body cut off at the endpoint's limit. What it throws is answered here. */
export function invokePlainly(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): Awaitable<unknown> {
  const { service, name, options, handler } = endpoint;
  const limit = bodyLimitOf(options);
  const body = limit === null || staysWithin(request, limit) ? undefined : limitBody(request, limit);
  return attempt(
    () => handler(request, response),
    (error) => {
      if (body?.cutOff && !response.headersSent) return answerFault(response, 413, "invalid_argument", body.cutOff.message);
      process.stderr.write(`${service}.${name} failed: ${error instanceof Error ? error.stack : String(error)}\n`);
      if (response.headersSent) response.destroy();
      else answerFault(response, 500, "internal", "an internal error occurred");
    },
  );
}

/** Whether its headers alone say that a body stays within the limit: Node reads no more than they declare (RFC 9112 §6.3). */
function staysWithin({ headers }: IncomingMessage, limit: number): boolean {
  return headers["transfer-encoding"] === undefined && Number(headers["content-length"] ?? 0) <= limit;
}

interface LimitedBody {
  /** Why the reader was failed, if it was. */
  readonly cutOff: Error | undefined;
}

/**
 * Fails whoever reads the body once more than `limit` bytes have arrived, as Encore does: the endpoint may still answer
 * in its own words. The rest is read and dropped within the request timeout, because a client that is cut off while it
 * writes would see a reset connection instead of the answer.
 */
function limitBody(request: IncomingMessage, limit: number): LimitedBody {
  const push = request.push.bind(request);
  // The first pieces may have come with the headers.
  let size = request.readableLength;
  let cutOff = size > limit ? tooLarge(limit) : undefined;
  request.push = (piece: Buffer | null, encoding?: BufferEncoding) => {
    if (cutOff) return true;
    size += piece?.length ?? 0;
    if (size <= limit) return push(piece, encoding);
    cutOff = tooLarge(limit);
    if (request.readableFlowing || request.listenerCount("readable") > 0) failReader(request, cutOff);
    return true;
  };
  // A reader that comes later must be there to hear of it.
  request.on("newListener", (event: string) => {
    if (cutOff && (event === "data" || event === "readable")) failReader(request, cutOff);
  });
  return {
    get cutOff() {
      return cutOff;
    },
  };
}

function tooLarge(limit: number): Error {
  return new Error(`request body is larger than ${limit} bytes`);
}

/** Fails the stream but leaves its connection alone, over which the answer is still to come. */
function failReader(request: IncomingMessage, error: Error): void {
  request.on("error", () => {});
  request._destroy = (cause, done) => done(cause);
  request.destroy(error);
}
