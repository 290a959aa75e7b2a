import { ConditionalCheckFailedException, DeleteItemCommand } from "@aws-sdk/client-dynamodb";
import { coalesceGets } from "./coalesce.ts";
import { createBatchReader } from "./dynamodb-batch.ts";
import { type Connection, connect, type DynamoOptions, describeFault, StateTableError } from "./dynamodb-client.ts";
import { IS_ABSENT, IS_EXPIRED, IS_LIVE, keyOf, numeric, rowOf, versionOf } from "./dynamodb-items.ts";
import { createPages } from "./dynamodb-pages.ts";
import { add, itemAt, put } from "./dynamodb-writes.ts";
import { type Driver, type Exporter, Lost, Unavailable } from "./store.ts";

/**
 * Opens state in a DynamoDB table, `dynamodb://TABLE?region=…&endpoint=…`. One record is one item, and each operation
 * is one request unless something goes wrong, a page is larger than 1 MB, or expired records lie in the way. A global
 * table will do only if all replicas of the service use one region of it.
 *
 * @throws {StateTableError} when the table cannot be read or was not made for this.
 */
export async function openDynamo(url: string, options?: DynamoOptions): Promise<Driver & Exporter> {
  const connection = await connect(url, options);
  try {
    await itemAt(connection, keyOf("open", "", "open"));
    return coalesceGets(createDriver(connection), createBatchReader(connection));
  } catch (error) {
    connection.close();
    throw new StateTableError(`${connection.table}: the state table cannot be used: ${describeFault(error)}`, { cause: error });
  }
}

/** How often one operation may send a write that did not fit between those of others. */
const ROUNDS = 3;

function createDriver(connection: Connection): Driver & Exporter {
  return {
    async get(kind, owner, id, now) {
      const item = await itemAt(connection, keyOf(kind, owner, id));
      const row = item && rowOf(item);
      return row && (row.expiresAt === null || row.expiresAt > now) ? row : undefined;
    },

    async create(kind, row, now) {
      const written = await put(connection, kind, row, `${IS_ABSENT} OR ${IS_EXPIRED}`, { ":now": numeric(now) });
      // Not sent again, even where nothing is found: someone may have taken the record, and must not get it twice.
      if (written.outcome === "unknown") throw unknown(written.cause);
      return written.outcome === "applied";
    },

    async replace(kind, row, expected, now) {
      const values = { ":expected": { S: expected }, ":now": numeric(now) };
      let lost: unknown;
      for (let round = 0; round < ROUNDS; round++) {
        const written = await put(connection, kind, row, `write_id = :expected AND ${IS_LIVE}`, values);
        if (written.outcome === "applied") return true;
        if (written.outcome === "refused") {
          if (lost === undefined) return false;
          // An earlier round may have been applied late, and others may have gone on from there.
          if (versionOf(await itemAt(connection, keyOf(kind, row.owner, row.id))) === row.version) return true;
          break;
        }
        lost = written.cause;
        // Where nothing has changed yet it may be sent again: no version comes back, so one round at most is applied.
        if (versionOf(written.found) !== expected) break;
      }
      throw unknown(lost);
    },

    async take(kind, owner, id, now) {
      try {
        const { Attributes } = await connection.once((client, options) =>
          client.send(
            new DeleteItemCommand({
              TableName: connection.table,
              Key: keyOf(kind, owner, id),
              ConditionExpression: `${IS_ABSENT} OR ${IS_LIVE}`,
              ExpressionAttributeValues: { ":now": numeric(now) },
              ReturnValues: "ALL_OLD",
            }),
            options,
          ),
        );
        return Attributes && rowOf(Attributes);
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return undefined;
        // Nothing to look up: a record that is gone does not tell who took it, and one that is there may go yet.
        throw error instanceof Lost ? unknown(error.cause) : error;
      }
    },

    async increment(kind, row, by, now) {
      for (let round = 0; round < ROUNDS; round++) {
        const added = await add(connection, kind, row, by, now);
        if (added.outcome === "applied") return Number(added.item["content"]?.N);
        // Not sent again: a limit must not count one event twice.
        if (added.outcome === "unknown") throw unknown(added.cause);
        const anew = await put(connection, kind, { ...row, value: String(by) }, IS_EXPIRED, { ":now": numeric(now) });
        if (anew.outcome === "applied") return by;
        if (anew.outcome === "unknown") throw unknown(anew.cause);
      }
      throw new Unavailable("the counter expires faster than it can be counted");
    },

    ...createPages(connection),

    async close() {
      connection.close();
    },
  };
}

function unknown(cause: unknown): Unavailable {
  return new Unavailable("the state table did not say what became of a write", { cause });
}
