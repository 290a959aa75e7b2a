import { ConditionalCheckFailedException, DeleteItemCommand, QueryCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import type { Connection } from "./dynamodb-client.ts";
import { IS_EXPIRED, IS_LIVE, type Item, keyOf, numeric, partitionOf, placeOf, prefixOf, rowOf } from "./dynamodb-items.ts";
import type { Driver, DumpedRow, Exporter, Position, Row } from "./store.ts";

/** The least number of records to look at where expired ones left a page too short. */
const NEXT_PAGE = 100;
/** What one sweep looks at, in pages of 1 MB; each costs 256 read units at most. */
const SWEEP_PAGES = 16;
const DELETES_AT_ONCE = 10;

/** The operations on many records. */
export function createPages(connection: Connection): Pick<Driver, "list" | "scan" | "sweep"> & Exporter {
  const { table } = connection;

  async function list(kind: string, owner: string, after: string | undefined, limit: number, now: number): Promise<Row[]> {
    if (owner === "") throw new RangeError("records without an owner are spread over the table: they can be scanned, not listed");
    return collect(limit, undefined, (start) =>
      connection.repeat((client, options) =>
        client.send(
          new QueryCommand({
            TableName: table,
            ConsistentRead: true,
            KeyConditionExpression: after === undefined ? "pk = :pk" : "pk = :pk AND sk > :after",
            FilterExpression: IS_LIVE,
            ExpressionAttributeValues: {
              ":pk": { S: partitionOf(kind, owner) },
              ":now": numeric(now),
              ...(after === undefined ? {} : { ":after": { S: placeOf(after) } }),
            },
            Limit: start ? Math.max(limit, NEXT_PAGE) : limit,
            ExclusiveStartKey: start,
          }),
          options,
        ),
      ),
    );
  }

  async function scan(kind: string, after: Position | undefined, limit: number, now: number): Promise<Row[]> {
    return collect(limit, after && keyOf(kind, after.owner, after.id), (start) =>
      connection.repeat((client, options) =>
        client.send(
          new ScanCommand({
            TableName: table,
            // So that an export has all that was acknowledged before it began.
            ConsistentRead: true,
            FilterExpression: `begins_with(pk, :kind) AND ${IS_LIVE}`,
            ExpressionAttributeValues: { ":kind": { S: prefixOf(kind) }, ":now": numeric(now) },
            ExclusiveStartKey: start,
          }),
          options,
        ),
      ),
    );
  }

  async function dump(cursor: string | undefined, limit: number, now: number): Promise<{ rows: DumpedRow[]; cursor?: string }> {
    const page = await connection.repeat((client, options) =>
      client.send(
        new ScanCommand({
          TableName: table,
          ConsistentRead: true,
          FilterExpression: IS_LIVE,
          ExpressionAttributeValues: { ":now": numeric(now) },
          Limit: limit,
          ExclusiveStartKey: cursor === undefined ? undefined : JSON.parse(cursor),
        }),
        options,
      ),
    );
    const next = page.LastEvaluatedKey && JSON.stringify(page.LastEvaluatedKey);
    return next === undefined ? { rows: rowsOf(page) } : { rows: rowsOf(page), cursor: next };
  }

  /** Where the next sweep goes on; at the start of the table when it is not set. */
  let position: Item | undefined;

  /**
   * Looks at a part of the table and goes on from there at the next call. DynamoDB's own time to live deletes the same
   * records for nothing, within days: to sweep often is worth its price only where that is not to be had.
   */
  async function sweep(limit: number, now: number): Promise<number> {
    let fromStart = position === undefined;
    let swept = 0;
    for (let page = 0; page < SWEEP_PAGES; page++) {
      let { keys, next } = await expiredFrom(position, now);
      while (keys.length > 0) {
        const batch = keys.slice(0, Math.min(DELETES_AT_ONCE, limit - swept));
        swept += (await Promise.all(batch.map((key) => remove(key, now)))).filter(Boolean).length;
        position = batch.at(-1);
        if (swept >= limit) return swept;
        keys = keys.slice(batch.length);
      }
      position = next;
      if (position === undefined) {
        if (fromStart) break;
        fromStart = true;
      }
    }
    return swept;
  }

  async function expiredFrom(start: Item | undefined, now: number): Promise<{ keys: readonly Item[]; next: Item | undefined }> {
    const { Items: keys = [], LastEvaluatedKey: next } = await connection.repeat((client, options) =>
      client.send(
        new ScanCommand({
          TableName: table,
          ConsistentRead: true,
          FilterExpression: IS_EXPIRED,
          ProjectionExpression: "pk, sk",
          ExpressionAttributeValues: { ":now": numeric(now) },
          ExclusiveStartKey: start,
        }),
        options,
      ),
    );
    return { keys, next };
  }

  /** True if the record was there and had expired; one that was made anew since it was found stays. */
  async function remove(key: Item, now: number): Promise<boolean> {
    try {
      await connection.repeat((client, options) =>
        client.send(
          new DeleteItemCommand({
            TableName: table,
            Key: key,
            ConditionExpression: IS_EXPIRED,
            ExpressionAttributeValues: { ":now": numeric(now) },
          }),
          options,
        ),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  return { list, scan, dump, sweep, isSweepUnfinished: () => position !== undefined };
}

interface ItemPage {
  readonly Items?: readonly Item[] | undefined;
  readonly LastEvaluatedKey?: Item | undefined;
}

function rowsOf({ Items: items = [] }: ItemPage): DumpedRow[] {
  return items.map(rowOf).filter((row) => row !== undefined);
}

/** Asks for pages until there are enough rows: DynamoDB ends a page at 1 MB and filters after it counted. */
async function collect(limit: number, from: Item | undefined, ask: (start: Item | undefined) => Promise<ItemPage>): Promise<Row[]> {
  const rows: Row[] = [];
  let start = from;
  do {
    const page = await ask(start);
    rows.push(...rowsOf(page));
    start = page.LastEvaluatedKey;
  } while (start && rows.length < limit);
  return rows.slice(0, limit);
}
