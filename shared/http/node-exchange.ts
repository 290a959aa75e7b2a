import type { IncomingMessage, ServerResponse } from "node:http";
import type { Config } from "../config.ts";
import { randomToken } from "../hash.ts";
import type { Exchange, Surface } from "./exchange.ts";
import { addressOf, header, hostOf, isLocal, readBody, rememberPeer } from "./request.ts";

/** Of a request's id: nobody has to guess it, it only must not come twice. */
const ID_BYTES = 9;

/**
 * An exchange over Node's request and response; Encore's have the same form. A class, because a literal with accessors
 * has a shape of its own each time, which costs more than the rest of a request and is kept until a whole collection.
 */
export class NodeExchange implements Exchange {
  readonly id = randomToken(ID_BYTES);
  readonly method: string;
  readonly path: string;
  readonly host: string;
  /** What the log line says of it. */
  readonly noted: Record<string, unknown>;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #config: Config;
  readonly #surface: Surface;
  readonly #search: string;
  #query: URLSearchParams | undefined;
  #body: Promise<Buffer> | undefined;
  #signal: AbortSignal | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, config: Config, surface: Surface) {
    const target = targetOf(request.url ?? "/");
    const queryAt = target.indexOf("?");
    this.method = request.method ?? "GET";
    this.path = queryAt < 0 ? target : target.slice(0, queryAt);
    this.host = hostOf(request, config);
    rememberPeer(request);
    this.noted = { request: this.id, surface: surface.name, method: this.method };
    this.#request = request;
    this.#response = response;
    this.#config = config;
    this.#surface = surface;
    this.#search = queryAt < 0 ? "" : target.slice(queryAt + 1);
  }

  get query() {
    this.#query ??= new URLSearchParams(this.#search);
    return this.#query;
  }

  get address() {
    return addressOf(this.#request, this.#config);
  }

  get loopback() {
    return isLocal(this.#request, this.#config);
  }

  get signal() {
    this.#signal ??= goneAway(this.#response);
    return this.#signal;
  }

  header(name: string) {
    return header(this.#request, name);
  }

  body() {
    const { bodyLimit } = this.#surface;
    this.#body ??= readBody(this.#request, typeof bodyLimit === "number" ? bodyLimit : bodyLimit(this.#config));
    return this.#body;
  }

  note(fields: Readonly<Record<string, unknown>>) {
    for (const name in fields) this.noted[name] = fields[name];
  }
}

/** A request target that is a whole URL names another host at most in vain: its path and query are what counts (RFC 9112 §3.2.2). */
function targetOf(target: string): string {
  if (target.startsWith("/")) return target;
  const { pathname, search } = URL.parse(target) ?? { pathname: "/", search: "" };
  return pathname + search;
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
