import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROJECT } from "../support/host.mts";

/** Runs `npm run admin` as it is run, in a process of its own. */

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly stdin: NodeJS.WritableStream;
  readonly ended: Promise<Ended>;
  /** SIGKILL. */
  kill(): void;
}

type Env = Readonly<Record<string, string>>;

export function startAdmin(parameters: readonly string[], env: Env): Running {
  const child = spawn(process.execPath, [join(PROJECT, "tools/admin.mts"), ...parameters], {
    env: { PATH: process.env["PATH"], NODE_ENV: "test", ...env },
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject).on("close", (status) => resolve({ status, ...output }));
  });
  // A command may end without having read all of its input.
  child.stdin.on("error", () => {});
  return { stdin: child.stdin, ended, kill: () => void child.kill("SIGKILL") };
}

/** @param input For its standard input. */
export function admin(parameters: readonly string[], env: Env, input = ""): Promise<Ended> {
  const running = startAdmin(parameters, env);
  running.stdin.end(input);
  return running.ended;
}

export interface StateFolder {
  /** A path below the folder. */
  path(name: string): string;
  /** The environment that makes a file below the folder the state. */
  env(name: string): Env & { readonly STATE_URL: string };
  remove(): void;
}

export function makeStateFolder(): StateFolder {
  const folder = mkdtempSync(join(tmpdir(), "portico-admin-"));
  const path = (name: string) => join(folder, name);
  return { path, env: (name) => ({ STATE_URL: `sqlite:${path(name)}` }), remove: () => rmSync(folder, { recursive: true }) };
}
