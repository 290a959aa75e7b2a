import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { onServerCore } from "./cores.mts";

/** A server in a process of its own, so that its work is told apart from the load's. */
export interface ServerProcess {
  readonly url: string;
  /** What it wrote to stdout and stderr so far. */
  log(): string;
  /** User and system time so far, in microseconds; 0 where the system has no /proc. */
  cpu(): number;
  /** Resident memory in bytes; 0 where the system has no /proc. */
  memory(): number;
  /** The heap in use after a collection, in bytes. Only of a server that was started with an inspector. */
  heap(): Promise<number>;
  stop(): Promise<void>;
}

/** USER_HZ, which Linux has fixed at 100 for what it shows in /proc (proc_pid_stat(5)). */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
/** Milliseconds between two looks at the log of a server that starts. */
const LOOK_EVERY = 5;

/**
 * Starts a script that prints `listens on http://HOST:PORT` once it is ready. What it writes goes to a file, so that
 * reading it takes no time from the load.
 * @param folder Where the file is put, which stays; it is removed with the server unless given.
 * @throws {Error} with its output when it ends before.
 */
export async function startServer(script: string, env: Readonly<Record<string, string>> = {}, folder?: string): Promise<ServerProcess> {
  const place = mkdtempSync(join(folder ?? tmpdir(), `${basename(script)}-`));
  const logFile = join(place, "log");
  const child = spawnServer(script, env, logFile);
  const log = () => readFileSync(logFile, "utf8");
  const discard = () => {
    if (folder === undefined) rmSync(place, { recursive: true });
  };
  const started = await startOf(child, log).catch((error: unknown) => {
    discard();
    throw error;
  });
  return {
    url: `http://127.0.0.1:${started.port}`,
    log,
    cpu: () =>
      fieldsOf(child, "stat")
        .slice(11, 13)
        .reduce((sum, ticks) => sum + Number(ticks), 0) *
      (1_000_000 / TICKS_PER_SECOND),
    memory: () => Number(fieldsOf(child, "statm")[1] ?? 0) * PAGE_BYTES,
    heap: () => heapOf(started.inspector),
    async stop() {
      await end(child);
      discard();
    },
  };
}

/** Starts a script on the servers' core with its output in a file. */
export function spawnServer(script: string, env: Readonly<Record<string, string>>, logFile: string): ChildProcess {
  const [command, ...parameters] = onServerCore([process.execPath, resolve(import.meta.dirname, script)]);
  const output = openSync(logFile, "w");
  const child = spawn(command, parameters, { env: { PATH: process.env["PATH"], ...env }, stdio: ["ignore", output, output] });
  closeSync(output);
  return child;
}

/** Asks a server to stop and waits until it has. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}

interface Start {
  readonly port: string;
  /** The inspector's WebSocket, when Node has one. */
  readonly inspector: string | undefined;
}

async function startOf(child: ChildProcess, log: () => string): Promise<Start> {
  for (;;) {
    const output = log();
    const port = /listens on \S+:(\d+)/.exec(output)?.[1];
    if (port !== undefined) return { port, inspector: /Debugger listening on (ws:\S+)/.exec(output)?.[1] };
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the server ended before it was ready:\n${output}`);
    await pause(LOOK_EVERY);
  }
}

/** By the Chrome DevTools protocol, so that the server needs nothing for it. */
async function heapOf(inspector: string | undefined): Promise<number> {
  if (inspector === undefined) throw new Error("the server was started without an inspector");
  const socket = new WebSocket(inspector);
  await once(socket, "open");
  const ask = async (id: number, method: string) => {
    socket.send(JSON.stringify({ id, method }));
    const [message] = (await once(socket, "message")) as [MessageEvent];
    return JSON.parse(String(message.data)) as { readonly result: { readonly usedSize?: number } };
  };
  await ask(1, "HeapProfiler.collectGarbage");
  const { result } = await ask(2, "Runtime.getHeapUsage");
  socket.close();
  return result.usedSize ?? 0;
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
