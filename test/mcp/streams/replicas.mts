import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Log } from "../../../shared/log.ts";
import { createService, type Service } from "../../../shared/service.ts";

/** Services on one state file in this process, as so many replicas. */
export interface Pair {
  readonly services: readonly [Service, Service];
  /** What they logged above "info". */
  readonly lines: readonly LogLine[];
}

export interface LogLine {
  readonly level: "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface Cleaner {
  after(end: () => Promise<void>): void;
}

/** Two replicas until the test ends. */
export async function startPair(t: Cleaner, clock: () => number = Date.now): Promise<Pair> {
  const folder = mkdtempSync(join(tmpdir(), "portico-streams-"));
  const lines: LogLine[] = [];
  const env = { NODE_ENV: "test", STATE_URL: `sqlite:${join(folder, "state.db")}`, SWEEP_INTERVAL: "0" };
  const start = () => createService({ env, clock, log: recordingLog(lines) });
  const services = [await start(), await start()] as const;
  t.after(async () => {
    for (const service of services) {
      service.stop();
      await service.close();
    }
    rmSync(folder, { recursive: true });
  });
  return { services, lines };
}

export function recordingLog(lines: LogLine[]): Log {
  const at = (level: "warn" | "error") => (fields: object, message: string) => void lines.push({ level, fields: { ...fields }, message });
  const log: Log = { debug: () => {}, info: () => {}, warn: at("warn"), error: at("error"), child: () => log };
  return log;
}

/** Resolves as soon as the condition holds. @throws when it does not within the milliseconds. */
export async function until(condition: () => boolean, what: string, patience = 10_000): Promise<void> {
  const end = performance.now() + patience;
  while (!condition()) {
    if (performance.now() > end) assert.fail(`this did not come true: ${what}`);
    await pause(5);
  }
}
