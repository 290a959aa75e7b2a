import type { ZodType } from "zod";
import { randomToken } from "../hash.ts";
import type { Log } from "../log.ts";

/**
 * One kind of record: its name in the store and the codec that every value passes at write and at read.
 * A codec must be lossless over JSON: `codec.parse(JSON.parse(JSON.stringify(value)))` equals `value`.
 */
export interface Kind<T> {
  readonly name: string;
  readonly codec: ZodType<T>;
}

/** Names a record. Records of one owner lie together, so that `list` is as consistent as `get`. */
export interface Key {
  readonly id: string;
  readonly owner?: string;
}

export interface Entry<T> {
  readonly id: string;
  readonly value: T;
  /** A random write id: it changes with every write and never comes back. */
  readonly version: string;
  /** Milliseconds since the epoch; `null` when the record does not expire. */
  readonly expiresAt: number | null;
}

export interface Page<T> {
  readonly entries: readonly Entry<T>[];
  /** Give it to the next call; absent on the last page. */
  readonly cursor?: string;
}

/** A record met by `scan`, with its owner. */
export interface Scanned<T> extends Entry<T> {
  readonly owner: string | undefined;
}

/**
 * All state. Each operation is atomic on one record, and a record whose `expiresAt` has passed is absent from
 * every operation. Times are milliseconds since the epoch.
 *
 * @throws {Unavailable} from every operation when its outcome cannot be known: never a wrong `false`.
 * @throws {ValueTooLarge} from `create` and `replace` above {@link MAX_VALUE_BYTES}.
 * @throws {TypeError} from writes with a key or an expiry that no record can have.
 */
export interface Store {
  /**
   * The record, or nothing when it is absent, expired or unreadable (which is logged). Strongly consistent.
   * @param known What was read of it before: given back when the record is still the same, which saves parsing it.
   */
  get<T>(kind: Kind<T>, key: Key, known?: Entry<T>): Promise<Entry<T> | undefined>;
  /** False if a live record has that key. */
  create<T>(kind: Kind<T>, key: Key, value: T, expiresAt: number | null): Promise<boolean>;
  /** Compare and set: false if the record changed since `version` was read, or is gone. */
  replace<T>(kind: Kind<T>, key: Key, version: string, value: T, expiresAt: number | null): Promise<boolean>;
  /** Removes the record and returns it; at most one caller ever gets it. */
  take<T>(kind: Kind<T>, key: Key): Promise<Entry<T> | undefined>;
  /** Adds to a counter, which starts at 0, and returns the new total. The first increment sets the expiry. */
  increment(kind: Kind<number>, key: Key, by: number, expiresAt: number): Promise<number>;
  /** A page of one owner's records in byte order of id. A cursor means "after this id". Strongly consistent. */
  list<T>(kind: Kind<T>, owner: string, cursor?: string, limit?: number): Promise<Page<T>>;
  /** All records of a kind, weakly consistent: for operators (export, admin listings), never in a request. */
  scan<T>(kind: Kind<T>, cursor?: string): Promise<{ readonly entries: readonly Scanned<T>[]; readonly cursor?: string }>;
  /** Deletes at most `limit` expired records and returns how many it deleted. */
  sweep(limit: number): Promise<number>;
  close(): Promise<void>;
}

/** A row as a driver holds it. `value` is JSON text; `owner` is "" for a record without one. */
export interface Row {
  readonly owner: string;
  readonly id: string;
  readonly value: string;
  readonly version: string;
  readonly expiresAt: number | null;
}

/** Where a driver's page goes on: after this (owner, id). */
export interface Position {
  readonly owner: string;
  readonly id: string;
}

/**
 * What one database has to offer. `openStore` puts codecs, versions, sizes and cursors on top, the same for all.
 * `now` is given to every operation so that all of them judge expiry by one injected clock.
 */
export interface Driver {
  get(kind: string, owner: string, id: string, now: number): Promise<Row | undefined>;
  create(kind: string, row: Row, now: number): Promise<boolean>;
  replace(kind: string, row: Row, expected: string, now: number): Promise<boolean>;
  take(kind: string, owner: string, id: string, now: number): Promise<Row | undefined>;
  increment(kind: string, row: Omit<Row, "value">, by: number, now: number): Promise<number>;
  list(kind: string, owner: string, after: string | undefined, limit: number, now: number): Promise<readonly Row[]>;
  scan(kind: string, after: Position | undefined, limit: number, now: number): Promise<readonly Row[]>;
  sweep(limit: number, now: number): Promise<number>;
  close(): Promise<void>;
}

/** A row met by a dump, with its kind. */
export interface DumpedRow extends Row {
  readonly kind: string;
}

/** What operators need of a database beside {@link Driver}. */
export interface Exporter {
  /** Whether the last sweep stopped before it had seen everything; absent where one always sees all that expired. */
  isSweepUnfinished?(): boolean;
  /**
   * A page of the live records of all kinds, in whatever order is cheap. Weakly consistent: a record that lives from the
   * first page to the last is met. The cursor is for the next call only, and absent on the last page.
   */
  dump(cursor: string | undefined, limit: number, now: number): Promise<{ readonly rows: readonly DumpedRow[]; readonly cursor?: string }>;
}

/** State that cannot be used at all: the message names it, says why and what to do. */
export class UnusableState extends Error {
  override readonly name: string = "UnusableState";
}

/** The store cannot say what became of an operation. Adapters answer 503 with Retry-After. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
  /** Seconds after which a client may try again. */
  readonly retryAfter = 2;
}

/** For drivers alone: nobody knows whether a write was applied, or whether it still will be. */
export class Lost extends Error {
  override readonly name = "Lost";
}

