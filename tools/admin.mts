import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { ConfigError, loadConfig } from "../shared/config.ts";
import { Unavailable, UnusableState } from "../shared/state/store.ts";
import { clients } from "./admin/clients.mts";
import { type Command, CommandError, type Family, type Outcome } from "./admin/command.mts";
import { grants } from "./admin/grants.mts";
import { keys } from "./admin/keys.mts";
import { state } from "./admin/state.mts";
import { reasonOf } from "./admin/state-check.mts";
import { subjects } from "./admin/subjects.mts";

/**
 * `npm run admin -- FAMILY COMMAND …`: what operators do to a deployment, with the service's own configuration.
 * Exit codes: 0, 1 when the command failed or found a fault, 2 when it was not understood.
 */
const FAMILIES: Readonly<Record<string, Family>> = { clients, grants, keys, state, subjects };

if (existsSync(".env")) process.loadEnvFile();

const [familyName = "", commandName = "", ...rest] = process.argv.slice(2);
// A reader of standard output that goes away is reported by the write that it fails.
process.stdout.on("error", () => {});
process.exitCode = await main();

async function main(): Promise<number> {
  if (familyName === "--help") return help(usage());
  const family = named(FAMILIES, familyName);
  if (!family) return misuse(familyName === "" ? "say what to do" : `there is no "${familyName}"`, usage());
  if (commandName === "--help") return help(usageOf(familyName, family));
  const command = named(family.commands, commandName);
  if (!command) {
    return misuse(commandName === "" ? "say what to do" : `there is no "${familyName} ${commandName}"`, usageOf(familyName, family));
  }
  return runCommand(command);
}

function named<T>(all: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(all, name) ? all[name] : undefined;
}

async function runCommand(command: Command): Promise<number> {
  const parsed = parse(command);
  const page = usageOfCommand(`${familyName} ${commandName}`, command);
  if (typeof parsed === "string") return misuse(parsed, page);
  if (parsed.values["help"] === true) return help(page);
  const wanted = command.parameters ?? [];
  if (parsed.positionals.length !== wanted.length) return misuse(`give ${wanted.join(" ") || "nothing"} after ${commandName}`, page);
  // What is data on standard output stays nothing but data.
  const out = command.writesData?.(parsed.positionals) ? process.stderr : process.stdout;
  const asJson = parsed.values["json"] === true;
  try {
    const call = { config: loadConfig(process.env), parameters: parsed.positionals, options: parsed.values };
    return tell(await command.run(call), out, asJson);
  } catch (error) {
    return tell({ ok: false, lines: [], report: { error: explain(error) } }, out, asJson);
  }
}

/** @returns What was given, or why it cannot be understood. */
function parse(command: Command) {
  const options = { json: { type: "boolean" }, help: { type: "boolean" }, ...command.options } as const;
  try {
    const { values, positionals } = parseArgs({ args: parametersLast(rest, options), options, allowPositionals: true });
    return { values: values as Readonly<Record<string, string | boolean | undefined>>, positionals };
  } catch (error) {
    return (error as Error).message;
  }
}

type Options = Readonly<Record<string, { readonly type: "boolean" | "string" }>>;

/** Ids of people and grants may begin with a dash, which alone begins no option of ours: parameters come last, after `--`. */
function parametersLast(args: readonly string[], options: Options): string[] {
  if (args.includes("--")) return [...args];
  const given: string[] = [];
  const parameters: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    const value = args[at + 1];
    if (!arg.startsWith("--")) parameters.push(arg);
    else if (options[arg.slice(2)]?.type !== "string" || value === undefined) given.push(arg);
    else {
      given.push(`${arg}=${value}`);
      at++;
    }
  }
  return [...given, "--", ...parameters];
}

function tell({ ok, lines, report, warnings = [] }: Outcome, out: NodeJS.WritableStream, asJson: boolean): number {
  if (asJson) {
    out.write(`${JSON.stringify({ ok, ...report, ...(warnings.length > 0 ? { warnings } : {}) })}\n`);
  } else {
    for (const line of lines) out.write(`${legible(line)}\n`);
    for (const warning of warnings) process.stderr.write(`warning: ${legible(warning)}\n`);
    if (typeof report["error"] === "string") process.stderr.write(`${report["error"]}\n`);
  }
  return ok ? 0 : 1;
}

/** Clients and people choose their own names: no character of one moves a terminal's cursor or turns a line's direction. */
function legible(line: string): string {
  return line.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}

/** One clear line for what an operator can mend, the stack for what only a developer can. */
function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof CommandError) return error.message;
  if (error instanceof Unavailable) return reasonOf(error);
  if (!(error instanceof Error)) return String(error);
  return "syscall" in error || error instanceof UnusableState ? error.message : (error.stack ?? error.message);
}

function help(text: string): number {
  process.stdout.write(text);
  return 0;
}

function misuse(reason: string, text: string): number {
  process.stderr.write(`${reason}\n\n${text}`);
  return 2;
}

function usage(): string {
  const families = Object.entries(FAMILIES).map(([name, { about }]) => `  ${name.padEnd(12)}${about}`);
  return `npm run admin -- FAMILY COMMAND … [--json] [--help]\n\n${families.join("\n")}\n`;
}

function usageOf(name: string, { commands }: Family): string {
  const named = Object.entries(commands).map(
    ([command, { about, parameters = [] }]) => [[command, ...parameters].join(" "), about] as const,
  );
  const width = Math.max(16, ...named.map(([command]) => command.length + 2));
  const lines = named.map(([command, about]) => `  ${command.padEnd(width)}${about}`);
  return `npm run admin -- ${name} COMMAND … [--json] [--help]\n\n${lines.join("\n")}\n`;
}

function usageOfCommand(name: string, { about, parameters = [], options = {} }: Command): string {
  const own = Object.entries(options).map(([option, { about: purpose }]) => `  --${option.padEnd(14)}${purpose}`);
  const all = [...own, "  --json          one line of JSON instead of text", "  --help          this text"];
  return `npm run admin -- ${[name, ...parameters].join(" ")} [options]\n  ${about}\n\n${all.join("\n")}\n`;
}
