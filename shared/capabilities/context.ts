import type { ZodType } from "zod";
import type { Service } from "../service.ts";
import type { Kind, Store } from "../state/store.ts";
import type { Ask, Asker } from "./ask.ts";
import { createAsk, refusingAsk } from "./asking.ts";
import { type Caller, CapabilityError, type Context, type OwnRecords, type Trace } from "./capability.ts";
import type { CompletionContext } from "./features.ts";

/** The request a call comes from; an `Exchange` is one. */
export interface CallOrigin {
  /** The request's id, for the log. */
  readonly id: string;
  /** Read when the capability asks for it. */
  readonly signal: AbortSignal;
}

/** What a protocol with a way back to the client gives to a call. Absent for REST. */
export interface Conversation extends Pick<Context, "progress" | "clientLog" | "trace" | "releaseConnection"> {
  readonly asker: Asker;
}

type Means = Pick<Service, "store" | "clock" | "log">;

const NO_TRACE: Trace = {};
const nothing = () => {};

/**
 * What a capability gets for one call. It reaches its caller's records and nothing else of the service. Its members
 * work without their object.
 */
export function createContext(service: Means, caller: Caller | undefined, origin: CallOrigin, conversation?: Conversation): Context {
  return new CallContext(service, caller, origin, conversation);
}

/** A class with accessors, because every call makes one and asks for little of it. */
class CallContext implements Context {
  readonly caller: Caller | undefined;
  readonly #means: Means;
  readonly #origin: CallOrigin;
  readonly #conversation: Conversation | undefined;
  #progress: Context["progress"] | undefined;
  #ask: Ask | undefined;

  constructor(means: Means, caller: Caller | undefined, origin: CallOrigin, conversation: Conversation | undefined) {
    this.caller = caller;
    this.#means = means;
    this.#origin = origin;
    this.#conversation = conversation;
  }

  get now() {
    return this.#means.clock;
  }

  get signal() {
    return this.#origin.signal;
  }

  get log() {
    return this.#means.log.child({ request: this.#origin.id });
  }

  get trace() {
    return this.#conversation?.trace ?? NO_TRACE;
  }

  get records(): Context["records"] {
    return (name, codec) => recordsFor(this.#means.store, this.caller, name, codec);
  }

  get progress() {
    this.#progress ??= this.#conversation ? increasing(this.#conversation) : nothing;
    return this.#progress;
  }

  get clientLog(): Context["clientLog"] {
    const conversation = this.#conversation;
    return conversation ? (severity, data, logger) => conversation.clientLog(severity, data, logger) : nothing;
  }

  get releaseConnection(): Context["releaseConnection"] {
    const conversation = this.#conversation;
    return conversation ? (retry) => conversation.releaseConnection(retry) : nothing;
  }

  get ask() {
    const asker = this.#conversation?.asker;
    this.#ask ??= asker ? createAsk(asker) : refusingAsk;
    return this.#ask;
  }
}

/** What a completer gets. @param filledIn Other arguments that already have values. */
export function createCompletionContext(
  service: Means,
  caller: Caller | undefined,
  origin: CallOrigin,
  filledIn: Readonly<Record<string, string>>,
): CompletionContext {
  return {
    caller,
    now: service.clock,
    arguments: filledIn,
    get signal() {
      return origin.signal;
    },
    get log() {
      return service.log.child({ request: origin.id });
    },
    records: (name, codec) => recordsFor(service.store, caller, name, codec),
  };
}

/** Clients take only progress that goes on (MCP 2026-07-28 basic/patterns/progress). */
function increasing(conversation: Conversation): Context["progress"] {
  let reached = Number.NEGATIVE_INFINITY;
  return (progress, total, message) => {
    if (!(progress > reached)) return;
    reached = progress;
    conversation.progress(progress, total, message);
  };
}

function recordsFor<T>(store: Store, caller: Caller | undefined, name: string, codec: ZodType<T>): OwnRecords<T> {
  if (!caller) throw new CapabilityError("forbidden", "Records belong to a person: this call needs one.");
  return recordsOf(store, kindOf(name, codec), caller.subject);
}

/** The prefix keeps every record of the service itself (grants, sessions, keys) out of a capability's reach. */
function kindOf<T>(name: string, codec: ZodType<T>): Kind<T> {
  if (!/^[a-z][a-z0-9_]{0,40}$/.test(name))
    throw new Error(`"${name}" cannot name a kind of records: lower case letters, digits and _ only`);
  return { name: `data.${name}`, codec };
}

function recordsOf<T>(store: Store, kind: Kind<T>, owner: string): OwnRecords<T> {
  return {
    get: (id) => store.get(kind, { owner, id }),
    create: (id, value) => store.create(kind, { owner, id }, value, null),
    replace: (id, version, value) => store.replace(kind, { owner, id }, version, value, null),
    take: (id) => store.take(kind, { owner, id }),
    list: (cursor, limit) => store.list(kind, owner, cursor, limit),
  };
}
