import { createHash } from "node:crypto";
import { z } from "zod";
import { createSealer, SealError, type SealKey } from "./seal.ts";
import type { Driver, DumpedRow, Exporter } from "./store.ts";

/**
 * State as text, to move it between any two stores: a head line, a line for each record and a last line with their number
 * and the SHA-256 of all bytes before it. Every line is one JSON value. Both ends use a bounded amount of memory.
 */

/** Text that is not a whole export, or an import that cannot go on; the message says why. */
export class TransferError extends Error {
  override readonly name = "TransferError";
}

const FORMAT = "portico-state";
const VERSION = 1;
const PAGE = 100;
const AT_ONCE = 16;
/** Characters; a value of `MAX_VALUE_BYTES` is at most twice as long in JSON, and the rest of a record is small. */
const LONGEST_LINE = 2 ** 20;
/** How often an import tries to replace a record that others change meanwhile. */
const TRIES = 5;
const SEALED_FOR = "state-export";

/** What the head of every version begins with. */
const anyHead = z.looseObject({ format: z.literal(FORMAT), version: z.number() });
const headLine = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  at: z.iso.datetime(),
  /** The exporter's state keys; who opens the proof has the same key. */
  keys: z.array(z.strictObject({ kid: z.string(), proof: z.string() })),
});
type ExportHead = z.infer<typeof headLine>;

const recordLine = z.strictObject({
  kind: z.string(),
  owner: z.string(),
  id: z.string(),
  version: z.string(),
  expiresAt: z.number().nullable(),
  value: z.string(),
});

const lastLine = z.strictObject({ records: z.number(), sha256: z.string() });

export interface ExportOptions {
  /** Those the exported store is used with. */
  readonly keys: readonly SealKey[];
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Takes text in order and resolves when it can take more. */
  readonly write: (text: string) => Promise<void>;
}

/**
 * Writes every live record. What changes meanwhile is in it as it was at some moment of the export.
 *
 * @returns The number of records.
 */
export async function exportState(driver: Exporter, { keys, clock, write }: ExportOptions): Promise<number> {
  const sum = createHash("sha256");
  const put = (text: string) => {
    sum.update(text);
    return write(text);
  };
  const proofs = keys.map((key) => ({ kid: key.kid, proof: createSealer([key]).seal(SEALED_FOR, key.kid) }));
  await put(line({ format: FORMAT, version: VERSION, at: new Date(clock()).toISOString(), keys: proofs } satisfies ExportHead));
  let records = 0;
  let cursor: string | undefined;
  do {
    const page = await driver.dump(cursor, PAGE, clock());
    records += page.rows.length;
    const lines = page.rows.map(({ kind, owner, id, version, expiresAt, value }) =>
      line({ kind, owner, id, version, expiresAt, value } satisfies DumpedRow),
    );
    if (lines.length > 0) await put(lines.join(""));
    cursor = page.cursor;
  } while (cursor !== undefined);
  await write(line({ records, sha256: sum.digest("hex") }));
  return records;
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

/**
 * Reads an export to its end.
 *
 * @param text Decoded as UTF-8, in pieces of any size.
 * @param onHead Is given the head before the first record.
 * @throws {TransferError} at the first line that does not fit, or at the end when something is missing or was altered.
 */
export async function* readExport(text: AsyncIterable<string>, onHead: (head: ExportHead) => void = () => {}): AsyncGenerator<DumpedRow> {
  const sum = createHash("sha256");
  let number = 0;
  let last: z.infer<typeof lastLine> | undefined;
  for await (const each of linesOf(text)) {
    number++;
    if (last) throw new TransferError(`line ${number} comes after the end of the export`);
    const value = parsed(each, number);
    if (number === 1) {
      onHead(headOf(value));
    } else if (lastLine.safeParse(value).success) {
      last = lastLine.parse(value);
      if (last.records !== number - 2 || last.sha256 !== sum.digest("hex")) throw new TransferError("the export was altered");
      continue;
    } else {
      const record = recordLine.safeParse(value);
      if (!record.success) throw new TransferError(`line ${number} is not a record`);
      yield record.data;
    }
    sum.update(`${each}\n`);
  }
  if (!last) throw new TransferError(number === 0 ? "the export is empty" : "the export was cut short: its last line is missing");
}

function headOf(value: unknown): ExportHead {
  const version = anyHead.safeParse(value).data?.version;
  if (version !== undefined && version !== VERSION) {
    throw new TransferError(`the export has version ${version} and this release reads version ${VERSION}`);
  }
  const head = headLine.safeParse(value);
  if (head.success) return head.data;
  throw new TransferError("this is not an export of Portico's state");
}

/** Only the line feed ends a line: JSON text may hold every other separator as it is. */
async function* linesOf(text: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  for await (const piece of text) {
    const [first = "", ...others] = piece.split("\n");
    rest += first;
    for (const next of others) {
      yield rest;
      rest = next;
    }
    if (rest.length > LONGEST_LINE) throw new TransferError("a line is longer than any record");
  }
  if (rest !== "") yield rest;
}

function parsed(text: string, number: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new TransferError(`line ${number} is cut short or damaged`);
  }
}

