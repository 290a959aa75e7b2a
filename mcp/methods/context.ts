import { type Awaitable, lastly } from "../../shared/awaitable.ts";
import type { Asker } from "../../shared/capabilities/ask.ts";
import { type Context, LOG_SEVERITIES, type LogSeverity, type Trace } from "../../shared/capabilities/capability.ts";
import { type Conversation, createContext } from "../../shared/capabilities/context.ts";
import { isObject } from "../../shared/is-object.ts";
import { createAllowance, type Rate } from "../../shared/limits/allowance.ts";
import { LOG_LEVEL } from "../protocol/envelope.ts";
import type { Params } from "../protocol/json-rpc.ts";
import type { Call } from "./call.ts";

/**
 * What a call may tell its client: so many at once, then so many a second. What comes faster is left out: neither is
 * meant to carry data (MCP 2026-07-28 basic/patterns/progress and server/utilities/logging).
 */
const PROGRESS_RATE: Rate = { burst: 200, perSecond: 20 };
const LOG_RATE: Rate = { burst: 50, perSecond: 10 };

/** Bytes. W3C Trace Context §3.3.1.5 and Baggage §3.3.2 name the last two; the first is 55 today. */
const TRACE_LIMITS = [
  ["traceparent", 128],
  ["tracestate", 512],
  ["baggage", 8_192],
] as const;

const NO_META: Params = Object.freeze({});
const NO_TRACE: Trace = Object.freeze({});

/** Runs `use` with the context of a call. When it is done, nothing more is said: what comes late is left out. */
export function inContext<T>(call: Call, asker: Asker, use: (context: Context) => Awaitable<T>): Awaitable<T> {
  const conversation = new CallConversation(call, asker);
  return lastly(
    () => use(createContext(call.service, call.caller, call.origin, conversation)),
    () => conversation.end(),
  );
}

/** A class with accessors, because every call makes one and most say nothing. */
class CallConversation implements Conversation {
  readonly asker: Asker;
  readonly #call: Call;
  #isOpen = true;
  #progress: Conversation["progress"] | undefined;
  #clientLog: Conversation["clientLog"] | undefined;

  constructor(call: Call, asker: Asker) {
    this.asker = asker;
    this.#call = call;
  }

  get trace() {
    return traceOf(this.#call);
  }

  progress(progress: number, total?: number, message?: string) {
    this.#progress ??= progressTeller(this.#call, this.#notify);
    this.#progress(progress, total, message);
  }

  clientLog(severity: LogSeverity, data: unknown, logger?: string) {
    this.#clientLog ??= logTeller(this.#call, this.#notify);
    this.#clientLog(severity, data, logger);
  }

  releaseConnection(retry: number) {
    this.#call.releaseConnection(retry);
  }

  end() {
    this.#isOpen = false;
  }

  get #notify(): Call["notify"] {
    return (method, params) => {
      if (this.#isOpen) this.#call.notify(method, params);
    };
  }
}

function metaOf({ _meta: meta }: Params): Params {
  return isObject(meta) ? meta : NO_META;
}

function untold(): void {
  // Said to a client that does not listen.
}

/** `notifications/progress`, for a client that gave a token. That it increases is for the context to see to. */
function progressTeller({ service, params }: Call, notify: Call["notify"]): Context["progress"] {
  const { progressToken } = metaOf(params);
  if (typeof progressToken !== "string" && !Number.isInteger(progressToken)) return untold;
  const allows = createAllowance(PROGRESS_RATE, service.clock);
  return (progress, total, message) => {
    if (Number.isFinite(progress) && allows()) notify("notifications/progress", { progressToken, progress, total, message });
  };
}

/**
 * `notifications/message`. A modern client asks for it with each request. A legacy one sets it for its session; before it
 * does, the server decides (MCP 2025-11-25 schema LoggingMessageNotification).
 */
function logTeller({ era, session, service, params }: Call, notify: Call["notify"]): Context["clientLog"] {
  const least = era === "modern" ? rankOf(metaOf(params)[LOG_LEVEL]) : session && rankOf(session.logSeverity ?? "info");
  if (least === undefined || least < 0) return untold;
  const allows = createAllowance(LOG_RATE, service.clock);
  return (level: LogSeverity, data, logger) => {
    if (rankOf(level) >= least && allows()) notify("notifications/message", { level, logger, data: data ?? null });
  };
}

/** -1 for what is no severity. */
function rankOf(severity: unknown): number {
  return (LOG_SEVERITIES as readonly unknown[]).indexOf(severity);
}

/** What a call's `_meta` has of W3C Trace Context and Baggage (MCP 2026-07-28 basic §meta): text of a header's characters. */
export function traceOf({ params }: Pick<Call, "params">): Trace {
  const meta = metaOf(params);
  let trace: Trace = NO_TRACE;
  for (const [key, most] of TRACE_LIMITS) {
    const value = meta[key];
    if (typeof value === "string" && value.length <= most && /^[\t\x20-\x7e]+$/.test(value)) trace = { ...trace, [key]: value };
  }
  return trace;
}
