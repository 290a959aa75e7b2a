import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import type { Provider } from "../../shared/capabilities/offer.ts";
import { createService, install, type Service } from "../../shared/service.ts";
import { readApp } from "../../tools/encore/app.mts";
import { loadEndpoints } from "../../tools/encore/endpoints.mts";
import { invokeThroughEncore } from "../../tools/encore/native-invoke.mts";
import { type Invoke, startHost } from "../../tools/host.mts";

type Env = Readonly<Record<string, string | undefined>>;

export interface HostSettings {
  /** Variables beside those of `TEST_ENV`, which they override. */
  readonly env?: Env;
  /** Milliseconds since the epoch; `Date.now` when absent. */
  readonly clock?: () => number;
  /** The folder whose services are served; this project's when absent. */
  readonly root?: string;
  /** What is offered beside the configured packs. */
  readonly providers?: readonly Provider[];
}

export interface TestHost {
  /** `http://localhost:PORT`, which is also the public URL unless `env` sets another. */
  readonly url: string;
  readonly service: Service;
  /** Afterwards another may start in this process. */
  close(): Promise<void>;
}

export const PROJECT = resolve(import.meta.dirname, "../..");

/** State in memory, a free port, no log. */
const TEST_ENV: Env = { NODE_ENV: "test", PORT: "0", STATE_URL: "sqlite::memory:", LOG_LEVEL: "silent" };

/** The service in this process on plain Node, as `npm start` runs it. One at a time. */
export function startPlainHost(settings: HostSettings = {}): Promise<TestHost> {
  return start(settings, async () => undefined);
}

/** The same through encore.dev's own request classes, as an Encore build runs it. One at a time. */
export function startEncoreHost(settings: HostSettings = {}): Promise<TestHost> {
  return start(settings, invokeThroughEncore);
}

/** For tests that must hold on either. */
export const HOSTS = [
  { host: "plain Node", start: startPlainHost },
  { host: "Encore's request classes", start: startEncoreHost },
] as const;

async function start(
  { env = {}, clock, root = PROJECT, providers = [] }: HostSettings,
  invokeFor: (endpoints: Awaited<ReturnType<typeof loadEndpoints>>) => Promise<Invoke | undefined>,
): Promise<TestHost> {
  const endpoints = await loadEndpoints(root);
  const invoke = await invokeFor(endpoints);
  let service: Service | undefined;
  const host = await startHost({
    endpoints,
    cors: readApp(root).global_cors,
    host: "127.0.0.1",
    port: 0,
    ...(invoke ? { invoke } : {}),
    async open(port) {
      service = await createService({ env: { ...TEST_ENV, ...env, PORT: String(port) }, providers, ...(clock ? { clock } : {}) });
      install(service);
      return service;
    },
  });
  if (!service) throw new Error("the host opened without a service");
  return { url: `http://localhost:${host.port}`, service, close: host.close };
}

export interface SpawnSettings {
  readonly env?: Env;
  /** The folder whose services are served; this project's when absent. */
  readonly root?: string;
  /** What is run instead of `tools/start.mjs`; it says where it listens in the same words. */
  readonly script?: string;
}

export interface SpawnedService {
  /** `http://localhost:PORT`, which is also the public URL unless `env` sets another. */
  readonly url: string;
  readonly process: ChildProcess;
  /** Everything written to standard output and standard error so far. */
  output(): string;
  /** Resolves when the output matches. */
  says(pattern: RegExp): Promise<void>;
  /** Resolves when the process is gone. */
  readonly exit: Promise<Exit>;
  /** SIGTERM, then waits. */
  stop(): Promise<Exit>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * `tools/start.mjs` in a process of its own, ready.
 *
 * @throws {Error} with its output when it ends before it is ready.
 */
export async function spawnService(settings: SpawnSettings = {}): Promise<SpawnedService> {
  const { env = {}, root = PROJECT, script = "tools/start.mjs" } = settings;
  const child = spawn(process.execPath, [resolve(PROJECT, script), root], {
    env: { PATH: process.env["PATH"], ...TEST_ENV, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      for (const listener of listeners) listener();
    });
  }
  const exit: Promise<Exit> = once(child, "close").then(([code, signal]) => ({ code, signal }));

  /** Resolves with the match, rejects when the process ends without one. */
  function says(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((done, fail) => {
      const look = () => {
        const match = pattern.exec(text);
        if (!match) return;
        listeners.delete(look);
        done(match);
      };
      listeners.add(look);
      exit.then(({ code, signal }) => fail(new Error(`it ended (${code ?? signal}) before it said ${pattern}:\n${text}`)));
      look();
    });
  }

  const [, port = ""] = await says(/listens on \S+:(\d+)/);
  return {
    url: `http://localhost:${port}`,
    process: child,
    output: () => text,
    says: async (pattern) => void (await says(pattern)),
    exit,
    stop() {
      child.kill("SIGTERM");
      return exit;
    },
  };
}
