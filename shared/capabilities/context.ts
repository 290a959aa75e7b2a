import type { ZodType } from "zod";
import type { Log } from "../log.ts";
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

/** A class, because a literal with accessors takes twenty times as long to make, and every call makes one. */
class CallContext implements Context {
  readonly caller: Caller | undefined;
  readonly now: () => number;
  readonly records: Context["records"];
  readonly progress: Context["progress"];
  readonly clientLog: Context["clientLog"];
  readonly releaseConnection: Context["releaseConnection"];
  readonly trace: Trace;
  readonly #origin: CallOrigin;
  readonly #log: Log;
  readonly #asker: Asker | undefined;
  #ask: Ask | undefined;

  constructor({ store, clock, log }: Means, caller: Caller | undefined, origin: CallOrigin, conversation: Conversation | undefined) {
    this.caller = caller;
    this.now = clock;
    this.records = (name, codec) => recordsFor(store, caller, name, codec);
    this.progress = conversation ? increasing(conversation) : nothing;
    this.clientLog = conversation ? (severity, data, logger) => conversation.clientLog(severity, data, logger) : nothing;
    this.releaseConnection = conversation ? (retry) => conversation.releaseConnection(retry) : nothing;
    this.trace = conversation?.trace ?? NO_TRACE;
    this.#origin = origin;
    this.#log = log;
    this.#asker = conversation?.asker;
  }

  get signal() {
    return this.#origin.signal;
  }

  get log() {
    return this.#log.child({ request: this.#origin.id });
  }

  get ask() {
    this.#ask ??= this.#asker ? createAsk(this.#asker) : refusingAsk;
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
