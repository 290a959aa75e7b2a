import { BatchGetItemCommand } from "@aws-sdk/client-dynamodb";
import type { ReadMany } from "./coalesce.ts";
import type { Connection } from "./dynamodb-client.ts";
import { type Item, keyOf, rowOf } from "./dynamodb-items.ts";
import type { Row } from "./store.ts";

/** Reads several items in one request, each as it is at the time. */
export function createBatchReader({ table, repeat }: Connection): ReadMany {
  async function read(keys: readonly Item[]): Promise<Item[]> {
    const items: Item[] = [];
    let missing = [...keys];
    // What a throttled answer leaves out is asked for again as a throttled request is: later, and not for ever.
    await repeat(async (client, options) => {
      const RequestItems = { [table]: { Keys: missing, ConsistentRead: true } };
      const answer = await client.send(new BatchGetItemCommand({ RequestItems }), options);
      items.push(...(answer.Responses?.[table] ?? []));
      missing = answer.UnprocessedKeys?.[table]?.Keys ?? [];
      if (missing.length > 0) throw new Error("the state table left out a part of its answer");
    });
    return items;
  }

  return async (places, now) => {
    const items = await read(places.map(({ kind, owner, id }) => keyOf(kind, owner, id)));
    const rows = new Map<string, Row>();
    for (const item of items) {
      const row = rowOf(item);
      if (row && (row.expiresAt === null || row.expiresAt > now)) rows.set(JSON.stringify([row.kind, row.owner, row.id]), row);
    }
    return places.map(({ kind, owner, id }) => rows.get(JSON.stringify([kind, owner, id])));
  };
}
