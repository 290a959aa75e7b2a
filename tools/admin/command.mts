import type { Config } from "../../shared/config.ts";

/** One thing an operator can do: `npm run admin -- FAMILY COMMAND …`. */
export interface Command {
  /** In one line, for the usage. */
  readonly about: string;
  /** Names of what it takes after its own name; each must be given. */
  readonly parameters?: readonly string[];
  /** Beside `--json` and `--help`, which every command has. */
  readonly options?: Readonly<Record<string, Option>>;
  /** Whether, with these parameters, standard output is the command's own: what it found then goes to standard error. */
  readonly writesData?: (parameters: readonly string[]) => boolean;
  run(call: Call): Promise<Outcome>;
}

interface Option {
  readonly type: "boolean" | "string";
  readonly about: string;
}

/** Commands on one subject: a file of this folder. */
export interface Family {
  readonly about: string;
  readonly commands: Readonly<Record<string, Command>>;
}

export interface Call {
  readonly config: Config;
  /** As many as the command has names for. */
  readonly parameters: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** What a command found or did. */
export interface Outcome {
  /** False makes the exit code 1. */
  readonly ok: boolean;
  /** For people, a line each. */
  readonly lines: readonly string[];
  /** The same for programs (`--json`). */
  readonly report: Readonly<Record<string, unknown>>;
  /** What did not stop the command and wants attention. */
  readonly warnings?: readonly string[];
}

/** What an operator can mend; the message says how. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
