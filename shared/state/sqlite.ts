import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { createCommitter } from "./sqlite-commit.ts";
import { type Driver, type DumpedRow, type Exporter, type Row, Unavailable, UnusableState } from "./store.ts";

/** A state file that cannot be used at all; the message names it and says why. */
export class StateFileError extends UnusableState {
  override readonly name = "StateFileError";
}

export interface SqliteOptions {
  /** How long an operation waits for other processes on the file before it is `Unavailable`, in milliseconds. */
  readonly patience?: number;
}

/** Each migration takes the schema from its index to the next version. Never change one that was released. */
const MIGRATIONS = [
  `CREATE TABLE records (
     kind TEXT NOT NULL,
     owner TEXT NOT NULL,
     id TEXT NOT NULL,
     version TEXT NOT NULL,
     expires_at INTEGER,
     value TEXT NOT NULL,
     PRIMARY KEY (kind, owner, id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX records_expires_at ON records (expires_at) WHERE expires_at IS NOT NULL;`,
];

/** SQLite itself waits this long and the event loop with it, in milliseconds: about one commit of another process. */
const BLOCKING_WAIT = 5;
const PATIENCE = 5_000;
const LONGEST_PAUSE = 25;
/** Pages given back to the file system after a sweep; 4 MB at the default page size. */
const FREED_PAGES = 1_000;

/**
 * Opens state in a file, which is made (mode 0600, its folder 0700) when it is not there; ":memory:" keeps it in this
 * process. Several processes may use one file. A write is on the disk when its promise resolves.
 *
 * @throws {StateFileError} when the file cannot be opened, is damaged or was written by a newer release.
 */
export async function openSqlite(file: string, { patience = PATIENCE }: SqliteOptions = {}): Promise<Driver & Exporter> {
  const database = openFile(file);
  try {
    await retryWhileBusy(() => prepareFile(database, file), patience);
    return createDriver(database, patience);
  } catch (error) {
    database.close();
    throw unusable(file, error);
  }
}

function openFile(file: string): DatabaseSync {
  try {
    if (file !== ":memory:") makeFile(file);
    return new DatabaseSync(file);
  } catch (error) {
    throw unusable(file, error);
  }
}

/**
 * Made here because SQLite would make it readable by all; the files that SQLite puts beside it take over its mode.
 * An existing file is never opened and closed: that would drop the locks this process has on it (POSIX).
 */
function makeFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Can be repeated at any point, so that it may be retried as a whole. */
function prepareFile(database: DatabaseSync, file: string): void {
  database.exec(`PRAGMA busy_timeout = ${BLOCKING_WAIT}`);
  schemaVersion(database, file);
  // Holds for a file without tables only, and the switch to WAL already writes to it.
  database.exec("PRAGMA auto_vacuum = INCREMENTAL");
  const mode = pragma(database, "journal_mode = WAL");
  if (mode !== "wal" && file !== ":memory:") {
    throw new StateFileError(`${file}: its file system does not support a write-ahead log; use a local disk`);
  }
  database.exec("PRAGMA synchronous = FULL");
  const verdict = pragma(database, "quick_check(1)");
  if (verdict !== "ok") throw new StateFileError(`${file}: the state file is damaged (${verdict}); restore it from a backup`);
  migrate(database, file);
}

/** The version of the file's schema, unless this release does not know it. */
function schemaVersion(database: DatabaseSync, file: string): number {
  const version = Number(pragma(database, "user_version"));
  if (version <= MIGRATIONS.length) return version;
  throw new StateFileError(
    `${file}: the state file has schema version ${version} and this release knows ${MIGRATIONS.length}; run the release that wrote it or a newer one`,
  );
}

