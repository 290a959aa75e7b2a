import autocannon from "autocannon";
import type { ServerProcess } from "./server-process.mts";

/** What every contender is sent. */
export interface Request {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Measure {
  /** Requests a second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** The server's, in microseconds a request. */
  readonly cpu: number;
  /** The server's resident memory afterwards, in MiB. */
  readonly memory: number;
}

const CONNECTIONS = 32;

/** Loads a server for some seconds. @throws {Error} when it answers anything but 200. */
export async function measure(server: ServerProcess, { path, headers, body }: Request, seconds: number): Promise<Measure> {
  const before = server.cpu();
  const result = await autocannon({ url: server.url + path, method: "POST", headers, body, connections: CONNECTIONS, duration: seconds });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${server.url}: ${result.non2xx} refusals and ${result.errors} errors`);
  return {
    rate: result.requests.average,
    p50: result.latency.p50,
    p99: result.latency.p99,
    cpu: (server.cpu() - before) / result.requests.total,
    memory: server.memory() / 1024 / 1024,
  };
}

/** The median of each figure. */
export function medianOf(measures: readonly Measure[]): Measure {
  const of = (name: keyof Measure) => measures.map((one) => one[name]).sort((a, b) => a - b)[Math.floor(measures.length / 2)] ?? 0;
  return { rate: of("rate"), p50: of("p50"), p99: of("p99"), cpu: of("cpu"), memory: of("memory") };
}
