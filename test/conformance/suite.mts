import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** One thing the suite looked at. */
export interface Check {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly status: "SUCCESS" | "FAILURE" | "WARNING" | "SKIPPED" | "INFO";
  readonly errorMessage?: string;
  readonly details?: unknown;
}

export interface SuiteRun {
  /** The checks of each scenario that ran, by its name. */
  readonly scenarios: ReadonlyMap<string, readonly Check[]>;
  readonly code: number | null;
  readonly output: string;
}

const COMMAND = fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/dist/index.js"));

export interface SuiteSettings {
  /** Gets all that was printed so far, whenever there is more. */
  readonly onOutput?: (output: string) => void;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/**
 * Runs the official conformance suite in a process of its own.
 * @throws {Error} `AbortError` when the signal ended it.
 */
export async function runSuite(args: readonly string[], { onOutput, signal }: SuiteSettings = {}): Promise<SuiteRun> {
  const folder = await mkdtemp(join(tmpdir(), "portico-conformance-"));
  try {
    const child = spawn(process.execPath, [COMMAND, ...args, "--output-dir", folder], { stdio: ["ignore", "pipe", "pipe"], signal });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (piece: string) => {
        output += piece;
        onOutput?.(output);
      });
    }
    const [code] = await once(child, "close");
    return { scenarios: await readResults(folder), code, output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The scenarios that a revision's conformance is counted by. */
export async function requiredScenarios(revision: string): Promise<string[]> {
  const { output } = await run(["list", "--server", "--requirements", revision]);
  const [, section = ""] = /Server scenarios \(test against a server\):\n([\s\S]*?)\n\n/.exec(output) ?? [];
  return namesIn(section);
}

/** Every scenario against a server that the suite has. */
export async function allScenarios(): Promise<string[]> {
  return namesIn((await run(["list", "--server"])).output);
}

function namesIn(list: string): string[] {
  return [...list.matchAll(/^ {2}- (\S+)/gm)].map(([, name = ""]) => name);
}

async function run(args: readonly string[]): Promise<{ readonly output: string }> {
  const child = spawn(process.execPath, [COMMAND, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    output += piece;
  });
  await once(child, "close");
  return { output };
}

/** Each scenario leaves `checks.json` in a folder named after it and the moment it began. */
async function readResults(folder: string): Promise<ReadonlyMap<string, readonly Check[]>> {
  const names = (await readdir(folder)).sort();
  const results = names.map(async (name) => {
    const scenario = name.replace(/^(server|authorization-server)-/, "").replace(/-\d{4}-\d{2}-\d{2}T[\d-]+Z$/, "");
    const text = await readFile(join(folder, name, "checks.json"), "utf8").catch(() => undefined);
    const checks: readonly Check[] = text === undefined ? [] : JSON.parse(text);
    return [scenario, checks] as const;
  });
  return new Map(await Promise.all(results));
}
