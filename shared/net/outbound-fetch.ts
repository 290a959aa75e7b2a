import type { Log } from "../log.ts";
import { BoundedFetchError, type BoundedFetchFault, createBoundedFetch } from "./bounded-fetch.ts";

/** What is asked of a service that the operator configured. */
export interface OutboundRequest {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON with POST; a GET when absent. */
  readonly body?: unknown;
  /** Milliseconds until the last byte. */
  readonly deadline: number;
  /** Bytes of the answer, decompressed. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/**
 * Why a service gave nothing: nobody answered (`unreachable`), not in time (`slow`), 429 (`busy`), 5xx (`failed`), any
 * other status but 200 (`refused`), an answer that is not JSON (`malformed`) or longer than asked for (`oversized`).
 */
export type OutboundFaultKind = "unreachable" | "slow" | "busy" | "failed" | "refused" | "malformed" | "oversized";

export class OutboundFault extends Error {
  override readonly name = "OutboundFault";
  readonly kind: OutboundFaultKind;
  /** Seconds, when the service said them. */
  readonly retryAfter: number | undefined;

  constructor(kind: OutboundFaultKind, message: string, options: ErrorOptions & { readonly retryAfter?: number | undefined } = {}) {
    super(message, options);
    this.kind = kind;
    this.retryAfter = options.retryAfter;
  }
}

const KINDS: Readonly<Record<BoundedFetchFault, OutboundFaultKind>> = {
  unreachable: "unreachable",
  slow: "slow",
  oversized: "oversized",
  redirected: "refused",
};

/**
 * Asks a service for JSON, within the bounds of `bounded-fetch.ts`.
 * Each call is one line of the log, without path, query, headers or body, which hold keys and what people look for.
 *
 * @throws {OutboundFault} and, when `signal` aborts, its reason.
 */
export async function fetchJson({ url, headers, body, signal, ...bounds }: OutboundRequest, log: Log): Promise<unknown> {
  const startedAt = performance.now();
  const note: Record<string, unknown> = { outside: url.host };
  try {
    const answer = await createBoundedFetch(bounds)(url.href, { ...requestOf(headers, body), signal });
    note["status"] = answer.status;
    checkStatus(url, answer);
    const bytes = await answer.arrayBuffer();
    note["bytes"] = bytes.byteLength;
    return parse(url, bytes);
  } catch (error) {
    signal.throwIfAborted();
    const fault = error instanceof BoundedFetchError ? new OutboundFault(KINDS[error.kind], error.message, { cause: error }) : error;
    if (fault instanceof OutboundFault) note["fault"] = fault.kind;
    throw fault;
  } finally {
    log.info({ ...note, ms: Math.round(performance.now() - startedAt) }, "asked an outside service");
  }
}

function requestOf(headers: OutboundRequest["headers"], body: unknown): RequestInit {
  const common = { accept: "application/json", "user-agent": "portico", ...headers };
  if (body === undefined) return { headers: common };
  return { method: "POST", headers: { ...common, "content-type": "application/json" }, body: JSON.stringify(body) };
}

function checkStatus({ host }: URL, { status, headers }: Response): void {
  if (status === 200) return;
  const message = `${host} answered ${status}`;
  const retryAfter = retryAfterOf(headers.get("retry-after"));
  if (status === 429) throw new OutboundFault("busy", message, { retryAfter });
  throw new OutboundFault(status >= 500 ? "failed" : "refused", message, { retryAfter });
}

/** RFC 9110 §10.2.3, the form in seconds; a date says too little about whose clock it means. */
function retryAfterOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}

function parse({ host }: URL, bytes: ArrayBuffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new OutboundFault("malformed", `${host} answered with what is not JSON`, { cause });
  }
}
