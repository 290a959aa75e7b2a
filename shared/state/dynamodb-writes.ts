import {
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandOutput,
  UpdateItemCommand,
  type UpdateItemCommandOutput,
} from "@aws-sdk/client-dynamodb";
import type { Connection, Request } from "./dynamodb-client.ts";
import { expiryOf, IS_ABSENT, IS_LIVE, type Item, itemOf, keyOf, numeric, versionOf } from "./dynamodb-items.ts";
import { Lost, type Row } from "./store.ts";

/** What became of a conditional write. */
export type Written =
  /** `item` has the attributes that an update changed, or all that were found afterwards. */
  | { readonly outcome: "applied"; readonly item: Item }
  | { readonly outcome: "refused" }
  | { readonly outcome: "unknown"; readonly found: Item | undefined; readonly cause: unknown };

/** The item under a key, live or not; strongly consistent. */
export async function itemAt(connection: Connection, key: Item): Promise<Item | undefined> {
  const { Item: item } = await connection.repeat((client, options) =>
    client.send(new GetItemCommand({ TableName: connection.table, Key: key, ConsistentRead: true }), options),
  );
  return item;
}

/** Writes a row over whatever is there, if `condition` holds. */
export function put(connection: Connection, kind: string, row: Row, condition: string, values: Item): Promise<Written> {
  return write(connection, keyOf(kind, row.owner, row.id), row.version, (client, options) =>
    client.send(
      new PutItemCommand({
        TableName: connection.table,
        Item: itemOf(kind, row),
        ConditionExpression: condition,
        ExpressionAttributeValues: values,
      }),
      options,
    ),
  );
}

const FIRST_EXPIRY = "expires_ms = if_not_exists(expires_ms, :expires_ms), expires_s = if_not_exists(expires_s, :expires_s)";

/** Adds to a counter that is absent or live; refused where it expired. */
export function add(connection: Connection, kind: string, row: Omit<Row, "value">, by: number, now: number): Promise<Written> {
  const key = keyOf(kind, row.owner, row.id);
  const { expires_ms, expires_s } = expiryOf(row.expiresAt);
  return write(connection, key, row.version, (client, options) =>
    client.send(
      new UpdateItemCommand({
        TableName: connection.table,
        Key: key,
        UpdateExpression: `SET write_id = :write_id, ${FIRST_EXPIRY} ADD content :by`,
        ConditionExpression: `${IS_ABSENT} OR ${IS_LIVE}`,
        ExpressionAttributeValues: {
          ":write_id": { S: row.version },
          ":expires_ms": expires_ms,
          ":expires_s": expires_s,
          ":by": numeric(by),
          ":now": numeric(now),
        },
        ReturnValues: "UPDATED_NEW",
      }),
      options,
    ),
  );
}

/**
 * Sends a conditional write once. Where its outcome got lost the record is read again: our own write id in it says that
 * the write was applied. Anything else says nothing, for it may have been written over, or be on its way still.
 */
async function write(
  connection: Connection,
  key: Item,
  version: string,
  request: Request<PutItemCommandOutput | UpdateItemCommandOutput>,
): Promise<Written> {
  try {
    const { Attributes: item = {} } = await connection.once(request);
    return { outcome: "applied", item };
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return { outcome: "refused" };
    if (!(error instanceof Lost)) throw error;
    const found = await itemAt(connection, key);
    return found && versionOf(found) === version ? { outcome: "applied", item: found } : { outcome: "unknown", found, cause: error.cause };
  }
}
