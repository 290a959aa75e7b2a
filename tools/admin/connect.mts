import { existsSync } from "node:fs";
import type { Config } from "../../shared/config.ts";
import { createLog } from "../../shared/log.ts";
import { openState, type State, stateFileOf } from "../../shared/state/open.ts";
import { CommandError } from "./command.mts";

/**
 * Opens the state, has `work` use it and closes it.
 *
 * @throws {ConfigError | CommandError} when it cannot be opened.
 */
export async function withState<T>(config: Config, work: (state: State) => Promise<T>): Promise<T> {
  const state = await openState(config, { clock: Date.now, log: createLog(config.logLevel, 2) });
  try {
    return await work(state);
  } finally {
    await state.store.close();
  }
}

export function isDynamo({ stateUrl }: Config): boolean {
  return stateUrl.startsWith("dynamodb:");
}

export function isPostgres({ stateUrl }: Config): boolean {
  return /^postgres(ql)?:/.test(stateUrl);
}

/** @throws {CommandError} when state is not in a file. */
export function stateFile({ stateUrl }: Config): string {
  const file = stateFileOf(stateUrl);
  if (file === undefined) throw new CommandError("STATE_URL does not name a file; use the database's own backups");
  if (file === ":memory:") throw new CommandError("STATE_URL is sqlite::memory:, which only the service's own process can reach");
  return file;
}

/** Whether state is to be in a file that is not there: to open it makes an empty one. */
export function isStateMissing(config: Config): boolean {
  return stateFileOf(config.stateUrl) !== undefined && !existsSync(stateFile(config));
}

/** @throws {CommandError} when there is nothing that a command could work on. */
export function requireState(config: Config): void {
  if (isStateMissing(config)) throw new CommandError(`STATE_URL: there is no state in ${stateFile(config)}`);
}
