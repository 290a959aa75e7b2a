import type { ZodType } from "zod";
import type { Service } from "../service.ts";
import type { Kind, Store } from "../state/store.ts";
import { type Caller, CapabilityError, type Context, type OwnRecords } from "./capability.ts";

/** The request a call comes from; an `Exchange` is one. */
export interface CallOrigin {
  /** The request's id, for the log. */
  readonly id: string;
  /** Read when the capability asks for it. */
  readonly signal: AbortSignal;
}

/** What a capability gets for one call. It reaches its caller's records and nothing else of the service. */
export function createContext(
  { store, clock, log }: Pick<Service, "store" | "clock" | "log">,
  caller: Caller | undefined,
  origin: CallOrigin,
): Context {
  return {
    caller,
    now: clock,
    get signal() {
      return origin.signal;
    },
    get log() {
      return log.child({ request: origin.id });
    },
    records(name, codec) {
      if (!caller) throw new CapabilityError("forbidden", "Records belong to a person: this call needs one.");
      return recordsOf(store, kindOf(name, codec), caller.subject);
    },
  };
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
