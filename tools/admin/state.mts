import { createReadStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { State } from "../../shared/state/open.ts";
import { exportState, type Imported, importState, readExport, TransferError } from "../../shared/state/transfer.ts";
import { type Call, CommandError, type Family, type Outcome } from "./command.mts";
import { isDynamo, isStateMissing, requireState, stateFile, withState } from "./connect.mts";

/** The name that stands for standard input and output. */
const STANDARD = "-";

export const state: Family = {
  about: "the records behind everything: grants, clients, sessions, data",
  commands: {
    backup: {
      about: "copies the state file while the service runs; FILE must not be there yet",
      parameters: ["FILE"],
      run: runBackup,
    },
    check: { about: "tries connection, schema and every permission the service needs, and names what is wrong", run: runCheck },
    sweep: { about: "deletes what expired, and says how many records", run: runSweep },
    export: {
      about: "writes all live records to FILE, or to standard output (-)",
      parameters: ["FILE"],
      writesData: ([file]) => file === STANDARD,
      run: runExport,
    },
    import: {
      about: "puts the records of an export into this store; can be repeated",
      parameters: ["FILE"],
      options: { overwrite: { type: "boolean", about: "replace records that are there with other contents" } },
      run: runImport,
    },
    "create-table": { about: "makes the DynamoDB table that STATE_URL names, for local use", run: runCreateTable },
  },
};

async function runBackup({ config, parameters: [file = ""] }: Call): Promise<Outcome> {
  requireState(config);
  const [source, target] = [stateFile(config), resolve(file)];
  const { backupFile } = await import("./state-backup.mts");
  const { records, bytes } = await backupFile(source, target);
  const keysNote = `what is sealed in it opens with the keys in ${source}.keys.json only; keep a copy of them apart from it`;
  return {
    ok: true,
    lines: [`backed up ${records} records (${bytes} bytes) to ${target}`],
    report: { file: target, records, bytes },
    warnings: config.stateKeys === undefined ? [keysNote] : [],
  };
}

async function runCheck({ config }: Call): Promise<Outcome> {
  const { checkState } = await import("./state-check.mts");
  const made = isStateMissing(config) ? [`${stateFile(config)} was not there and has been made`] : [];
  const { checks, notes } = await checkState(config);
  return {
    ok: checks.every(({ fault }) => fault === undefined),
    lines: checks.map(({ name, fault }) => (fault === undefined ? `ok    ${name}` : `FAIL  ${name}: ${fault}`)),
    report: { checks: checks.map(({ name, fault }) => ({ name, ok: fault === undefined, ...(fault === undefined ? {} : { fault }) })) },
    warnings: [...made, ...notes],
  };
}

async function runSweep({ config }: Call): Promise<Outcome> {
  requireState(config);
  const swept = await withState(config, async ({ store, driver }) => {
    let total = 0;
    let count: number;
    do {
      count = await store.sweep(config.sweep.batch);
      total += count;
    } while (count > 0 || driver.isSweepUnfinished?.());
    return total;
  });
  return { ok: true, lines: [`swept ${swept} expired records`], report: { swept } };
}

async function runExport({ config, parameters: [file = ""] }: Call): Promise<Outcome> {
  requireState(config);
  const records = await withState(config, (connection) =>
    file === STANDARD ? exportTo(connection, writeOut) : exportToFile(connection, resolve(file)),
  );
  const target = file === STANDARD ? "standard output" : resolve(file);
  return { ok: true, lines: [`exported ${records} records to ${target}`], report: { file: target, records } };
}

function exportTo({ driver, keys }: State, write: (text: string) => Promise<void>): Promise<number> {
  return exportState(driver, { keys, clock: Date.now, write });
}

/** The file is for its owner's eyes, is on the disk afterwards, and is not left behind unfinished. */
async function exportToFile(connection: State, file: string): Promise<number> {
  const handle = await open(file, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EEXIST" ? new CommandError(`${file} is there already; an export never overwrites a file`) : error;
  });
  try {
    const records = await exportTo(connection, (text) => handle.appendFile(text));
    await handle.sync();
    return records;
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

function writeOut(text: string): Promise<void> {
  return new Promise((done, fail) => {
    process.stdout.write(text, (error) => (error ? fail(error) : done()));
  });
}

/** A file is read to its end before anything is imported. Standard input cannot be: what is wrong with it is told afterwards. */
async function runImport({ config, parameters: [file = ""], options }: Call): Promise<Outcome> {
  if (file !== STANDARD) await verify(file);
  const onDifferent = options["overwrite"] === true ? "replace" : "keep";
  const imported = await withState(config, ({ driver, keys }) =>
    importState(driver, textOf(file), { keys, clock: Date.now, onDifferent }),
  ).catch((error: unknown) => {
    if (!(error instanceof TransferError)) throw error;
    throw new CommandError(`${error.message}. Records before that are imported: import a whole export to complete them`);
  });
  const { created, same, replaced, different, expired } = imported;
  const kept = Object.values(different).reduce((sum, count) => sum + count, 0);
  const line = `created ${created}, replaced ${replaced}, kept different ${kept}, skipped ${same} the same and ${expired} expired`;
  return { ok: true, lines: [line], report: { ...imported }, warnings: importWarnings(imported) };
}

async function verify(file: string): Promise<void> {
  try {
    for await (const _ of readExport(textOf(file)));
  } catch (error) {
    throw error instanceof TransferError ? new CommandError(`${file}: ${error.message}. Nothing was imported`) : error;
  }
}

function textOf(file: string): AsyncIterable<string> {
  return file === STANDARD ? process.stdin.setEncoding("utf8") : createReadStream(file, "utf8");
}

function importWarnings({ different, unknownKeys, sealedWithUnknownKey }: Imported): string[] {
  const kinds = Object.entries(different).map(([kind, count]) => `${kind} (${count})`);
  const warnings = [];
  if (kinds.length > 0) warnings.push(`these were there with other contents and stay as they are without --overwrite: ${kinds.join(", ")}`);
  if (unknownKeys.length > 0) {
    warnings.push(
      `the exported state was used with state keys that this one is not given (${unknownKeys.join(", ")}); ${sealedWithUnknownKey} imported records cannot be used before STATE_KEYS_JSON or STATE_KEYS_FILE has them`,
    );
  }
  return warnings;
}

async function runCreateTable({ config }: Call): Promise<Outcome> {
  if (!isDynamo(config))
    throw new CommandError("STATE_URL does not name a DynamoDB table; other stores make themselves at the first start");
  const { createTable } = await import("../../shared/state/dynamodb-table.ts");
  const made = await createTable(config.stateUrl);
  return { ok: true, lines: [made ? "made the table" : "the table is there already"], report: { made } };
}
