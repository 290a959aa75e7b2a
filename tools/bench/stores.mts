import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DeleteTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { Pool } from "pg";
import { z } from "zod";
import { createLog } from "../../shared/log.ts";
import { openDynamo } from "../../shared/state/dynamodb.ts";
import { createTable } from "../../shared/state/dynamodb-table.ts";
import { openPostgres } from "../../shared/state/postgres.ts";
import { openSqlite } from "../../shared/state/sqlite.ts";
import { type Driver, openStore } from "../../shared/state/store.ts";
import { startDynalite } from "./dynalite.mts";
import { median } from "./scenario.mts";

/** The median operations a second of one store, and of the bare library that does the same work on the same database. */
export interface StoreMeasure {
  readonly store: string;
  readonly portico: number;
  readonly bare: number;
  /** The median over the rounds of portico / bare: each round compares its own two. */
  readonly ratio: number;
}

/** Creates a record, reads it, replaces it by the version read and increments a counter: {@link OPERATIONS} operations. */
type Cycle = (id: string) => Promise<void>;

interface Contest {
  readonly portico: Cycle;
  readonly bare: Cycle;
  close(): Promise<void>;
}

const OPERATIONS = 4;
/** How many cycles are under way at once. */
const CONCURRENCY = 8;
const HOUR = 3_600_000;
const VALUE = { text: "x".repeat(200) };
const TEXT = JSON.stringify(VALUE);
const RECORD = { name: "bench-record", codec: z.strictObject({ text: z.string() }) };
const COUNTER = { name: "bench-counter", codec: z.number() };
const [BARE_RECORD, BARE_COUNTER] = ["bench-bare-record", "bench-bare-counter"];

/**
 * Measures every store that can be had: SQLite in a folder of its own, DynamoDB at the endpoint BENCH_DYNAMODB_URL (a table
 * of its own) or else in dynalite, PostgreSQL in the database BENCH_POSTGRES_URL or else not at all. dynalite runs in this
 * process, so that most of what is measured there is dynalite.
 *
 * @param say Is told which store is left out and why.
 */
export async function measureStores(rounds: number, seconds: number, say: (line: string) => void): Promise<StoreMeasure[]> {
  const measures = [await compete("SQLite", await openSqliteContest(), rounds, seconds)];
  const endpoint = process.env["BENCH_DYNAMODB_URL"];
  const dynalite = endpoint ? undefined : await startDynalite();
  try {
    const contest = await openDynamoContest(endpoint || dynalite?.endpoint || "");
    measures.push(await compete(dynalite ? "DynamoDB (dynalite)" : "DynamoDB", contest, rounds, seconds));
  } finally {
    await dynalite?.close();
  }
  const url = process.env["BENCH_POSTGRES_URL"];
  if (!url) say("PostgreSQL is left out: BENCH_POSTGRES_URL names no database (postgres://…)");
  else measures.push(await compete("PostgreSQL", await openPostgresContest(url), rounds, seconds));
  return measures;
}

async function compete(store: string, contest: Contest, rounds: number, seconds: number): Promise<StoreMeasure> {
  try {
    for (const cycle of [contest.portico, contest.bare]) await rateOf(cycle, Math.min(1, seconds));
    const rates: { readonly portico: number; readonly bare: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const rate = { portico: 0, bare: 0 };
      // Each goes first as often as the other: the database grows, and who comes second may find it warmer.
      const order = round % 2 === 0 ? (["portico", "bare"] as const) : (["bare", "portico"] as const);
      for (const name of order) rate[name] = await rateOf(contest[name], seconds);
      rates.push(rate);
    }
    return {
      store,
      portico: median(rates.map(({ portico }) => portico)),
      bare: median(rates.map(({ bare }) => bare)),
      ratio: median(rates.map(({ portico, bare }) => portico / bare)),
    };
  } finally {
    await contest.close();
  }
}

