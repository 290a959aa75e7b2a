import { DatabaseError, Pool, type PoolClient, TypeOverrides } from "pg";
import { lostIsUnavailable, type Tried, tryPatiently } from "./patience.ts";
import { placeOf, StateDatabaseError } from "./postgres-url.ts";
import { Lost, Unavailable } from "./store.ts";

export interface PostgresOptions {
  /** How long one statement may take, and how long a connection may take to come about, in milliseconds. */
  readonly timeout?: number;
  /** How long an operation is tried again before it is `Unavailable`, in milliseconds. */
  readonly patience?: number;
  /** How many connections there may be at most. */
  readonly connections?: number;
}

export interface Answer<R> {
  readonly rows: readonly R[];
  /** How many rows a write changed. */
  readonly count: number;
}

/** Sends one statement. */
export type Run = <R extends object>(text: string, values?: readonly unknown[]) => Promise<Answer<R>>;

/** One database and a pool of connections to it. */
export interface Connection {
  /** Host and database, without credentials. */
  readonly name: string;
  /**
   * Runs what does no harm when it is applied twice, again and again while that may help.
   *
   * @throws {Unavailable} when it did not help, and whatever {@link judge} calls an answer.
   */
  repeat<T>(work: (run: Run) => Promise<T>): Promise<T>;
  /**
   * Runs one statement, again only while it is certain that it was not applied.
   *
   * @throws {Lost} when it may have been applied; otherwise as `repeat`.
   */
  once<R extends object>(text: string, values: readonly unknown[]): Promise<Answer<R>>;
  close(): Promise<void>;
}

const TIMEOUT = 5_000;
const PATIENCE = 5_000;
const CONNECTIONS = 10;
/** Milliseconds by which the client waits longer than the server: an error of the server tells what became of the statement. */
const GRACE = 1_000;
/** Ours ends first, in milliseconds, before firewalls and poolers drop an idle connection without a word. */
const IDLE_CONNECTION = 30_000;
const INT8 = 20;

/**
 * Opens a pool for `postgres://…`; nothing is sent yet. Statements have no names and connections no settings of their own,
 * so that a pooler may give each transaction to another session of the server (PgBouncer's transaction mode, Supabase).
 *
 * The server's `statement_timeout` is the one setting that is tried: it goes with the start of a connection, costs nothing,
 * and keeps statements that wait for a lock from piling up. A pooler that does not know it refuses the connection, and
 * then this side's own timeout is all there is: `SET LOCAL` would make three round trips of one.
 *
 * @throws {StateDatabaseError} when the URL cannot be used.
 */
export function connect(
  url: string,
  { timeout = TIMEOUT, patience = PATIENCE, connections = CONNECTIONS }: PostgresOptions = {},
): Connection {
  const { name, connectionString } = placeOf(url);
  const types = new TypeOverrides();
  // Times are milliseconds, far below 2^53.
  types.setTypeParser(INT8, Number);
  const config = {
    connectionString,
    types,
    max: connections,
    fallback_application_name: "portico",
    connectionTimeoutMillis: timeout,
    query_timeout: timeout + GRACE,
    idleTimeoutMillis: IDLE_CONNECTION,
    keepAlive: true,
  };
  const bounded = newPool({ ...config, statement_timeout: timeout });
  let pool = bounded;
  let closed: Promise<void> | undefined;

  async function checkOut(): Promise<PoolClient> {
    try {
      return await pool.connect();
    } catch (error) {
      if (!REFUSES_SETTINGS.includes(codeOf(error))) throw error;
      if (pool === bounded) pool = newPool(config);
      return await pool.connect();
    }
  }

  async function tryOnce<T>(work: (run: Run) => Promise<T>): Promise<Tried<T, Verdict>> {
    if (closed) throw new Unavailable("the state database is closed");
    let client: PoolClient;
    try {
      client = await checkOut();
    } catch (cause) {
      return { verdict: judgeConnecting(cause), cause };
    }
    try {
      const value = await work(runOn(client));
      client.release();
      return { value };
    } catch (cause) {
      const verdict = judge(cause);
      client.release(verdict !== "answer" && verdict !== "contended");
      return { verdict, cause };
    }
  }

  function attempt<T>(work: (run: Run) => Promise<T>, repeatable: readonly Verdict[]): Promise<T> {
    return tryPatiently(() => tryOnce(work), { patience, repeatable, failure });
  }

  return {
    name,
    repeat: (work) => attempt(work, ["contended", "hindered", "lost"]).catch(lostIsUnavailable("the state database does not answer")),
    once: <R extends object>(text: string, values: readonly unknown[]) => attempt((run) => run<R>(text, values), ["contended", "hindered"]),
    async close() {
      closed ??= Promise.all([...new Set([bounded, pool])].map((each) => each.end())).then(() => {});
      await closed;
    },
  };
}

