import { coalesceGets, type ReadMany } from "./coalesce.ts";
import { type Connection, connect, type PostgresOptions } from "./postgres-connection.ts";
import { prepareDatabase } from "./postgres-schema.ts";
import { type Driver, type DumpedRow, type Exporter, Lost, type Row, Unavailable } from "./store.ts";

/**
 * Opens state in a PostgreSQL database, `postgres://…` or `postgresql://…`. What it needs is made in the schema `portico`
 * at the first start; later the role needs no more than to read and write the tables there. A write is on the server's
 * disk when its promise resolves.
 *
 * @throws {StateDatabaseError} when the database cannot be used, is a standby or was written by a newer release.
 */
export async function openPostgres(url: string, options?: PostgresOptions): Promise<Driver & Exporter> {
  const connection = connect(url, options);
  try {
    await prepareDatabase(connection);
    return coalesceGets(createDriver(connection), createReadMany(connection));
  } catch (error) {
    await connection.close();
    throw error;
  }
}

const KEY = "kind = $1 AND owner = $2 AND id = $3";
const ROW = `owner, id, value, version, expires_at AS "expiresAt"`;
/**
 * Fails on a standby, whose rows may be old, whether or not there is a row: at each read, because a pooler or a failover may
 * put another server behind a connection at any time.
 */
const ON_PRIMARY = "(SELECT pg_catalog.pg_current_wal_lsn()) IS NOT NULL";
const INSERT = `INSERT INTO portico.records AS old (kind, owner, id, version, expires_at, value)
  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, owner, id) DO UPDATE SET version = excluded.version`;

const GET = `SELECT ${ROW} FROM portico.records WHERE ${KEY} AND (expires_at IS NULL OR expires_at > $4) AND ${ON_PRIMARY}`;
const CREATE = `${INSERT}, expires_at = excluded.expires_at, value = excluded.value WHERE old.expires_at <= $7`;
const REPLACE = `UPDATE portico.records SET version = $4, expires_at = $5, value = $6
  WHERE ${KEY} AND version = $7 AND (expires_at IS NULL OR expires_at > $8)`;
const TAKE = `DELETE FROM portico.records WHERE ${KEY} AND (expires_at IS NULL OR expires_at > $4) RETURNING ${ROW}`;
const INCREMENT = `${INSERT},
  expires_at = CASE WHEN old.expires_at <= $7 THEN excluded.expires_at ELSE old.expires_at END,
  value = (CASE WHEN old.expires_at <= $7 THEN 0 ELSE old.value::numeric END + excluded.value::numeric)::text
  RETURNING value`;
const STORED = `SELECT version, value FROM portico.records WHERE ${KEY} AND ${ON_PRIMARY}`;
const LIST = `SELECT ${ROW} FROM portico.records
  WHERE kind = $1 AND owner = $2 AND id > $3 AND (expires_at IS NULL OR expires_at > $4) AND ${ON_PRIMARY} ORDER BY id LIMIT $5`;
const SCAN = `SELECT ${ROW} FROM portico.records
  WHERE kind = $1 AND (owner, id) > ($2, $3) AND (expires_at IS NULL OR expires_at > $4) AND ${ON_PRIMARY} ORDER BY owner, id LIMIT $5`;
const DUMP = `SELECT kind, ${ROW} FROM portico.records
  WHERE (kind, owner, id) > ($1, $2, $3) AND (expires_at IS NULL OR expires_at > $4) AND ${ON_PRIMARY} ORDER BY kind, owner, id LIMIT $5`;
// What another statement has locked is left for the next time: nobody waits for a sweep, and two of them share the work.
const SWEEP = `DELETE FROM portico.records WHERE expires_at <= $1 AND ctid = ANY (ARRAY(
  SELECT ctid FROM portico.records WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))`;

const GET_MANY = `SELECT asked.place, ${ROW} FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS asked (kind, owner, id, place)
  JOIN portico.records USING (kind, owner, id) WHERE (expires_at IS NULL OR expires_at > $4) AND ${ON_PRIMARY}`;

/** How often a write may be sent in one operation. */
const ROUNDS = 3;

/**
 * Every operation is one statement, which PostgreSQL runs as a transaction of its own. Under READ COMMITTED a write that
 * waited for another one judges its conditions again by what that one left; a stricter default level makes it fail
 * instead, and then it is sent again.
 */