export interface ImportOptions {
  /** Those this store is used with. */
  readonly keys: readonly SealKey[];
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** What becomes of a record that is there with another version. */
  readonly onDifferent: "keep" | "replace";
}

/** What became of the records of an export. */
export interface Imported {
  readonly created: number;
  /** Were there with the same version, as after an import that was interrupted. */
  readonly same: number;
  /** Were there with another version and were kept, by kind. */
  readonly different: Readonly<Record<string, number>>;
  readonly replaced: number;
  readonly expired: number;
  /** Keys of the exporter that this store is not used with, and how many records hold something sealed with one. */
  readonly unknownKeys: readonly string[];
  readonly sealedWithUnknownKey: number;
}

/**
 * Puts the records of an export into a store, versions and expiries included. Can be repeated: what an interrupted
 * import left out is created, the rest is found the same.
 *
 * @throws {TransferError} as {@link readExport}; the records before the fault are in the store then.
 */
export async function importState(driver: Driver, text: AsyncIterable<string>, options: ImportOptions): Promise<Imported> {
  const counts = { created: 0, same: 0, replaced: 0, expired: 0, sealedWithUnknownKey: 0 };
  const different: Record<string, number> = {};
  let unknownKeys: readonly string[] = [];
  const onHead = (head: ExportHead) => {
    unknownKeys = head.keys.filter(({ proof }) => !opens(options.keys, proof)).map(({ kid }) => kid);
  };
  const importOne = async (row: DumpedRow) => {
    const outcome = await place(driver, row, options);
    if (outcome === "different") different[row.kind] = (different[row.kind] ?? 0) + 1;
    else counts[outcome]++;
    if (outcome !== "expired" && unknownKeys.some((kid) => isSealedWith(row.value, kid))) counts.sealedWithUnknownKey++;
  };
  let batch: DumpedRow[] = [];
  for await (const row of readExport(text, onHead)) {
    batch.push(row);
    if (batch.length < AT_ONCE) continue;
    await Promise.all(batch.map(importOne));
    batch = [];
  }
  await Promise.all(batch.map(importOne));
  return { ...counts, different, unknownKeys };
}

async function place(driver: Driver, { kind, ...row }: DumpedRow, { clock, onDifferent }: ImportOptions) {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const now = clock();
    if (row.expiresAt !== null && row.expiresAt <= now) return "expired";
    if (await driver.create(kind, row, now)) return "created";
    const there = await driver.get(kind, row.owner, row.id, now);
    if (!there) continue;
    if (there.version === row.version) return "same";
    if (onDifferent === "keep") return "different";
    if (await driver.replace(kind, row, there.version, now)) return "replaced";
  }
  throw new TransferError(`a ${kind} record changes all the time; stop the service on this store and import again`);
}

function opens(keys: readonly SealKey[], proof: string): boolean {
  try {
    createSealer(keys).open(SEALED_FOR, proof);
    return true;
  } catch (error) {
    if (error instanceof SealError) return false;
    throw error;
  }
}

/** Whether a value holds a box of this key: boxes begin with the key's name (see seal.ts). */
function isSealedWith(value: string, kid: string): boolean {
  return value.includes(`"${Buffer.from(kid).toString("base64url")}.`);
}
