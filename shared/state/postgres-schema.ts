import { type Connection, connect, type PostgresOptions, type Run, transact } from "./postgres-connection.ts";
import { StateDatabaseError } from "./postgres-url.ts";
import { Unavailable } from "./store.ts";

/**
 * Each migration takes the schema from its index to the next version. Never change one that was released, and never take
 * away what the release before needs: it runs on while a new one is rolled out.
 *
 * A schema of its own keeps the tables apart from those of other programs, and from what Supabase publishes ("public").
 */
const MIGRATIONS = [
  `CREATE TABLE portico.records (
     kind text COLLATE "C" NOT NULL,
     owner text COLLATE "C" NOT NULL,
     id text COLLATE "C" NOT NULL,
     version text COLLATE "C" NOT NULL,
     expires_at bigint,
     value text NOT NULL,
     PRIMARY KEY (kind, owner, id)
   );
   CREATE INDEX records_expires_at ON portico.records (expires_at) WHERE expires_at IS NOT NULL;`,
];

/** Names the lock that processes migrating at the same time queue for: "Port", "ico". */
export const MIGRATION_LOCK = [0x506f7274, 0x69636f] as const;
/** PostgreSQL 13, the oldest release that is still in use with long-term distributions. */
const OLDEST_SERVER = 130_000;

/**
 * Makes sure that a database keeps the contract of a store, and brings its schema to this release's version.
 *
 * @throws {StateDatabaseError} naming the database and what is wrong.
 */
export async function prepareDatabase(connection: Connection): Promise<void> {
  try {
    await connection.repeat(async (run) => {
      const fault = await serverFault(run);
      if (fault !== undefined) throw new StateDatabaseError(fault);
      if ((await schemaVersion(run)) < MIGRATIONS.length) await transact(run, () => migrate(run));
    });
  } catch (error) {
    throw new StateDatabaseError(`${connection.name}: the state database cannot be used: ${reasonOf(error)}`, { cause: error });
  }
}

async function migrate(run: Run): Promise<void> {
  await run("SELECT pg_advisory_xact_lock($1, $2)", MIGRATION_LOCK);
  // Read again under the lock: another process may have migrated meanwhile.
  const version = await schemaVersion(run);
  if (version === 0) {
    // A role that may make no schema may have been given an empty one.
    if (await isAbsent(run, SCHEMA)) await run("CREATE SCHEMA portico");
    await run("CREATE TABLE portico.schema_version (version integer NOT NULL)");
    await run("INSERT INTO portico.schema_version VALUES (0)");
  }
  for (const migration of MIGRATIONS.slice(version)) await run(migration);
  await run("UPDATE portico.schema_version SET version = $1", [MIGRATIONS.length]);
}

/** The version of the schema, 0 when there is none, unless this release does not know it. */
async function schemaVersion(run: Run): Promise<number> {
  if (await isAbsent(run, VERSION_TABLE)) return 0;
  const { rows } = await run<{ version: number }>("SELECT version FROM portico.schema_version");
  const version = rows[0]?.version ?? 0;
  if (version <= MIGRATIONS.length) return version;
  throw new StateDatabaseError(
    `its schema has version ${version} and this release knows ${MIGRATIONS.length}; run the release that wrote it or a newer one`,
  );
}

// Not to_regclass(): a session that waited for the migration lock may still remember that there was no such table.
const SCHEMA = "SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'portico'";
const VERSION_TABLE = `SELECT FROM pg_catalog.pg_class WHERE relname = 'schema_version'
  AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'portico')`;

async function isAbsent(run: Run, lookup: string): Promise<boolean> {
  return (await run(lookup)).rows.length === 0;
}

interface Server {
  readonly release: number;
  readonly standby: boolean;
  readonly readOnly: boolean;
  readonly encoding: string;
  readonly fsync: string;
  readonly commit: string;
}

const SERVER = `SELECT current_setting('server_version_num')::integer AS release, pg_is_in_recovery() AS standby,
  current_setting('transaction_read_only') = 'on' AS "readOnly", current_setting('server_encoding') AS encoding,
  current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit`;

