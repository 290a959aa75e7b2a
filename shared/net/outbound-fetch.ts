import type { Log } from "../log.ts";

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

/**
 * Asks a service for JSON: the one fetch for addresses that the operator configured, as `guarded-fetch.ts` is for those
 * that strangers name. The operator may name a private address and plain http; what the service answers is trusted no
 * more than a stranger: no redirect, which could carry a key elsewhere, a deadline, and a limit on what is read.
 * Each call is one line of the log, without path, query, headers or body, which hold keys and what people look for.
 *
 * @throws {OutboundFault} and, when `signal` aborts, its reason.
 */
export async function fetchJson(request: OutboundRequest, log: Log): Promise<unknown> {
  const { url, deadline, signal } = request;
  const startedAt = performance.now();
  const note: Record<string, unknown> = { outside: url.host };
  const overdue = AbortSignal.timeout(deadline);
  try {
    const answer = await send(request, AbortSignal.any([signal, overdue]));
    note["status"] = answer.status;
    checkStatus(url, answer);
    const bytes = await readBody(url, answer, request.limit);
    note["bytes"] = bytes.length;
    return parse(url, bytes);
  } catch (error) {
    signal.throwIfAborted();
    const fault = faultOf(error, url, overdue, deadline);
    note["fault"] = fault.kind;
    throw fault;
  } finally {
    log.info({ ...note, ms: Math.round(performance.now() - startedAt) }, "asked an outside service");
  }
}

function send({ url, headers = {}, body }: OutboundRequest, signal: AbortSignal): Promise<Response> {
  const common = { accept: "application/json", "user-agent": "portico", ...headers };
  if (body === undefined) return fetch(url, { headers: common, redirect: "manual", signal });
  return fetch(url, {
    method: "POST",
    headers: { ...common, "content-type": "application/json" },
    body: JSON.stringify(body),
    redirect: "manual",
    signal,
  });
}

function checkStatus({ host }: URL, { status, headers, body }: Response): void {
  if (status === 200) return;
  // An answer that nobody reads would keep its connection.
  body?.cancel().catch(() => {});
  const message = `${host} answered ${status}`;
  const retryAfter = retryAfterOf(headers.get("retry-after"));
  if (status === 429) throw new OutboundFault("busy", message, { retryAfter });
  throw new OutboundFault(status >= 500 ? "failed" : "refused", message, { retryAfter });
}

/** RFC 9110 §10.2.3, the form in seconds; a date says too little about whose clock it means. */
function retryAfterOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}

async function readBody({ host }: URL, { body, headers }: Response, limit: number): Promise<Buffer> {
  const oversized = () => new OutboundFault("oversized", `${host} answered with more than ${limit} bytes`);
  if (Number(headers.get("content-length") ?? 0) > limit) {
    body?.cancel().catch(() => {});
    throw oversized();
  }
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body ?? []) {
    size += piece.length;
    if (size > limit) throw oversized();
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function parse({ host }: URL, bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new OutboundFault("malformed", `${host} answered with what is not JSON`, { cause });
  }
}

function faultOf(error: unknown, { host }: URL, overdue: AbortSignal, deadline: number): OutboundFault {
  if (error instanceof OutboundFault) return error;
  if (overdue.aborted) return new OutboundFault("slow", `${host} did not answer within ${deadline} ms`);
  return new OutboundFault("unreachable", `${host} cannot be reached`, { cause: error });
}
