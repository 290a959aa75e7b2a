import type { IncomingMessage, ServerResponse } from "node:http";
import { type Awaitable, andThen, attempt } from "../awaitable.ts";
import { type Service, service } from "../service.ts";
import { Unavailable } from "../state/store.ts";
import { type Exchange, type Handler, HttpError, type HttpFault, type Reply, type Surface } from "./exchange.ts";
import { NodeExchange } from "./node-exchange.ts";
import { checkHost, checkOrigin, checkSameOrigin } from "./request.ts";
import { send } from "./send.ts";

/** What the log says of a request whose client left before there was an answer. */
const CLIENT_LEFT = 499;

/** A path segment long enough to be a secret, such as a transaction's id: it stays out of the log. */
const SECRET_SEGMENT = /\/[^/]{30,}/g;

/**
 * The one way of every request: id, Host and Origin, body limit, log line, and every thrown error to the surface's
 * format. The function it gives is what `api.raw` takes.
 */
export function serve(surface: Surface, handler: Handler): (request: IncomingMessage, response: ServerResponse) => Awaitable<void> {
  return (request, response) => {
    const startedAt = performance.now();
    return andThen(service(), (running) => {
      const exchange = new NodeExchange(request, response, running.config, surface);
      exchange.note({ status: CLIENT_LEFT });
      response.on("close", () => logRequest(exchange, startedAt, running));
      const reply = attempt(
        () => {
          check(surface, exchange, running);
          return handler(exchange, running);
        },
        (error) => renderError(error, surface, exchange, running),
      );
      return andThen(reply, (given) => sendNoted(given, surface, exchange, response, running));
    });
  };
}

function logRequest(exchange: NodeExchange, startedAt: number, { log }: Service): void {
  const path = exchange.path.replace(SECRET_SEGMENT, "/…");
  exchange.note({ path, ms: Math.round((performance.now() - startedAt) * 10) / 10 });
  log.info(exchange.noted, "request");
}

/** What cannot be sent is a fault as well. */
function sendNoted(reply: Reply, surface: Surface, exchange: NodeExchange, response: ServerResponse, running: Service): void {
  try {
    exchange.note({ status: reply.status });
    send(reply, exchange, response, running.stopping);
  } catch (error) {
    if (response.headersSent) throw error;
    const fault = renderError(error, surface, exchange, running);
    exchange.note({ status: fault.status });
    send(fault, exchange, response, running.stopping);
  }
}

function check({ host, origin }: Surface, exchange: Exchange, { config }: Service): void {
  if (host === "checked") checkHost(exchange.host, config);
  if (origin === "checked") checkOrigin(exchange.header("origin"), config);
  if (origin === "same") checkSameOrigin(exchange.header("origin"), exchange.host, config);
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
