import { closeSync, fsyncSync, openSync, rmSync, statSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";
import { CommandError } from "./command.mts";

export interface BackedUp {
  readonly records: number;
  readonly bytes: number;
}

/**
 * All pages in one step: the copy is of one moment, and writes of other processes, which would make SQLite begin anew
 * between steps, neither wait nor are waited for (write-ahead log).
 */
const ALL_PAGES = 2 ** 31 - 1;

/**
 * Copies a state file that may be in use to a new one (mode 0600), which is whole and on the disk afterwards or not there.
 *
 * @throws {CommandError} when there is a file already, the source cannot be read or the copy is damaged.
 */
export async function backupFile(source: string, target: string): Promise<BackedUp> {
  makeFile(target);
  try {
    await copy(source, target);
    const records = verify(target);
    sync(target);
    return { records, bytes: statSync(target).size };
  } catch (error) {
    for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(`${target}${suffix}`, { force: true });
    const isSqlite = (error as NodeJS.ErrnoException).code === "ERR_SQLITE_ERROR";
    throw isSqlite ? new CommandError(`${source} cannot be backed up: ${(error as Error).message}`) : error;
  }
}

function makeFile(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new CommandError(`${file} is there already; a backup never overwrites a file`);
  }
}

async function copy(source: string, target: string): Promise<void> {
  const database = new DatabaseSync(source, { readOnly: true });
  try {
    await backup(database, target, { rate: ALL_PAGES });
  } finally {
    database.close();
  }
}

/** @returns How many records the copy has. */
function verify(file: string): number {
  const database = new DatabaseSync(file);
  try {
    const verdict = Object.values(database.prepare("PRAGMA integrity_check(1)").get() ?? {})[0];
    if (verdict !== "ok") throw new CommandError(`the copy is damaged (${verdict}): check the state file and the disk`);
    return Number(database.prepare("SELECT count(*) AS records FROM records").get()?.["records"]);
  } finally {
    database.close();
  }
}

function sync(file: string): void {
  const descriptor = openSync(file, "r+");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
