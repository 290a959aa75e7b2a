import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { median } from "./scenario.mts";
import type { ServerProcess } from "./server-process.mts";

/** Whom every request is for: a service in production answers to its own name alone. */
export const HOST = "portico.example.com";

/** What a server is sent. */
export interface Request {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Measure {
  /** Requests a second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** The server's, user and system, in microseconds a request. */
  readonly cpu: number;
  /** The part of the time in which the server worked: well below 1, something else was what held it up. */
  readonly busy: number;
  /** The server's resident memory afterwards, in MiB. */
  readonly memory: number;
}

export interface LoadOptions {
  readonly seconds: number;
  /** Keep-alive connections, each with one request under way; 32 unless given. */
  readonly connections?: number;
  /** The status that every reply must have; 200 unless given. */
  readonly status?: number;
  /** Whether the next request is made from the last reply, of which the length must be said beforehand. */
  readonly keepsReplies?: boolean;
}

/**
 * Gives the next request of a connection, as its bytes on the wire; nothing when there are no more.
 * @param last The body of the connection's last reply where `keepsReplies` is set; otherwise and at first nothing.
 * @param connection Counts from 0.
 */
export type NextRequest = (last: string | undefined, connection: number) => Buffer | undefined;

/** A request as it is sent again and again on a kept connection. */
export function wireOf({ method, path, headers, body = "" }: Request): Buffer {
  const length = method === "GET" ? [] : [`content-length: ${Buffer.byteLength(body)}`];
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `host: ${HOST}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...length,
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
}

/** Requests that come in turns, over and over. */
export function inTurns(requests: readonly Request[]): NextRequest {
  const wires = requests.map(wireOf);
  let turn = 0;
  return () => wires[turn++ % wires.length] as Buffer;
}

/**
 * Loads a server for some seconds, or until there are no more requests. It is a client of its own, because a general one
 * takes more time for a request than the servers that are compared.
 * @throws {Error} for a reply of another status, or a connection that ends.
 */
export async function measure(server: ServerProcess, next: NextRequest, options: LoadOptions): Promise<Measure> {
  const { seconds, connections = 32 } = options;
  const latencies: number[] = [];
  const talks = await Promise.all(Array.from({ length: connections }, () => open(server)));
  const stopSpinning = spin();
  const cpu = server.cpu();
  const start = performance.now();
  const end = start + seconds * 1000;
  await Promise.all(talks.map((talk, connection) => converse(talk, (last) => next(last, connection), options, end, latencies)));
  const elapsed = performance.now() - start;
  stopSpinning();
  const used = server.cpu() - cpu;
  const sorted = Float64Array.from(latencies).sort();
  return {
    rate: latencies.length / (elapsed / 1000),
    p50: sorted[Math.floor(sorted.length * 0.5)] ?? 0,
    p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    cpu: used / latencies.length,
    busy: used / 1000 / elapsed,
    memory: server.memory() / 1024 / 1024,
  };
}

/**
 * Keeps this process awake: on a virtual machine a reply that has to wake it costs its server tens of microseconds, the
 * slower ones more of them.
 */
function spin(): () => void {
  let spinning = true;
  const turn = () => {
    if (spinning) setImmediate(turn);
  };
  turn();
  return () => {
    spinning = false;
  };
}

/** A connection, and who is told of what arrives on it: bytes that are gone once it returns. */
interface Talk {
  readonly socket: Socket;
  arrived: (piece: Buffer) => void;
}

/** All connections read into one buffer, because to make one for each piece is most of what a large reply costs. */
const ARRIVALS = Buffer.allocUnsafeSlow(256 * 1024);

async function open(server: ServerProcess): Promise<Talk> {
  const { hostname, port } = new URL(server.url);
  const onread = {
    buffer: ARRIVALS,
    callback(length: number): boolean {
      talk.arrived(ARRIVALS.subarray(0, length));
      return true;
    },
  };
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, onread });
  const talk: Talk = { socket, arrived: () => {} };
  await once(socket, "connect");
  return talk;
}

/** One request after the other until the time is up or there are no more. */
function converse(
  talk: Talk,
  next: (last: string | undefined) => Buffer | undefined,
  { status = 200, keepsReplies = false }: LoadOptions,
  end: number,
  latencies: number[],
): Promise<void> {
  const { socket } = talk;
  return new Promise((resolve, reject) => {
    let sentAt = 0;
    let last: string | undefined;
    let reply: Arriving | undefined;
    const finish = () => {
      resolve();
      socket.destroy();
    };
    const send = () => {
      const request = next(last);
      if (request === undefined) {
        finish();
        return;
      }
      reply = undefined;
      sentAt = performance.now();
      socket.write(request);
    };
    talk.arrived = (piece) => {
      reply = arriving(reply, piece, keepsReplies);
      if (!reply.whole) return;
      if (reply.status !== status) {
        socket.destroy(new Error(`a reply of ${reply.status}: ${piece.toString("utf8", 0, 1000)}`));
        return;
      }
      if (keepsReplies) last = bodyOf(reply);
      const now = performance.now();
      latencies.push(now - sentAt);
      if (now < end) send();
      else finish();
    };
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the server closed a connection")));
    send();
  });
}

/** A reply of which some has arrived. */
interface Arriving {
  readonly status: number;
  readonly whole: boolean;
  /** Where the body begins, while it is unknown undefined. */
  readonly bodyAt?: number;
  /** Bytes to come; endless where only its end tells. */
  readonly left: number;
  /** What is kept of it: all, or what is needed to go on. */
  readonly kept: Buffer;
}

const HEAD_END = "\r\n\r\n";
const LAST_CHUNK = "0\r\n\r\n";
const NOTHING = Buffer.alloc(0);

function arriving(before: Arriving | undefined, piece: Buffer, keepsAll: boolean): Arriving {
  if (before?.bodyAt === undefined) return beginning(before ? Buffer.concat([before.kept, piece]) : piece, keepsAll);
  const { status, bodyAt } = before;
  const isChunked = before.left === Number.POSITIVE_INFINITY;
  const left = before.left - piece.length;
  const bytes = keepsAll || isChunked ? Buffer.concat([before.kept, piece]) : NOTHING;
  const kept = isChunked && !keepsAll ? tailOf(bytes) : bytes;
  return { status, bodyAt, left, whole: isChunked ? endsChunked(bytes) : left <= 0, kept };
}

/** @param bytes All that has arrived. */
function beginning(bytes: Buffer, keepsAll: boolean): Arriving {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return { status: 0, whole: false, left: Number.POSITIVE_INFINITY, kept: Buffer.from(bytes) };
  const head = bytes.toString("latin1", 0, headEnd);
  const bodyAt = headEnd + HEAD_END.length;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const isChunked = length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head);
  const left = isChunked ? Number.POSITIVE_INFINITY : bodyAt + Number(length ?? 0) - bytes.length;
  const whole = isChunked ? endsChunked(bytes) : left <= 0;
  const kept = keepsAll ? Buffer.from(bytes) : isChunked ? tailOf(bytes) : NOTHING;
  return { status: statusOf(head), bodyAt, left, whole, kept };
}

function endsChunked(bytes: Buffer): boolean {
  return bytes.toString("latin1", Math.max(0, bytes.length - LAST_CHUNK.length)) === LAST_CHUNK;
}

/** As much as the end of the last chunk may lack. */
function tailOf(bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(Math.max(0, bytes.length - LAST_CHUNK.length)));
}

function bodyOf({ kept, bodyAt = 0 }: Arriving): string {
  return kept.toString("utf8", bodyAt);
}

/** `HTTP/1.1 200 …` */
function statusOf(head: string): number {
  return Number(head.slice(9, 12));
}

/** The median of each figure. */
export function medianOf(measures: readonly Measure[]): Measure {
  const of = (name: keyof Measure) => median(measures.map((one) => one[name]));
  return { rate: of("rate"), p50: of("p50"), p99: of("p99"), cpu: of("cpu"), busy: of("busy"), memory: of("memory") };
}