function createDriver(connection: Connection): Driver & Exporter {
  const read = async <R extends object>(text: string, values: readonly unknown[]) =>
    (await connection.repeat((run) => run<R>(text, values))).rows;

  /** The record after a write whose outcome got lost, expired or not, if that write made it what it is. */
  async function written(kind: string, { owner, id, version }: Omit<Row, "value">, lost: Lost) {
    const [stored] = await read<Pick<Row, "version" | "value">>(STORED, [kind, owner, id]);
    if (stored?.version === version) return stored;
    throw unknown(lost.cause);
  }

  return {
    async get(kind, owner, id, now) {
      return (await read<Row>(GET, [kind, owner, id, now]))[0];
    },

    async create(kind, row, now) {
      const sent = await outcome(connection.once(CREATE, [kind, row.owner, row.id, row.version, row.expiresAt, row.value, now]));
      if (!(sent instanceof Lost)) return sent.count === 1;
      // Not to be sent again, even where nothing is found: another may have taken the record, and may take it only once.
      await written(kind, row, sent);
      return true;
    },

    async replace(kind, row, expected, now) {
      const values = [kind, row.owner, row.id, row.version, row.expiresAt, row.value, expected, now];
      let lost: Lost | undefined;
      for (let round = 0; round < ROUNDS; round++) {
        const sent = await outcome(connection.once(REPLACE, values));
        if (!(sent instanceof Lost)) {
          if (sent.count === 1) return true;
          if (!lost) return false;
          await written(kind, row, lost);
          return true;
        }
        lost = sent;
        const [stored] = await read<Row>(STORED, [kind, row.owner, row.id]);
        if (stored?.version === row.version) return true;
        // No version comes back, so that at most one of the attempts can still be applied.
        if (stored?.version !== expected) break;
      }
      throw unknown(lost?.cause);
    },

    async take(kind, owner, id, now) {
      const sent = await outcome(connection.once<Row>(TAKE, [kind, owner, id, now]));
      // A record that is gone does not tell who took it.
      if (sent instanceof Lost) throw unknown(sent.cause);
      return sent.rows[0];
    },

    async increment(kind, row, by, now) {
      const values = [kind, row.owner, row.id, row.version, row.expiresAt, String(by), now];
      const sent = await outcome(connection.once<Pick<Row, "value">>(INCREMENT, values));
      // Not to be sent again: a limit must not count one event twice.
      return Number((sent instanceof Lost ? await written(kind, row, sent) : sent.rows[0])?.value);
    },

    // No id holds U+0000, which PostgreSQL has no place for: what is after "a\0…" is what is after "a".
    list: (kind, owner, after = "", limit, now) => read<Row>(LIST, [kind, owner, after.split("\0", 1)[0], now, limit]),

    scan: (kind, after = { owner: "", id: "" }, limit, now) => read<Row>(SCAN, [kind, after.owner, after.id, now, limit]),

    async dump(cursor, limit, now) {
      const after = cursor === undefined ? ["", "", ""] : (JSON.parse(cursor) as string[]);
      const rows = await read<DumpedRow>(DUMP, [...after, now, limit]);
      const last = rows.length === limit ? rows.at(-1) : undefined;
      return last ? { rows, cursor: JSON.stringify([last.kind, last.owner, last.id]) } : { rows };
    },

    async sweep(limit, now) {
      return (await connection.repeat((run) => run(SWEEP, [now, limit]))).count;
    },

    close: () => connection.close(),
  };
}

/** Turns `Lost` into a value, because it is where every write goes on. */
function outcome<T>(sent: Promise<T>): Promise<T | Lost> {
  return sent.catch((error: unknown) => {
    if (error instanceof Lost) return error;
    throw error;
  });
}

function unknown(cause: unknown): Unavailable {
  return new Unavailable("the state database did not say what became of a write", { cause });
}

function createReadMany(connection: Connection): ReadMany {
  return async (places, now) => {
    const values = [places.map(({ kind }) => kind), places.map(({ owner }) => owner), places.map(({ id }) => id), now];
    const { rows } = await connection.repeat((run) => run<Row & { readonly place: string | number }>(GET_MANY, values));
    const found = new Map(rows.map(({ place, ...row }) => [Number(place), row]));
    return places.map((_, index) => found.get(index + 1));
  };
}
