import { type Capability, CapabilityError } from "../shared/capabilities/capability.ts";
import type { Outcome } from "../shared/capabilities/content.ts";
import { conditional, etagOf } from "../shared/http/etag.ts";
import type { Exchange, Reply } from "../shared/http/exchange.ts";
import { MAX_CHARACTERS } from "./faults.ts";

type Answer = Readonly<Record<string, unknown>>;

/** What a person may see is for nobody else, and may be kept by who asks each time whether it still holds (RFC 9111 §5.2.2). */
const READ_HEADERS = { "content-type": "application/json", "cache-control": "private, no-cache", vary: "authorization" } as const;
export const WRITE_HEADERS = { "content-type": "application/json", "cache-control": "no-store" } as const;

/** The reply of a call. @throws {CapabilityError} as {@link answerOf}. */
export function renderAnswer(exchange: Exchange, capability: Capability, input: unknown, outcome: Outcome): Reply {
  const whole = JSON.stringify(wholeOf(outcome));
  const body = whole.length < MAX_CHARACTERS ? whole : JSON.stringify(answerOf(capability, input, outcome, MAX_CHARACTERS - 1));
  if (exchange.method !== "GET" && exchange.method !== "HEAD") return { status: 200, headers: WRITE_HEADERS, body };
  return renderRead(exchange, body);
}

/** The reply of a GET. */
export function renderRead(exchange: Exchange, body: string): Reply {
  return conditional(exchange, { headers: { ...READ_HEADERS, etag: etagOf(body) }, body });
}

/**
 * What a call gave, cut where the capability says how if it is too long for ChatGPT.
 * @param most Characters as JSON.
 * @throws {CapabilityError} `internal` when it cannot be cut.
 */
export function answerOf(capability: Capability, input: unknown, outcome: Outcome, most: number): Answer {
  const whole = wholeOf(outcome);
  if (JSON.stringify(whole).length <= most) return whole;
  const shorter = outcome.output && capability.shorten(outcome.output, input, most);
  if (shorter) return shorter;
  throw new CapabilityError("internal", `The answer is longer than the ${MAX_CHARACTERS} characters that Actions take. Ask for less.`);
}

function wholeOf({ output, content }: Outcome): Answer {
  return output ?? { content };
}