/** Operations a second. */
async function rateOf(cycle: Cycle, seconds: number): Promise<number> {
  const start = performance.now();
  const end = start + seconds * 1000;
  let cycles = 0;
  async function work(): Promise<void> {
    while (performance.now() < end) {
      await cycle(randomBytes(12).toString("base64url"));
      cycles++;
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return (cycles * OPERATIONS) / ((performance.now() - start) / 1000);
}

/** The work through the contract, the same for every driver. */
function porticoCycle(driver: Driver): Cycle {
  const store = openStore(driver, { clock: Date.now, log: createLog("error", 2) });
  return async (id) => {
    const [key, expiresAt] = [{ id, owner: "bench" }, Date.now() + HOUR];
    assertTrue(await store.create(RECORD, key, VALUE, expiresAt));
    const read = await store.get(RECORD, key);
    assertTrue(await store.replace(RECORD, key, read?.version ?? "", VALUE, expiresAt));
    assertTrue((await store.increment(COUNTER, { id: id.slice(0, 1) }, 1, expiresAt)) > 0);
  };
}

/** A rate of operations that did nothing would be worth nothing. */
function assertTrue(done: boolean | undefined): void {
  if (!done) throw new Error("an operation did not do its work");
}

async function openSqliteContest(): Promise<Contest> {
  const folder = mkdtempSync(join(tmpdir(), "portico-bench-"));
  const file = join(folder, "bare.db");
  const driver = await openSqlite(join(folder, "portico.db"));
  await (await openSqlite(file)).close();
  const database = new DatabaseSync(file);
  database.exec("PRAGMA synchronous = FULL");
  const upsert = "INSERT INTO records (kind, owner, id, version, expires_at, value) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET";
  const create = database.prepare(`${upsert} version = excluded.version, value = excluded.value WHERE records.expires_at <= ?`);
  const get = database.prepare("SELECT version, value, expires_at FROM records WHERE kind = ? AND owner = ? AND id = ? AND expires_at > ?");
  const replace = database.prepare(
    "UPDATE records SET version = ?, expires_at = ?, value = ? WHERE kind = ? AND owner = ? AND id = ? AND version = ? AND expires_at > ?",
  );
  const increment = database.prepare(`${upsert} version = excluded.version, value = records.value + excluded.value RETURNING value`);
  return {
    portico: porticoCycle(driver),
    async bare(id) {
      const now = Date.now();
      assertTrue(create.run(BARE_RECORD, "bench", id, newVersion(), now + HOUR, TEXT, now).changes === 1);
      const read = get.get(BARE_RECORD, "bench", id, now)?.["version"] ?? "";
      assertTrue(replace.run(newVersion(), now + HOUR, TEXT, BARE_RECORD, "bench", id, read, now).changes === 1);
      assertTrue(increment.all(BARE_COUNTER, "", id.slice(0, 1), newVersion(), now + HOUR, "1").length === 1);
    },
    async close() {
      await driver.close();
      database.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function openDynamoContest(endpoint: string): Promise<Contest> {
  const TableName = `portico-bench-${randomBytes(6).toString("hex")}`;
  const region = process.env["AWS_REGION"] ?? "us-east-1";
  const stateUrl = `dynamodb://${TableName}?${new URLSearchParams({ region, endpoint })}`;
  await createTable(stateUrl);
  const driver = await openDynamo(stateUrl);
  const local = { credentials: { accessKeyId: "local", secretAccessKey: "local" } };
  const stranger = endpoint.startsWith("http:") && !process.env["AWS_ACCESS_KEY_ID"];
  const client = new DynamoDBClient({ endpoint, region, maxAttempts: 1, ...(stranger ? local : {}) });
  const expiry = (now: number) => ({ expires_ms: { N: `${now + HOUR}` }, expires_s: { N: `${Math.ceil((now + HOUR) / 1000)}` } });
  return {
    portico: porticoCycle(driver),
    async bare(id) {
      const now = Date.now();
      const Key = { pk: { S: `${BARE_RECORD}/of/bench` }, sk: { S: `=${id}` } };
      const item = () => ({ ...Key, content: { S: TEXT }, write_id: { S: newVersion() }, ...expiry(now) });
      await client.send(
        new PutItemCommand({
          TableName,
          Item: item(),
          ConditionExpression: "attribute_not_exists(pk) OR expires_ms <= :now",
          ExpressionAttributeValues: { ":now": { N: `${now}` } },
        }),
      );
      const { Item: read } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
      await client.send(
        new PutItemCommand({
          TableName,
          Item: item(),
          ConditionExpression: "write_id = :expected AND expires_ms > :now",
          ExpressionAttributeValues: { ":expected": read?.["write_id"] ?? { S: "" }, ":now": { N: `${now}` } },
        }),
      );
      const { Attributes } = await client.send(
        new UpdateItemCommand({
          TableName,
          Key: { pk: { S: `${BARE_COUNTER}/id/${id.slice(0, 1)}` }, sk: { S: `=${id.slice(0, 1)}` } },
          UpdateExpression: "SET write_id = :version, expires_ms = if_not_exists(expires_ms, :expires) ADD content :by",
          ConditionExpression: "attribute_not_exists(pk) OR expires_ms > :now",
          ExpressionAttributeValues: {
            ":version": { S: newVersion() },
            ":expires": { N: `${now + HOUR}` },
            ":by": { N: "1" },
            ":now": { N: `${now}` },
          },
          ReturnValues: "UPDATED_NEW",
        }),
      );
      assertTrue(Number(Attributes?.["content"]?.N) > 0);
    },
    async close() {
      await driver.close();
      await client.send(new DeleteTableCommand({ TableName }));
      client.destroy();
    },
  };
}

async function openPostgresContest(url: string): Promise<Contest> {
  const driver = await openPostgres(url);
  const pool = new Pool({ connectionString: url, max: 10 });
  const upsert = `INSERT INTO portico.records AS old (kind, owner, id, version, expires_at, value) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (kind, owner, id) DO UPDATE SET version = excluded.version`;
  const create = `${upsert}, expires_at = excluded.expires_at, value = excluded.value WHERE old.expires_at <= $7`;
  const get = "SELECT version, value, expires_at FROM portico.records WHERE kind = $1 AND owner = $2 AND id = $3 AND expires_at > $4";
  const replace = `UPDATE portico.records SET version = $4, expires_at = $5, value = $6
    WHERE kind = $1 AND owner = $2 AND id = $3 AND version = $7 AND expires_at > $8`;
  const increment = `${upsert}, value = (old.value::numeric + excluded.value::numeric)::text RETURNING value`;
  return {
    portico: porticoCycle(driver),
    async bare(id) {
      const now = Date.now();
      const key = [BARE_RECORD, "bench", id];
      assertTrue((await pool.query(create, [...key, newVersion(), now + HOUR, TEXT, now])).rowCount === 1);
      const read = (await pool.query<{ version: string }>(get, [...key, now])).rows[0]?.version;
      assertTrue((await pool.query(replace, [...key, newVersion(), now + HOUR, TEXT, read, now])).rowCount === 1);
      assertTrue((await pool.query(increment, [BARE_COUNTER, "", id.slice(0, 1), newVersion(), now + HOUR, "1"])).rowCount === 1);
    },
    async close() {
      await driver.close();
      await pool.query("DELETE FROM portico.records WHERE kind = ANY($1)", [[RECORD.name, COUNTER.name, BARE_RECORD, BARE_COUNTER]]);
      await pool.end();
    },
  };
}

function newVersion(): string {
  return randomBytes(12).toString("base64url");
}
