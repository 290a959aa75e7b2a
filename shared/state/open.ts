import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { type Config, ConfigError, type StateKey } from "../config.ts";
import { VARIABLES } from "../config-variables.ts";
import type { SealKey } from "./seal.ts";
import { openStore, type Store, type StoreOptions } from "./store.ts";

export interface State {
  readonly store: Store;
  /** The configured state keys, or outside production the ones kept beside the state file. */
  readonly keys: readonly SealKey[];
}

const SQLITE = "sqlite:";
const MEMORY = ":memory:";

/**
 * Opens the store that STATE_URL names; the driver is loaded only when it is used. A relative file is below the working
 * directory.
 *
 * @throws {ConfigError} when the state file or its keys cannot be used.
 */
export async function openState(config: Config, options: StoreOptions): Promise<State> {
  const name = config.stateUrl.slice(SQLITE.length);
  const file = name === MEMORY ? MEMORY : resolve(name);
  const { openSqlite, StateFileError } = await import("./sqlite.ts");
  const driver = await openSqlite(file).catch((error: unknown) => {
    throw error instanceof StateFileError ? new ConfigError([`STATE_URL: ${error.message}`]) : error;
  });
  try {
    return { store: openStore(driver, options), keys: config.stateKeys ?? (file === MEMORY ? [newKey()] : keptKeys(`${file}.keys.json`)) };
  } catch (error) {
    await driver.close();
    throw error;
  }
}

function newKey(): StateKey {
  return { kty: "oct", kid: `made-${randomBytes(6).toString("hex")}`, k: randomBytes(32).toString("base64url") };
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
