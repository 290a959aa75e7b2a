import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** The server has a core of its own and so has the load, or else one would be measured by what the other leaves it. */
const SERVER_CORE = "0";
const LOAD_CORE = "1";

const pinnable = availableParallelism() >= 2 && spawnSync("taskset", ["--version"]).status === 0;

/** A command line that runs on the servers' core; as it is where processes cannot be pinned. */
export function onServerCore(command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  return pinnable ? ["taskset", "-c", SERVER_CORE, ...command] : command;
}

/** Moves this process, all its threads, to the load's core. @returns whether it could. */
export function moveToLoadCore(): boolean {
  return pinnable && spawnSync("taskset", ["-a", "-p", "-c", LOAD_CORE, String(process.pid)]).status === 0;
}
