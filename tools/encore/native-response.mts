import type { ServerResponse } from "node:http";
import { answerFault } from "./gateway.mts";
import type { NativeResponse } from "./runtime.mts";

type Head = { readonly status: number; readonly headers: Record<string, string | string[]> };

/**
 * The native half of RawResponse. Nothing is sent before the first piece of the body or the end; a client that went away
 * is never reported, and writes to it succeed. What Encore or a browser behind it would trip over is refused: 500, with
 * the reason as the message.
 */
export function nativeResponse(response: ServerResponse): NativeResponse {
  let head: Head = { status: 200, headers: {} };
  let state: "open" | "streaming" | "done" = "open";
  // The gateway in front keeps the connection's fate to itself.
  response.on("error", () => {});

  function startStreaming(): void {
    if (state !== "open") return;
    state = "streaming";
    response.writeHead(head.status, head.headers);
  }

  function write(piece: Buffer, done: () => void): void {
    if (piece.length === 0 || response.destroyed || state === "done") setImmediate(done);
    else response.write(piece, () => done());
  }

  return {
    writeHead(status, headers) {
      if (state !== "open") return;
      try {
        head = { status: checkedStatus(status), headers: checkedHeaders(headers) };
      } catch (error) {
        state = "done";
        answerFault(response, 500, "internal", (error as Error).message);
        throw error;
      }
    },
    writeBody(piece, done = () => {}) {
      startStreaming();
      write(piece, done);
    },
    writeBodyMulti(pieces, done = () => {}) {
      startStreaming();
      write(Buffer.concat(pieces), done);
    },
    close(piece, done = () => {}) {
      if (state === "open") response.writeHead(head.status, head.headers);
      const over = state === "done" || response.destroyed;
      state = "done";
      if (over) setImmediate(done);
      else response.end(piece ?? undefined, () => done());
    },
  };
}

function checkedStatus(status: unknown): number {
  if (Number.isInteger(status) && Number(status) >= 100 && Number(status) <= 999) return Number(status);
  throw new Error(`${String(status)} is not a status`);
}

function checkedHeaders(headers: Readonly<Record<string, unknown>>): Record<string, string | string[]> {
  const checked: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name !== name.toLowerCase()) throw new Error(`response header ${name} must be written in lower case`);
    if (name === "access-control-allow-origin") throw new Error(`${name} is the gateway's: a second one breaks browsers`);
    checked[name] = checkedValue(name, value);
  }
  return checked;
}

/** The native library takes strings, integers and lists of strings. */
function checkedValue(name: string, value: unknown): string | string[] {
  if (typeof value === "string") return value;
  if (Number.isInteger(value)) return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new Error(`response header ${name} is neither a string, an integer nor a list of strings`);
}
