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
  /** The heap in use after a collection, in bytes. Only of a server that was started with an inspector. */
  heap(): Promise<number>;
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
  const { port, inspector } = await startOf(child);
  return {
    url: `http://127.0.0.1:${port}`,
    cpu: () =>
      fieldsOf(child, "stat")
        .slice(11, 13)
        .reduce((sum, ticks) => sum + Number(ticks), 0) *
      (1_000_000 / TICKS_PER_SECOND),
    memory: () => Number(fieldsOf(child, "statm")[1] ?? 0) * PAGE_BYTES,
    heap: () => heapOf(inspector),
    async stop() {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

interface Start {
  readonly port: string;
  /** The inspector's WebSocket, when Node has one. */
  readonly inspector: string | undefined;
}

function startOf(child: ChildProcess): Promise<Start> {
  let output = "";
  return new Promise((resolveStart, reject) => {
    const read = (piece: Buffer) => {
      output += piece;
      const port = /listens on \S+:(\d+)/.exec(output)?.[1];
      if (port === undefined) return;
      // From here on the log is drained unread, so that reading it takes no time from the load.
      for (const stream of [child.stdout, child.stderr]) stream?.off("data", read).resume();
      resolveStart({ port, inspector: /Debugger listening on (ws:\S+)/.exec(output)?.[1] });
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.on("exit", () => reject(new Error(`the server ended before it was ready:\n${output}`)));
  });
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