export class ValueTooLarge extends Error {
  override readonly name = "ValueTooLarge";
}

/** The most a value may have, encoded: the smallest bound of the three databases with room for keys. */
export const MAX_VALUE_BYTES = 256 * 1024;

/** The most an id or an owner may have, encoded: DynamoDB takes 1,024 bytes of sort key, with room for the kind. */
const MAX_KEY_BYTES = 900;

const LIST_LIMIT = 100;
const MAX_LIST_LIMIT = 1_000;
const SCAN_LIMIT = 500;

export interface StoreOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: Log;
}

/** Puts the contract on top of a driver. */
export function openStore(driver: Driver, { clock, log }: StoreOptions): Store {
  function encode<T>(kind: Kind<T>, value: T): string {
    const text = JSON.stringify(kind.codec.parse(value));
    if (Buffer.byteLength(text) > MAX_VALUE_BYTES) {
      throw new ValueTooLarge(`a ${kind.name} record is larger than ${MAX_VALUE_BYTES} bytes`);
    }
    return text;
  }

  /** A row that its codec refuses is logged and treated as absent: one bad row must not stop the service. */
  function decode<T>(kind: Kind<T>, row: Row): Entry<T> | undefined {
    try {
      const value = kind.codec.parse(JSON.parse(row.value));
      return { id: row.id, value, version: row.version, expiresAt: row.expiresAt };
    } catch (error) {
      const issues = error instanceof Error && "issues" in error ? error.issues : undefined;
      log.error({ kind: kind.name, version: row.version, issues: pathsOf(issues) }, "a record cannot be read");
      return undefined;
    }
  }

  function rowOf<T>(kind: Kind<T>, key: Key, value: T, expiresAt: number | null): Row {
    checkWrite(kind, key, expiresAt);
    return { owner: key.owner ?? "", id: key.id, value: encode(kind, value), version: newVersion(), expiresAt };
  }

  return {
    async get(kind, key, known) {
      if (!isPossible(key)) return undefined;
      const row = await driver.get(kind.name, key.owner ?? "", key.id, clock());
      return row?.version === known?.version ? known : row && decode(kind, row);
    },
    async create(kind, key, value, expiresAt) {
      return driver.create(kind.name, rowOf(kind, key, value, expiresAt), clock());
    },
    async replace(kind, key, version, value, expiresAt) {
      return driver.replace(kind.name, rowOf(kind, key, value, expiresAt), version, clock());
    },
    async take(kind, key) {
      if (!isPossible(key)) return undefined;
      const row = await driver.take(kind.name, key.owner ?? "", key.id, clock());
      const entry = row && decode(kind, row);
      // What this release cannot read may be a newer one's: it is put back.
      if (row && !entry) await driver.create(kind.name, row, clock());
      return entry;
    },
    async increment(kind, key, by, expiresAt) {
      checkWrite(kind, key, expiresAt);
      const row = { owner: key.owner ?? "", id: key.id, version: newVersion(), expiresAt };
      return driver.increment(kind.name, row, by, clock());
    },
    async list(kind, owner, cursor, wanted = LIST_LIMIT) {
      const limit = Math.min(Math.max(Math.trunc(wanted), 1), MAX_LIST_LIMIT);
      const rows = await driver.list(kind.name, owner, cursor, limit, clock());
      return page(rows, limit, rows.map((row) => decode(kind, row)).filter(isPresent), (last) => last.id);
    },
    async scan(kind, cursor) {
      const rows = await driver.scan(kind.name, cursor === undefined ? undefined : positionOf(cursor), SCAN_LIMIT, clock());
      const entries = rows.flatMap((row) => {
        const entry = decode(kind, row);
        return entry ? [{ ...entry, owner: row.owner === "" ? undefined : row.owner }] : [];
      });
      return page(rows, SCAN_LIMIT, entries, (last) => JSON.stringify([last.owner, last.id]));
    },
    sweep: (limit) => driver.sweep(limit, clock()),
    close: () => driver.close(),
  };
}

function page<E>(rows: readonly Row[], limit: number, entries: readonly E[], cursorOf: (last: Row) => string) {
  const last = rows.length === limit ? rows.at(-1) : undefined;
  return last ? { entries, cursor: cursorOf(last) } : { entries };
}

function positionOf(cursor: string): Position {
  const [owner, id] = JSON.parse(cursor) as [string, string];
  return { owner, id };
}

/** No record has another key, so that whatever a stranger sends as an id is merely absent. */
function isPossible({ id, owner = "" }: Key): boolean {
  return id !== "" && [id, owner].every((text) => text.isWellFormed() && !text.includes("\0") && Buffer.byteLength(text) <= MAX_KEY_BYTES);
}

function checkWrite(kind: Kind<unknown>, key: Key, expiresAt: number | null): void {
  if (!isPossible(key)) throw new TypeError(`the key of a ${kind.name} record is empty, malformed or above ${MAX_KEY_BYTES} bytes`);
  if (expiresAt !== null && !Number.isSafeInteger(expiresAt)) throw new TypeError(`the expiry of a ${kind.name} record is no whole number`);
}

function newVersion(): string {
  return randomToken(12);
}

function isPresent<T>(value: T | undefined): value is T {
  return value !== undefined;
}

/** Where a value broke its codec, without the value. */
function pathsOf(issues: unknown): string[] {
  if (!Array.isArray(issues)) return ["not JSON"];
  return issues.map((issue: { code?: string; path?: readonly PropertyKey[] }) => `${issue.path?.map(String).join(".")}: ${issue.code}`);
}
