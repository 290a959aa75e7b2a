import type { z } from "zod";
import { fetchJson, OutboundFault, type OutboundFaultKind } from "../net/outbound-fetch.ts";
import { CapabilityError, type Context } from "./capability.ts";

/** A service beyond this one that a capability asks. */
export interface OutsideService {
  /** As people would say it: "the weather service". */
  readonly name: string;
  /** Milliseconds for one call. */
  readonly timeLimit: number;
}

export interface OutsideQuestion<T> {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON with POST; a GET when absent. */
  readonly body?: unknown;
  /** What the answer must be; members it does not name are dropped. */
  readonly answer: z.ZodType<T>;
}

const MAX_BYTES = 1024 * 1024;

/** What the caller hears; the log has the rest. */
const WORDS: Readonly<Record<OutboundFaultKind, string>> = {
  unreachable: "cannot be reached",
  slow: "does not answer in time",
  busy: "is asked too often at the moment",
  failed: "has a fault",
  refused: "refuses this service",
  malformed: "answers with something else than it should",
  oversized: "answers with more than it should",
};

/**
 * Asks an outside service and checks what it says.
 * @throws {CapabilityError} `unavailable`, with the seconds after which to try again where the service said them.
 */
export async function askOutside<T>(
  service: OutsideService,
  { url, headers, body, answer }: OutsideQuestion<T>,
  { signal, log }: Pick<Context, "signal" | "log">,
): Promise<T> {
  const given = await fetchJson(
    { url, body, deadline: service.timeLimit, limit: MAX_BYTES, signal, ...(headers === undefined ? {} : { headers }) },
    log,
  ).catch((error: unknown) => {
    if (error instanceof OutboundFault) throw unavailable(service, error.kind, error.retryAfter);
    throw error;
  });
  const checked = answer.safeParse(given);
  if (checked.success) return checked.data;
  const places = checked.error.issues.map(({ path, code }) => `${path.join(".")}: ${code}`);
  log.warn({ outside: url.host, places: places.slice(0, 10) }, "an outside service's answer does not fit");
  throw unavailable(service, "malformed");
}

function unavailable({ name }: OutsideService, kind: OutboundFaultKind, retryAfter?: number): CapabilityError {
  const message = `${name.charAt(0).toUpperCase()}${name.slice(1)} ${WORDS[kind]}. Try again later.`;
  return new CapabilityError("unavailable", message, retryAfter === undefined ? {} : { retryAfter });
}
