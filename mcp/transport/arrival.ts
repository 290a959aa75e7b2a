import type { Caller } from "../../shared/capabilities/capability.ts";
import type { Exchange } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import type { OpenSession } from "../sessions/sessions.ts";

/** A POST whose caller is known. */
export interface Arrival {
  readonly exchange: Exchange;
  readonly service: Service;
  /** Absent only where the configuration lets strangers in. */
  readonly caller: Caller | undefined;
  /** Of legacy clients that named one. */
  readonly session: OpenSession | undefined;
}