function migrate(database: DatabaseSync, file: string): void {
  if (schemaVersion(database, file) === MIGRATIONS.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Read again under the lock: another process may have migrated meanwhile.
    for (const migration of MIGRATIONS.slice(schemaVersion(database, file))) database.exec(migration);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function pragma(database: DatabaseSync, text: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${text}`).get() ?? {})[0];
}

/** Parameters are bound by their place: by name it takes a third longer. ?1 to ?3 are kind, owner and id, ?4 is now. */
const KEY = "kind = ?1 AND owner = ?2 AND id = ?3";
const LIVE = "(expires_at IS NULL OR expires_at > ?4)";
const ROW = "owner, id, value, version, expires_at AS expiresAt";
const INSERT = `INSERT INTO records (kind, owner, id, version, expires_at, value)
  VALUES (?1, ?2, ?3, ?5, ?6, ?7) ON CONFLICT (kind, owner, id) DO UPDATE SET`;

/** Every operation is one statement, so that SQLite makes it atomic among all processes on the file. */
function createDriver(database: DatabaseSync, patience: number): Driver & Exporter {
  const get = database.prepare(`SELECT ${ROW} FROM records WHERE ${KEY} AND ${LIVE}`);
  const create = database.prepare(`${INSERT}
    version = excluded.version, expires_at = excluded.expires_at, value = excluded.value
    WHERE records.expires_at <= ?4`);
  const replace = database.prepare(`UPDATE records SET version = ?5, expires_at = ?6, value = ?7
    WHERE ${KEY} AND version = ?8 AND ${LIVE}`);
  const take = database.prepare(`DELETE FROM records WHERE ${KEY} AND ${LIVE} RETURNING ${ROW}`);
  const increment = database.prepare(`${INSERT}
    version = excluded.version,
    expires_at = iif(records.expires_at <= ?4, excluded.expires_at, records.expires_at),
    value = CAST(iif(records.expires_at <= ?4, 0, records.value) + excluded.value AS TEXT)
    RETURNING value`);
  const list = database.prepare(`SELECT ${ROW} FROM records
    WHERE kind = ?1 AND owner = ?2 AND id > ?3 AND ${LIVE} ORDER BY id LIMIT ?5`);
  const scan = database.prepare(`SELECT ${ROW} FROM records
    WHERE kind = ?1 AND (owner, id) > (?2, ?3) AND ${LIVE} ORDER BY owner, id LIMIT ?5`);
  const dump = database.prepare(`SELECT kind, ${ROW} FROM records
    WHERE (kind, owner, id) > (?1, ?2, ?3) AND ${LIVE} ORDER BY kind, owner, id LIMIT ?5`);
  const sweep = database.prepare(`DELETE FROM records WHERE (kind, owner, id) IN
    (SELECT kind, owner, id FROM records WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)`);

  const attempt = <T>(work: () => T) => retryWhileBusy(work, patience, faultOf);
  const { commit, flush } = createCommitter(database, { attempt, faultOf });
  // Rows that a write returns are read with `all`: it sees the end of the statement, where a failed commit is reported.
  return {
    get: (kind, owner, id, now) => attempt(() => get.get(kind, owner, id, now) as Row | undefined),
    create: (kind, { owner, id, version, expiresAt, value }, now) =>
      commit(() => create.run(kind, owner, id, now, version, expiresAt, value).changes === 1),
    replace: (kind, { owner, id, version, expiresAt, value }, expected, now) =>
      commit(() => replace.run(kind, owner, id, now, version, expiresAt, value, expected).changes === 1),
    take: (kind, owner, id, now) => commit(() => take.all(kind, owner, id, now)[0] as Row | undefined),
    increment: (kind, { owner, id, version, expiresAt }, by, now) =>
      // Bound as text, because a number would be stored as a float: "1.0".
      commit(() => Number(increment.all(kind, owner, id, now, version, expiresAt, String(by))[0]?.["value"])),
    list: (kind, owner, after = "", limit, now) => attempt(() => list.all(kind, owner, after, now, limit) as unknown as Row[]),
    scan: (kind, after = { owner: "", id: "" }, limit, now) =>
      attempt(() => scan.all(kind, after.owner, after.id, now, limit) as unknown as Row[]),
    async dump(cursor, limit, now) {
      const [kind = "", owner = "", id = ""] = cursor === undefined ? [] : (JSON.parse(cursor) as string[]);
      const rows = await attempt(() => dump.all(kind, owner, id, now, limit) as unknown as DumpedRow[]);
      const last = rows.length === limit ? rows.at(-1) : undefined;
      return last ? { rows, cursor: JSON.stringify([last.kind, last.owner, last.id]) } : { rows };
    },
    async sweep(limit, now) {
      const swept = await attempt(() => Number(sweep.run(now, limit).changes));
      if (swept > 0) await attempt(() => database.exec(`PRAGMA incremental_vacuum(${FREED_PAGES})`));
      return swept;
    },
    async close() {
      await flush();
      if (database.isOpen) database.close();
    },
  };
}

/** SQLITE_BUSY comes before anything is written, so that to repeat is safe. @param told What is thrown for the error that ends it. */
async function retryWhileBusy<T>(work: () => T, patience: number, told = (error: unknown) => error): Promise<T> {
  let end: number | undefined;
  for (let longest = 1; ; longest = Math.min(longest * 2, LONGEST_PAUSE)) {
    try {
      return work();
    } catch (error) {
      end ??= performance.now() + patience;
      if (resultCode(error) !== SQLITE_BUSY || performance.now() > end) throw told(error);
    }
    await pause(longest * (0.5 + Math.random() / 2));
  }
}

const SQLITE_BUSY = 5;
/** SQLITE_ERROR, CONSTRAINT, MISMATCH, MISUSE, RANGE: faults of the program, which no waiting heals. */
const PROGRAM_FAULTS: readonly number[] = [1, 19, 20, 21, 25];

/** The primary result code (https://www.sqlite.org/rescode.html); undefined when SQLite did not raise the error. */
function resultCode(error: unknown): number | undefined {
  const { code, errcode } = error as { code?: string; errcode?: number };
  return code === "ERR_SQLITE_ERROR" && errcode !== undefined ? errcode & 0xff : undefined;
}

/** A full disk, an input/output error, a lock that others hold too long, a closed store: all `Unavailable`. */
function faultOf(error: unknown): unknown {
  const closed = (error as { code?: string }).code === "ERR_INVALID_STATE";
  const code = resultCode(error);
  if (closed || (code !== undefined && !PROGRAM_FAULTS.includes(code))) {
    return new Unavailable("the state file cannot be used at the moment", { cause: error });
  }
  return error;
}

function unusable(file: string, error: unknown): unknown {
  if (error instanceof StateFileError) return error;
  if (resultCode(error) === SQLITE_BUSY) return new StateFileError(`${file}: another program holds the state file`, { cause: error });
  return new StateFileError(`${file}: the state file cannot be opened: ${(error as Error).message}`, { cause: error });
}
