import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { DumpedRow, Row } from "./store.ts";

/**
 * How a record lies in the table.
 *
 * pk          "KIND/of/OWNER": all records of one owner and kind; "KIND/id/ID" without an owner, to spread the load
 * sk          "=ID"
 * content     the value: JSON text, or a number where the value is a whole number, so that DynamoDB can add to it
 * write_id    the version
 * expires_ms  milliseconds since the epoch, {@link NEVER} for a record that does not expire
 * expires_s   the same in seconds, rounded up: what DynamoDB's time to live looks at
 *
 * None of these names is a reserved word of DynamoDB's expressions.
 */
export type Item = Record<string, AttributeValue>;

/** What DynamoDB's time to live is switched on for. */
export const TTL_ATTRIBUTE = "expires_s";

/** A number and not an absent attribute, so that one comparison is true for every live record: the end of the year 9999. */
const NEVER = 253_402_300_799_999;

/** More bytes than an id or an owner has, and few enough for a key: 2,048 (pk) and 1,024 (sk). */
const LONGEST_NAME = 1_000;

export const IS_ABSENT = "attribute_not_exists(pk)";
export const IS_LIVE = "expires_ms > :now";
export const IS_EXPIRED = "expires_ms <= :now";

/** What the partition keys of a kind, and of no other, begin with. */
export function prefixOf(kind: string): string {
  return `${encodeURIComponent(kind)}/`;
}

/** The partition of one owner's records of a kind; of none where nobody can have that name. */
export function partitionOf(kind: string, owner: string): string {
  return `${prefixOf(kind)}of/${cut(owner)}`;
}

/** Where an id has its place in the order of a partition; also for text that is no id. */
export function placeOf(id: string): string {
  return `=${cut(id)}`;
}

export function keyOf(kind: string, owner: string, id: string): { readonly pk: AttributeValue; readonly sk: AttributeValue } {
  const rest = owner === "" ? `id/${id}` : `of/${owner}`;
  return { pk: { S: prefixOf(kind) + rest }, sk: { S: `=${id}` } };
}

/** The whole item of a row. */
export function itemOf(kind: string, row: Row): Item {
  return {
    ...keyOf(kind, row.owner, row.id),
    content: /^-?\d{1,15}$/.test(row.value) ? numeric(Number(row.value)) : { S: row.value },
    write_id: { S: row.version },
    ...expiryOf(row.expiresAt),
  };
}

export function expiryOf(expiresAt: number | null): { readonly expires_ms: AttributeValue; readonly expires_s: AttributeValue } {
  const time = expiresAt ?? NEVER;
  return { expires_ms: numeric(time), expires_s: numeric(Math.ceil(time / 1000)) };
}

export function numeric(value: number): AttributeValue {
  return { N: String(value) };
}

/** The row of an item, or nothing where the item is not one of ours. */
export function rowOf(item: Item): DumpedRow | undefined {
  const [, kind, form, rest = ""] = /^([^/]+)\/(of|id)\/(.*)$/s.exec(item["pk"]?.S ?? "") ?? [];
  const [id, value, version, time] = [item["sk"]?.S, item["content"]?.S ?? item["content"]?.N, versionOf(item), item["expires_ms"]?.N];
  if (kind === undefined || !id || value === undefined || version === undefined || time === undefined) return undefined;
  const expiresAt = Number(time) === NEVER ? null : Number(time);
  return { kind: decodeURIComponent(kind), owner: form === "of" ? rest : "", id: id.slice(1), value, version, expiresAt };
}

export function versionOf(item: Item | undefined): string | undefined {
  return item?.["write_id"]?.S;
}

/** Names and cursors of strangers, made fit for a key: what is cut or mended here names no record. */
function cut(text: string): string {
  const bytes = Buffer.from(text);
  return bytes.length > LONGEST_NAME ? bytes.subarray(0, LONGEST_NAME).toString() : text.toWellFormed();
}
