import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

/** A server in a process of its own, so that its work is told apart from the load's. */
export interface ServerProcess {
  readonly url: string;
  /** User and system time so far, in microseconds; 0 where the system has no /proc. */
  cpu(): number;
  /** Resident memory in bytes; 0 where the system has no /proc. */
  memory(): number;
  stop(): Promise<void>;
}

/** USER_HZ, which Linux has fixed at 100 for what it shows in /proc (proc_pid_stat(5)). */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** Starts a script that prints `listens on http://HOST:PORT` once it is ready. @throws {Error} with its output when it ends before. */
export async function startServer(script: string, env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, script)], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const port = await portOf(child);
  return {
    url: `http://127.0.0.1:${port}`,
    cpu: () =>
      fieldsOf(child, "stat")
        .slice(11, 13)
        .reduce((sum, ticks) => sum + Number(ticks), 0) *
      (1_000_000 / TICKS_PER_SECOND),
    memory: () => Number(fieldsOf(child, "statm")[1] ?? 0) * PAGE_BYTES,
    async stop() {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

function portOf(child: ChildProcess): Promise<string> {
  let output = "";
  return new Promise((resolvePort, reject) => {
    const read = (piece: Buffer) => {
      output += piece;
      const port = /listens on \S+:(\d+)/.exec(output)?.[1];
      if (port === undefined) return;
      // From here on the log is drained unread, so that reading it takes no time from the load.
      for (const stream of [child.stdout, child.stderr]) stream?.off("data", read).resume();
      resolvePort(port);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.on("exit", () => reject(new Error(`the server ended before it was ready:\n${output}`)));
  });
}

/** The fields after the command's name, which may hold spaces itself. */
function fieldsOf(child: ChildProcess, name: "stat" | "statm"): string[] {
  try {
    const text = readFileSync(`/proc/${child.pid}/${name}`, "utf8");
    return (name === "stat" ? text.slice(text.lastIndexOf(")") + 2) : text).split(" ");
  } catch {
    return [];
  }
}
