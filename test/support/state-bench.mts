import assert from "node:assert/strict";
import { z } from "zod";
import type { Log } from "../../shared/log.ts";
import type { Key, Kind, Store, StoreOptions } from "../../shared/state/store.ts";

/** What the tests of a store work with: two connections to one database, a clock and the log. */
export interface Bench {
  readonly store: Store;
  /** Another connection, as another process would have it. */
  readonly other: Store;
  readonly lines: LogLine[];
  /** What the clock says. */
  now: number;
  open(): Promise<void>;
  close(): Promise<void>;
}

interface LogLine {
  readonly fields: object;
  readonly message: string;
}

export function createBench(open: (options: StoreOptions) => Promise<Store>): Bench {
  const lines: LogLine[] = [];
  const log = recordingLog(lines);
  const opened: Store[] = [];
  const bench = {
    get store() {
      return opened[0] ?? assert.fail("the store is not open");
    },
    get other() {
      return opened[1] ?? assert.fail("the store is not open");
    },
    lines,
    now: Date.now(),
    async open() {
      const options = { clock: () => bench.now, log };
      opened.push(...(await Promise.all([open(options), open(options)])));
    },
    async close() {
      await Promise.all(opened.map((store) => store.close()));
    },
  };
  return bench;
}

function recordingLog(lines: LogLine[]): Log {
  const record = (fields: object, message: string) => void lines.push({ fields, message });
  const log: Log = { debug: record, info: record, warn: record, error: record, child: () => log };
  return log;
}

export const MINUTE = 60_000;

const noteCodec = z.strictObject({ text: z.string() });
export type Note = z.infer<typeof noteCodec>;

export function note(text: string | number): Note {
  return { text: String(text) };
}

let kinds = 0;

/** A kind that no other test has, in this run or an earlier one. */
export function newKind(): Kind<Note> {
  return { name: newName(), codec: noteCodec };
}

export function newCounter(): Kind<number> {
  return { name: newName(), codec: z.number() };
}

function newName(): string {
  return `test-${process.pid}-${Date.now().toString(36)}-${kinds++}`;
}

/** The version of a record that must be there. */
export async function version(store: Store, kind: Kind<Note>, key: Key): Promise<string> {
  return (await store.get(kind, key))?.version ?? assert.fail("the record is not there");
}

/** Starts `count` operations at once, half of them on the other connection. */
export function both<T>(bench: Bench, count: number, start: (store: Store, index: number) => Promise<T>): Promise<T>[] {
  return Array.from({ length: count }, (_, index) => start(index % 2 === 0 ? bench.store : bench.other, index));
}

/** Sweeps away what earlier tests let expire. */
export async function drain(store: Store): Promise<void> {
  while ((await store.sweep(500)) > 0);
}

/** The ids of one owner's readable records, read in pages of `limit`. */
export async function listAll(store: Store, kind: Kind<Note>, owner: string, limit: number): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list(kind, owner, cursor, limit);
    assert.ok(page.entries.length <= limit);
    ids.push(...idsOf(page));
    if (page.cursor !== undefined) assert.notEqual(page.cursor, cursor, "the cursor does not go on");
    cursor = page.cursor;
  } while (cursor !== undefined);
  return ids;
}

export function idsOf({ entries }: { readonly entries: readonly { readonly id: string }[] }): string[] {
  return entries.map(({ id }) => id);
}

export function inByteOrder(ids: readonly string[]): string[] {
  return ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
