import { z } from "zod";
import type { Config } from "../../shared/config.ts";
import { randomToken } from "../../shared/hash.ts";
import type { State } from "../../shared/state/open.ts";
import { SIGNING_KEYS, signingKeysKind } from "../../shared/state/records.ts";
import type { Kind, Store } from "../../shared/state/store.ts";
import { CommandError } from "./command.mts";
import { isDynamo, isPostgres, withState } from "./connect.mts";

/** One property of the store, tried. */
export interface Check {
  readonly name: string;
  /** Absent when it holds. */
  readonly fault?: string;
}

/** Milliseconds after which what an interrupted check left behind is swept. */
const PROBE_LIFETIME = 60_000;

export interface Checked {
  readonly checks: readonly Check[];
  /** What does no harm and should be known. */
  readonly notes: readonly string[];
}

/**
 * Looks at what is particular to the database (connection, schema, permissions), and then tries every operation that the
 * service needs. When the first of these fails the rest is left out: it would fail the same way, after the same wait.
 *
 * @throws {ConfigError} when the state cannot be opened.
 */
export async function checkState(config: Config): Promise<Checked> {
  const { checks, notes } = await checkDatabase(config);
  if (checks.some(({ fault }) => fault !== undefined)) return { checks, notes };
  const tried = await withState(config, (connection) => tryOperations(stepsOf(connection, Date.now)));
  return { checks: [...checks, ...tried], notes };
}

async function checkDatabase(config: Config): Promise<Checked> {
  if (isDynamo(config)) {
    const { checkTable } = await import("../../shared/state/dynamodb-table.ts");
    const { faults, notes } = await checkTable(config.stateUrl);
    return { checks: faults.length === 0 ? [{ name: "table" }] : faults.map((fault) => ({ name: "table", fault })), notes };
  }
  if (isPostgres(config)) {
    const { checkPostgres } = await import("../../shared/state/postgres-schema.ts");
    return { checks: await checkPostgres(config.stateUrl), notes: [] };
  }
  return { checks: [], notes: [] };
}

async function tryOperations(steps: Readonly<Record<string, () => Promise<void>>>): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step();
      checks.push({ name });
    } catch (error) {
      checks.push({ name, fault: reasonOf(error) });
      if (checks.length === 1) break;
    }
  }
  return checks;
}

function stepsOf({ store, driver, keys }: State, clock: () => number) {
  const kind: Kind<number> = { name: "admin_probe", codec: z.number() };
  const id = randomToken(12);
  const [key, counter] = [
    { id, owner: "admin" },
    { id: `${id}-counter`, owner: "admin" },
  ];
  const expiresAt = clock() + PROBE_LIFETIME;
  return {
    async read() {
      expect((await store.get(kind, key)) === undefined, "a record is there that nobody made");
    },
    async write() {
      expect(await store.create(kind, key, 1, expiresAt), "a record could not be made");
      expect((await store.get(kind, key))?.value === 1, "a record was not there after it was made");
    },
    async change() {
      const version = (await store.get(kind, key))?.version ?? "";
      expect(await store.replace(kind, key, version, 2, expiresAt), "a record could not be replaced");
      expect(!(await store.replace(kind, key, version, 3, expiresAt)), "a record was replaced although it had changed");
    },
    async list() {
      const { entries } = await store.list(kind, key.owner);
      expect(
        entries.some((entry) => entry.id === id && entry.value === 2),
        "a record was not in the list of its owner",
      );
    },
    async count() {
      await store.increment(kind, counter, 1, expiresAt);
      expect((await store.increment(kind, counter, 1, expiresAt)) === 2, "a counter lost an increment");
      await store.take(kind, counter);
    },
    async delete() {
      expect((await store.take(kind, key))?.value === 2, "a record could not be taken");
      expect((await store.get(kind, key)) === undefined, "a record was there after it was taken");
    },
    async export() {
      await driver.dump(undefined, 1, clock());
    },
    async sweep() {
      await store.sweep(1);
    },
    "state keys": () => checkKeys(store, new Set(keys.map(({ kid }) => kid))),
  };
}

/** The signing keys in the store must be sealed with a state key that the service is given. */
async function checkKeys(store: Store, known: ReadonlySet<string>): Promise<void> {
  const stored = await store.get(signingKeysKind, SIGNING_KEYS);
  for (const { sealed } of stored?.value.keys ?? []) {
    const kid = Buffer.from(sealed.split(".")[0] ?? "", "base64url").toString();
    expect(known.has(kid), `the signing keys are sealed with the state key ${kid}, which STATE_KEYS_JSON or STATE_KEYS_FILE must have`);
  }
}

function expect(holds: boolean, fault: string): void {
  if (!holds) throw new CommandError(fault);
}

/** What was thrown, down to its first cause: a database's own words say which permission or table is missing. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`;
}
