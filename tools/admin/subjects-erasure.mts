import type { State } from "../../shared/state/open.ts";
import { subjectStateKind } from "../../shared/state/records.ts";
import type { DumpedRow } from "../../shared/state/store.ts";
import { findSubjects } from "./subjects-list.mts";

export interface Erased {
  /** How many records of each kind. */
  readonly records: Readonly<Record<string, number>>;
}

const PAGE = 500;

/**
 * Removes every record of a subject, whatever its kind: what lies with the subject as owner, what names the subject as
 * its own, and what lies with one of those records as owner (a session's, a task's). Goes over the store until nothing
 * is found any more, and once again after `settle`.
 * @param settle Resolves once no replica can go on with what it had read of the subject.
 * @param now Milliseconds since the epoch.
 */
export async function eraseRecords(
  { driver }: Pick<State, "driver">,
  subject: string,
  settle: () => Promise<unknown>,
  now: () => number,
): Promise<Erased> {
  const records: Record<string, number> = {};
  const owners = new Set([subject]);
  // Whoever wrote a record may have put someone else's name where a piece's would stand: it leads nowhere.
  const others = new Set((await findSubjects({ driver }, now)).map((known) => known.subject));

  async function eraseFound(): Promise<number> {
    const found: DumpedRow[] = [];
    for await (const row of dumped(driver, now)) if (isOf(row, subject, owners)) found.push(row);
    for (const row of found) {
      for (const name of [row.id, ...piecesIn(row)]) if (!others.has(name)) owners.add(name);
      if (await driver.take(row.kind, row.owner, row.id, now())) records[row.kind] = (records[row.kind] ?? 0) + 1;
    }
    return found.length;
  }

  while ((await eraseFound()) > 0);
  await settle();
  while ((await eraseFound()) > 0);
  return { records };
}

async function* dumped(driver: State["driver"], now: () => number): AsyncGenerator<DumpedRow> {
  let cursor: string | undefined;
  do {
    const page = await driver.dump(cursor, PAGE, now());
    yield* page.rows;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** The lock that keeps the subject out stays until no token of it can live. */
function isOf({ kind, owner, value }: DumpedRow, subject: string, owners: ReadonlySet<string>): boolean {
  if (kind === subjectStateKind.name) return false;
  return owners.has(owner) || (value.includes(subject) && names(JSON.parse(value), subject));
}

/** A member of the record, or of an object in it, is the subject. Lists are what several subjects share. */
function names(value: unknown, subject: string, depth = 2): boolean {
  if (value === subject) return true;
  if (depth === 0 || typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).some((member) => names(member, subject, depth - 1));
}

/** Where a large value continues in records of its own. */
function piecesIn({ value }: DumpedRow): string[] {
  return [...value.matchAll(/"pieces":"([^"\\]+)"/g)].flatMap(([, owner]) => owner ?? []);
}