/**
 * Runs `work` as one transaction.
 *
 * @param run Sends on one connection, as `repeat` gives it.
 */
export async function transact<T>(run: Run, work: () => Promise<T>): Promise<T> {
  // The level is said because a statement must see what was committed while the one before it waited for a lock.
  await run("BEGIN ISOLATION LEVEL READ COMMITTED");
  try {
    const value = await work();
    await run("COMMIT");
    return value;
  } catch (error) {
    await run("ROLLBACK").catch(() => {});
    throw error;
  }
}

function newPool(config: ConstructorParameters<typeof Pool>[0]): Pool {
  const pool = new Pool(config);
  // A lost connection is reported by the statement that was on it, if any; without a listener it would end the process.
  const ignore = () => {};
  pool.on("error", ignore).on("connect", (client) => client.on("error", ignore));
  return pool;
}

function runOn(client: PoolClient): Run {
  return async <R extends object>(text: string, values: readonly unknown[] = []) => {
    const { rows, rowCount } = await client.query<R>(text, [...values]);
    return { rows, count: rowCount ?? 0 };
  };
}

/**
 * What an error says about its statement.
 * - answer: for the caller to handle: a fault of this program, or of the database for good.
 * - refused: not applied, and would be refused again: permission, credentials, the table is not there.
 * - contended: not applied, but may go through at once: a deadlock, a conflict, a lock that another holds.
 * - hindered: not applied, but may go through later or on another connection: no connection, a standby, a timeout of the server.
 * - lost: applied or not, or yet to be applied: the connection broke, no answer in time, a fault of the server.
 */
type Verdict = "answer" | "refused" | "contended" | "hindered" | "lost";

/** SQLSTATEs, or the classes that are their first two characters (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  "40001": "contended",
  "40P01": "contended",
  "55P03": "contended",
  // A standby's answers to a write and to pg_current_wal_lsn().
  "25006": "hindered",
  "55000": "hindered",
  // The statement timeout, or an operator.
  "57014": "hindered",
  "53": "hindered",
  // Where the disk that is full is that of the log, nobody knows what is in it.
  "53100": "lost",
  "08": "lost",
  "57": "lost",
  "58": "lost",
  XX: "lost",
  "28": "refused",
  "3D": "refused",
  "3F": "refused",
  "42501": "refused",
  "42P01": "refused",
};

function judge(error: unknown): Verdict {
  if (error instanceof StateDatabaseError) return "answer";
  if (!(error instanceof DatabaseError)) return "lost";
  const code = codeOf(error);
  return VERDICTS[code] ?? VERDICTS[code.slice(0, 2)] ?? "answer";
}

/** How poolers that do not know a setting refuse it: protocol_violation, feature_not_supported. */
const REFUSES_SETTINGS: readonly string[] = ["08P01", "0A000"];

/** Without a connection nothing was applied; what says that there will be none is not waited for. */
function judgeConnecting(error: unknown): Verdict {
  const certificate = /CERT|TLS|SSL|VERIFY/.test(codeOf(error));
  return certificate || (error instanceof DatabaseError && ["refused", "answer"].includes(judge(error))) ? "refused" : "hindered";
}

/** An SQLSTATE or a code of Node. */
function codeOf(error: unknown): string {
  return (error as { readonly code?: string }).code ?? "";
}

function failure(verdict: Verdict, cause: unknown): Error {
  if (verdict === "lost") return new Lost("a statement has no known outcome", { cause });
  return new Unavailable("the state database cannot be used at the moment", { cause });
}
