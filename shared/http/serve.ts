import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Service, service } from "../service.ts";
import { Unavailable } from "../state/store.ts";
import { type Exchange, type Handler, HttpError, type HttpFault, type Reply, type Sink, type Surface } from "./exchange.ts";
import { checkHost, checkOrigin, checkSameOrigin, header, originOf, readBody } from "./request.ts";

/** What the log says of a request whose client left before there was an answer. */
const CLIENT_LEFT = 499;

/** Milliseconds. */
const STOPPING_GRACE = 2000;

/** A path segment long enough to be a secret, such as a transaction's id: it stays out of the log. */
const SECRET_SEGMENT = /\/[^/]{30,}/g;

/**
 * The one way of every request: id, Host and Origin, body limit, log line, and every thrown error to the surface's
 * format. The function it gives is what `api.raw` takes.
 */
export function serve(surface: Surface, handler: Handler): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const startedAt = performance.now();
    const running = await service();
    const { exchange, notes } = open(request, response, running, surface);
    let status = CLIENT_LEFT;
    response.on("close", () => {
      const path = exchange.path.replace(SECRET_SEGMENT, "/…");
      const fields = { request: exchange.id, surface: surface.name, method: exchange.method, path, status };
      running.log.info({ ...fields, ms: Math.round((performance.now() - startedAt) * 10) / 10, ...notes }, "request");
    });
    let reply: Reply;
    try {
      if (surface.host === "checked") checkHost(exchange.host, running.config);
      if (surface.origin === "checked") checkOrigin(exchange.header("origin"), running.config);
      if (surface.origin === "same") checkSameOrigin(exchange.header("origin"), exchange.host, running.config);
      reply = await handler(exchange, running);
    } catch (error) {
      reply = renderError(error, surface, exchange, running);
    }
    try {
      status = reply.status;
      send(reply, exchange, response, running.stopping);
    } catch (error) {
      if (response.headersSent) throw error;
      reply = renderError(error, surface, exchange, running);
      status = reply.status;
      send(reply, exchange, response, running.stopping);
    }
  };
}

function open(request: IncomingMessage, response: ServerResponse, { config }: Service, surface: Surface) {
  const url = targetOf(request.url ?? "/");
  const queryAt = url.indexOf("?");
  const notes: Record<string, unknown> = {};
  let query: URLSearchParams | undefined;
  let body: Promise<Buffer> | undefined;
  let signal: AbortSignal | undefined;
  const exchange: Exchange = {
    id: newRequestId(),
    method: request.method ?? "GET",
    path: queryAt < 0 ? url : url.slice(0, queryAt),
    ...originOf(request, config),
    get query() {
      query ??= new URLSearchParams(queryAt < 0 ? "" : url.slice(queryAt + 1));
      return query;
    },
    get signal() {
      signal ??= goneAway(response);
      return signal;
    },
    header: (name) => header(request, name),
    body() {
      const { bodyLimit: limit } = surface;
      body ??= readBody(request, typeof limit === "number" ? limit : limit(config));
      return body;
    },
    note: (fields) => void Object.assign(notes, fields),
  };
  return { exchange, notes };
}

/** A request target that is a whole URL names another host at most in vain: its path and query are what counts (RFC 9112 §3.2.2). */
function targetOf(target: string): string {
  if (target.startsWith("/")) return target;
  const { pathname, search } = URL.parse(target) ?? { pathname: "/", search: "" };
  return pathname + search;
}

const ID_BYTES = 9;
const IDS_AT_ONCE = 256;
let randomness = Buffer.alloc(0);
let used = 0;

/** Random bytes are had for many ids at once: asking for them is most of what an id costs. */
function newRequestId(): string {
  if (used >= randomness.length) {
    randomness = randomBytes(ID_BYTES * IDS_AT_ONCE);
    used = 0;
  }
  used += ID_BYTES;
  return randomness.toString("base64url", used - ID_BYTES, used);
}

/** Aborts when the client closes before the whole reply was sent. */
function goneAway(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (response.closed && !response.writableFinished) controller.abort();
  response.on("close", () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}

function renderError(error: unknown, surface: Surface, exchange: Exchange, running: Service): Reply {
  const fault = classify(error);
  const reply = surface.renderFault(fault, exchange, running);
  if (reply.status >= 500) running.log.error({ request: exchange.id, cause: describe(error) }, "request failed");
  if (error instanceof HttpError) return { ...reply, headers: { ...reply.headers, ...error.headers } };
  return reply;
}

/** What every surface agrees on; anything it does not know is a fault of ours, whose text stays in the log. */
function classify(cause: unknown): HttpFault {
  if (cause instanceof HttpError) return { status: cause.status, message: cause.message, cause };
  if (cause instanceof Unavailable) {
    return {
      status: 503,
      message: "The service cannot reach its state right now. Try again shortly.",
      cause,
      retryAfter: cause.retryAfter,
    };
  }
  return { status: 500, message: "Something went wrong on our side.", cause };
}

function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  return { name: error.name, message: error.message, stack: error.stack, ...(error.cause ? { cause: describe(error.cause) } : {}) };
}

function send(reply: Reply, exchange: Exchange, response: ServerResponse, stopping: AbortSignal): void {
  const headers: Record<string, string | string[] | number> = { "x-request-id": exchange.id };
  for (const [name, value] of Object.entries(reply.headers ?? {})) headers[name] = typeof value === "string" ? value : [...value];
  if (reply.stream) {
    response.writeHead(reply.status, headers as Record<string, string>);
    reply.stream(createSink(response, stopping));
    return;
  }
  // Text stays text: Node writes it together with the headers.
  const body = reply.body ?? "";
  if (reply.status !== 204 && reply.status !== 304) headers["content-length"] = String(Buffer.byteLength(body));
  response.writeHead(reply.status, headers as Record<string, string>);
  if (exchange.method === "HEAD" || body.length === 0) response.end();
  else response.end(body);
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
