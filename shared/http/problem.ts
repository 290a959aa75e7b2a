import { STATUS_CODES } from "node:http";
import type { Reply, ReplyHeaders } from "./exchange.ts";

/** One thing wrong with a request's input. */
export interface FieldFault {
  readonly field: string;
  readonly message: string;
}

/** What a caller is told about a failure (RFC 9457 §3). */
export interface Problem {
  readonly status: number;
  /** What is wrong with this request, and never a secret. */
  readonly detail: string;
  /** Found in the log line and in `x-request-id`. */
  readonly requestId: string;
  /** Seconds after which to try again. */
  readonly retryAfter?: number | undefined;
  readonly faults?: readonly FieldFault[] | undefined;
}

export const PROBLEM_TYPE = "application/problem+json";

/** The type is about:blank: the status says what kind of problem it is, and the title is its phrase (RFC 9457 §4.2.1). */
export function renderProblem({ status, detail, requestId, retryAfter, faults }: Problem, headers: ReplyHeaders = {}): Reply {
  const body = { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail, request_id: requestId, faults };
  return {
    status,
    headers: {
      "content-type": PROBLEM_TYPE,
      "cache-control": "no-store",
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
      ...headers,
    },
    body: JSON.stringify(body),
  };
}