/** Why a server cannot keep the contract; undefined when it can. */
async function serverFault(run: Run): Promise<string | undefined> {
  const server = (await run<Server>(SERVER)).rows[0];
  if (!server) return "it does not tell its settings";
  if (server.release < OLDEST_SERVER) return `it is older than PostgreSQL ${OLDEST_SERVER / 10_000}`;
  if (server.standby) return "it is a standby; name the primary";
  if (server.readOnly) return "it takes no writes (default_transaction_read_only is on)";
  if (server.encoding !== "UTF8") return `its encoding is ${server.encoding}; make it with ENCODING 'UTF8'`;
  if (server.commit === "off") return "synchronous_commit is off: a crash would undo what was acknowledged, such as a code's use";
  if (server.fsync === "off") return "fsync is off: a crash would undo what was acknowledged, such as a code's use";
  return undefined;
}

/** One property of the database. */
export interface DatabaseCheck {
  readonly name: string;
  /** Absent when it holds. */
  readonly fault?: string;
}

/**
 * Says whether a database is fit for state, and changes nothing in it: connection, server, schema, permissions, indexes.
 * Ends with the first that is not fit, because what comes after it depends on it.
 *
 * @throws {StateDatabaseError} when the URL cannot be used.
 */
export async function checkPostgres(url: string, options?: PostgresOptions): Promise<readonly DatabaseCheck[]> {
  const connection = connect(url, options);
  const checks: DatabaseCheck[] = [];
  try {
    for (const [name, faultOf] of Object.entries(CHECKS)) {
      const fault = await connection.repeat(faultOf).catch(reasonOf);
      checks.push(fault === undefined ? { name } : { name, fault });
      if (fault !== undefined) break;
    }
    return checks;
  } finally {
    await connection.close();
  }
}

const CHECKS: Readonly<Record<string, (run: Run) => Promise<string | undefined>>> = {
  async connection(run) {
    await run("SELECT 1");
    return undefined;
  },
  server: serverFault,
  async schema(run) {
    const version = await schemaVersion(run);
    if (version === MIGRATIONS.length) return undefined;
    const wanted = `the schema has version ${version}, and this release brings it to ${MIGRATIONS.length} when it starts`;
    return `${wanted}; start it once with a role that may do that`;
  },
  async permissions(run) {
    const { rows } = await run<{ missing: string }>(
      `SELECT privilege AS missing FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
         WHERE NOT has_table_privilege('portico.records', privilege)`,
    );
    return rows.length === 0 ? undefined : `the role needs ${rows.map(({ missing }) => missing).join(", ")} on portico.records`;
  },
  async indexes(run) {
    const { rows } = await run<{ name: string }>(
      `SELECT name FROM unnest(ARRAY['records_pkey', 'records_expires_at']) AS name
         WHERE NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('portico.' || name) AND indisvalid)`,
    );
    return rows.length === 0 ? undefined : `missing or not valid: ${rows.map(({ name }) => name).join(", ")}`;
  },
};

/** The database's own words, and what an operator can do where they do not say it. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Unavailable ? (error.cause ?? error) : error;
  const { message, code } = cause as { readonly message: string; readonly code?: string };
  return `${message || code}${ADVICE.find(({ when }) => when.test(`${code} ${message}`))?.advice ?? ""}`;
}

const ADVICE: readonly { readonly when: RegExp; readonly advice: string }[] = [
  {
    when: /^42501 .*for database/,
    advice: "; give the role CREATE on the database, or an empty schema portico of its own, for the first start",
  },
  { when: /^42501 /, advice: "; give the role USAGE on the schema portico and SELECT, INSERT, UPDATE, DELETE on its tables" },
  { when: /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO)/, advice: "; add sslrootcert=FILE with the authority of its certificate to the URL" },
  { when: /does not support SSL/, advice: "; in a network of your own say sslmode=disable" },
];
