import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { type Config, ConfigError, type StateKey } from "../config.ts";
import { VARIABLES } from "../config-variables.ts";
import { randomToken } from "../hash.ts";
import type { SealKey } from "./seal.ts";
import { type Driver, type Exporter, openStore, type Store, type StoreOptions, UnusableState } from "./store.ts";

export interface State {
  readonly store: Store;
  /** What lies under the store, for operators. */
  readonly driver: Driver & Exporter;
  /** The configured state keys, or outside production the ones kept beside the state file. */
  readonly keys: readonly SealKey[];
}

const SQLITE = "sqlite:";
const MEMORY = ":memory:";

/**
 * Opens the store that STATE_URL names; the driver is loaded only when it is used. A relative file is below the working
 * directory.
 *
 * @throws {ConfigError} when the state or its keys cannot be used.
 */
export async function openState(config: Config, options: StoreOptions): Promise<State> {
  const driver = await openDriver(config.stateUrl).catch((error: unknown) => {
    throw error instanceof UnusableState ? new ConfigError([`STATE_URL: ${error.message}`]) : error;
  });
  try {
    return { store: openStore(driver, options), driver, keys: config.stateKeys ?? madeKeys(config.stateUrl) };
  } catch (error) {
    await driver.close();
    throw error;
  }
}

async function openDriver(stateUrl: string): Promise<Driver & Exporter> {
  const file = stateFileOf(stateUrl);
  if (file !== undefined) return (await import("./sqlite.ts")).openSqlite(file);
  if (stateUrl.startsWith("dynamodb:")) return (await import("./dynamodb.ts")).openDynamo(stateUrl);
  return (await import("./postgres.ts")).openPostgres(stateUrl);
}

/** The file of a `sqlite:` URL, or ":memory:"; nothing when state is in a database server. */
export function stateFileOf(stateUrl: string): string | undefined {
  if (!stateUrl.startsWith(SQLITE)) return undefined;
  const name = stateUrl.slice(SQLITE.length);
  return name === MEMORY ? MEMORY : resolve(name);
}

/** Outside production, where nothing is configured. */
function madeKeys(stateUrl: string): readonly SealKey[] {
  const file = stateFileOf(stateUrl);
  if (file === undefined) throw new ConfigError(["STATE_KEYS_JSON: needed when state is in a database server"]);
  return file === MEMORY ? [newKey()] : keptKeys(`${file}.keys.json`);
}

function newKey(): StateKey {
  return { kty: "oct", kid: `made-${randomBytes(6).toString("hex")}`, k: randomToken() };
}

/** The keys in the file, which is made at the first start. */
function keptKeys(file: string): readonly SealKey[] {
  const text = textOf(file) ?? makeOnce(file, `${JSON.stringify({ keys: [newKey()] }, null, 2)}\n`);
  const parsed = VARIABLES.STATE_KEYS_JSON.schema.safeParse(text);
  if (parsed.success) return parsed.data.keys;
  throw new ConfigError([`STATE_KEYS_JSON: ${file} is not a set of state keys (${parsed.error.issues[0]?.message})`]);
}

/**
 * Writes the file for its owner's eyes unless it is there, and returns what then is in it. The finished text appears
 * under its name at once or not at all (`link` fails on an existing name), so that processes starting together agree.
 */
function makeOnce(file: string, text: string): string | undefined {
  const draft = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    const descriptor = openSync(draft, "wx", 0o600);
    writeSync(descriptor, text);
    fsyncSync(descriptor);
    closeSync(descriptor);
    linkSync(draft, file);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw new ConfigError([`STATE_KEYS_JSON: cannot make ${file} (${codeOf(error)})`]);
  } finally {
    rmSync(draft, { force: true });
  }
  return textOf(file);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw new ConfigError([`STATE_KEYS_JSON: cannot read ${file} (${codeOf(error)})`]);
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
