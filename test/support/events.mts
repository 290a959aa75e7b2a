import assert from "node:assert/strict";

/** One event of a stream (WHATWG HTML §9.2.6). */
export interface ReadEvent {
  readonly id?: string;
  readonly event: string;
  readonly data: string;
  readonly retry?: number;
}

/** A stream that a test reads event by event. */
export interface EventReader {
  readonly response: Response;
  /** The next event. @throws {Error} when the stream ends first, or after {@link PATIENCE}. */
  next(): Promise<ReadEvent>;
  /** The next event's data as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of each member
  nextMessage(): Promise<any>;
  /** Everything up to the end of the stream. */
  rest(): Promise<readonly ReadEvent[]>;
  /** Hangs up. */
  close(): void;
}

/** Milliseconds: more than anything takes that is going to happen. */
const PATIENCE = 20_000;

/** Sends a request whose answer is an event stream. */
export async function openEvents(url: string, init: RequestInit = {}): Promise<EventReader> {
  const controller = new AbortController();
  const response = await fetch(url, {
    ...init,
    headers: { accept: "application/json, text/event-stream", ...(init.headers as Record<string, string>) },
    signal: controller.signal,
  });
  assert.equal(response.headers.get("content-type"), "text/event-stream", `${response.status}`);
  const events = parse(response.body as ReadableStream<Uint8Array>);

  async function next(): Promise<ReadEvent | undefined> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error("no event came")), PATIENCE);
    try {
      const { value, done } = await Promise.race([events.next(), late]);
      return done ? undefined : value;
    } finally {
      clearTimeout(timer);
    }
  }

  async function nextEvent(): Promise<ReadEvent> {
    const event = await next();
    if (!event) throw new Error("the stream ended");
    return event;
  }

  return {
    response,
    next: nextEvent,
    async nextMessage() {
      for (;;) {
        const { data } = await nextEvent();
        if (data !== "") return JSON.parse(data);
      }
    },
    async rest() {
      const all: ReadEvent[] = [];
      for (let event = await next(); event; event = await next()) all.push(event);
      return all;
    },
    close: () => controller.abort(),
  };
}

async function* parse(body: ReadableStream<Uint8Array>): AsyncGenerator<ReadEvent, void> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const piece of body) {
      text += decoder.decode(piece, { stream: true });
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const event = toEvent(text.slice(0, end).split("\n"));
        text = text.slice(end + 2);
        if (event) yield event;
      }
    }
  } catch (error) {
    if ((error as Error).name !== "AbortError") throw error;
  }
}

/** Nothing for a comment. */
function toEvent(lines: readonly string[]): ReadEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ""));
  }
  const data = fields.get("data");
  if (data === undefined) return undefined;
  const id = fields.get("id");
  const retry = fields.get("retry");
  return {
    event: fields.get("event") ?? "message",
    data,
    ...(id === undefined ? {} : { id }),
    ...(retry === undefined ? {} : { retry: Number(retry) }),
  };
}
