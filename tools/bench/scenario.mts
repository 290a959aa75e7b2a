import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ServerProcess, startServer } from "./server-process.mts";

/** What is measured, as a person asked for it. */
export interface Effort {
  /** Of every contender, in turns. */
  readonly rounds: number;
  /** Of one round. */
  readonly seconds: number;
  /** After how many calls memory is looked at. */
  readonly calls: number;
}

/** What a scenario has at hand: what it starts and writes is gone when it ends. */
export interface Bench extends Effort {
  readonly folder: string;
  start(script: string, env?: Readonly<Record<string, string>>): Promise<ServerProcess>;
  /** Tells the person who waits. */
  say(line: string): void;
}

export type Row = Readonly<Record<string, string | number>>;

export interface Table {
  readonly name: string;
  readonly rows: readonly Row[];
}

/** A promise and what became of it. */
export interface Verdict {
  readonly name: string;
  readonly target: string;
  readonly ratio: number;
  readonly met: boolean;
}

export interface Report {
  readonly tables: readonly Table[];
  readonly targets: readonly Verdict[];
}

export interface Scenario {
  /** What it measures, in a line. */
  readonly about: string;
  run(bench: Bench): Promise<Report>;
}

/** A bench with a folder of its own; `close` stops whatever was started and removes what was written. */
export function openBench(effort: Effort, say: (line: string) => void): Bench & { close(): Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), "portico-bench-"));
  const servers: ServerProcess[] = [];
  return {
    ...effort,
    folder,
    say,
    async start(script, env = {}) {
      const server = await startServer(script, { NODE_ENV: "production", ...env }, folder);
      servers.push(server);
      return server;
    },
    async close() {
      for (const server of servers) await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Whether a ratio is at least what was promised. */
export function atLeast(name: string, ratio: number, bound: number): Verdict {
  return { name, target: `>= ${rounded(bound)}`, ratio, met: ratio >= bound };
}

/** Whether a ratio is at most what was promised. */
export function atMost(name: string, ratio: number, bound: number): Verdict {
  return { name, target: `<= ${rounded(bound)}`, ratio, met: ratio <= bound };
}

/** A number for people: two decimals, three below a tenth. */
export function rounded(number: number): number {
  const parts = Math.abs(number) < 0.1 ? 1000 : 100;
  return Math.round(number * parts) / parts;
}

/** The middle of some numbers, the upper one of two. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}
