import type { Caller } from "../../shared/capabilities/capability.ts";
import type { CallOrigin } from "../../shared/capabilities/context.ts";
import type { Exchange } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { createQuestions, SESSIONLESS_ASKER } from "../asking/questions.ts";
import type { Call } from "../methods/call.ts";
import { NO_FEATURES } from "../protocol/client-features.ts";
import { clientFeaturesOf } from "../protocol/envelope.ts";
import type { Dialect } from "../protocol/era.ts";
import { type Params, type RequestId, type RpcRequest, renderNotification } from "../protocol/json-rpc.ts";
import type { Era } from "../protocol/revisions.ts";
import type { OpenSession, Session } from "../sessions/sessions.ts";
import type { Arrival } from "./arrival.ts";
import type { Way } from "./way.ts";

/** A request as its method sees it. */
export function callOf(request: RpcRequest, dialect: Dialect, arrival: Arrival, way: Way): Call {
  return new RequestCall(request, dialect, arrival, way);
}

/** A class, for the same reason as the exchange it came in. */
class RequestCall implements Call {
  readonly era: Era;
  readonly revision: string;
  readonly id: RequestId;
  readonly params: Params;
  readonly caller: Caller | undefined;
  readonly service: Service;
  readonly session: OpenSession | undefined;
  readonly origin: CallOrigin;
  readonly #exchange: Exchange;
  readonly #way: Way;

  constructor({ id, params }: RpcRequest, { era, revision }: Dialect, { exchange, service, caller, session }: Arrival, way: Way) {
    this.era = era;
    this.revision = revision;
    this.id = id;
    this.params = params;
    this.caller = caller;
    this.service = service;
    this.session = session;
    this.origin = new WayOrigin(exchange.id, way);
    this.#exchange = exchange;
    this.#way = way;
  }

  get address() {
    return this.#exchange.address;
  }

  get client() {
    return this.era === "modern" ? clientFeaturesOf(this.params) : (this.session?.features ?? NO_FEATURES);
  }

  get ending() {
    return this.#way.ending;
  }

  get asker() {
    const { session, service } = this;
    const way = this.#way;
    if (!session) return SESSIONLESS_ASKER;
    return service.part(createQuestions).askerOf(
      session,
      (message, onLost) => way.send(message, onLost),
      () => way.signal,
    );
  }

  header(name: string) {
    return this.#exchange.header(name);
  }

  notify(method: string, params: Params) {
    this.#way.send(renderNotification(method, params));
  }

  releaseConnection(retry: number) {
    this.#way.releaseConnection(retry);
  }

  beginSession(given: Pick<Session, "revision" | "features">) {
    return this.#way.beginSession(given);
  }

  note(fields: Readonly<Record<string, unknown>>) {
    this.#exchange.note(fields);
  }
}

class WayOrigin implements CallOrigin {
  readonly id: string;
  readonly #way: Way;

  constructor(id: string, way: Way) {
    this.id = id;
    this.#way = way;
  }

  get signal() {
    return this.#way.signal;
  }
}
