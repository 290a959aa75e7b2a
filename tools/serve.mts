import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { checkDocument } from "../actions/document.ts";
import { DefinitionError } from "../shared/capabilities/definition-check.ts";
import { ConfigError } from "../shared/config.ts";
import { VARIABLES } from "../shared/config-variables.ts";
import { createService, install, type Service } from "../shared/service.ts";
import { stateFileOf } from "../shared/state/open.ts";
import { readApp } from "./encore/app.mts";
import { loadEndpoints } from "./encore/endpoints.mts";
import { startHost } from "./host.mts";

/**
 * The plain host: `node tools/start.mjs [folder]` serves the Encore services below the folder (this project's unless
 * given) on `node:http`, with the configuration of the environment.
 */
const project = resolve(import.meta.dirname, "..");

/** A terminal's Ctrl-C reaches npm and us, and npm passes it on: the same keypress twice, milliseconds apart. */
const SAME_KEYPRESS = 300;

if (existsSync(".env")) process.loadEnvFile();

const root = process.argv[2] === undefined ? project : resolve(process.argv[2]);
const host = process.env["HOST"]?.trim() || VARIABLES.HOST.development;
// What is not a port is the configuration's to refuse, together with its other faults.
const wanted = VARIABLES.PORT.schema.safeParse(process.env["PORT"]?.trim() || VARIABLES.PORT.development).data;
const port = wanted ?? 0;
const LISTENING_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: `port ${port} of ${host} is in use; stop what listens there or set PORT to another`,
  EACCES: `this user may not listen on port ${port} of ${host}; set PORT to one above 1023`,
  EADDRNOTAVAIL: `${host} is not an address of this machine; set HOST to one that is`,
  ENOTFOUND: `${host} is not an address of this machine; set HOST to one that is`,
};
let service: Service | undefined;

try {
  const { global_cors: cors } = readApp(root);
  const endpoints = await loadEndpoints(root);
  const running = await startHost({ endpoints, cors, host, port, open });
  stopOnSignals(running.close);
  announce(running.port);
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}

/** The public URL names the port, which with PORT=0 is only known now. */
async function open(taken: number): Promise<Service> {
  const env = wanted === 0 ? { ...process.env, PORT: String(taken) } : process.env;
  service = await createService({ env });
  checkDocument(service);
  install(service);
  return service;
}

function announce(taken: number): void {
  if (!service) return;
  const { config, log } = service;
  const listening = `http://${host.includes(":") ? `[${host}]` : host}:${taken}`;
  const places = {
    "Setup page": `${config.publicUrl}/`,
    MCP: `${config.publicUrl}/mcp`,
    "Actions schema": `${config.publicUrl}/actions/openapi.json`,
    Authorization: `${config.publicUrl}/oauth/authorize`,
    Token: `${config.publicUrl}/oauth/token`,
    State: placeOfState(config.stateUrl),
  };
  const lines = Object.entries(places).map(([name, place]) => `  ${name.padEnd(16)}${place}`);
  process.stdout.write(`Portico listens on ${listening}\n\n${lines.join("\n")}\n\n`);
  log.info({ listening, publicUrl: config.publicUrl }, "ready");
}

/** A database's address without its password. */
function placeOfState(stateUrl: string): string {
  const file = stateFileOf(stateUrl);
  if (file === undefined) return stateUrl.replace(/\/\/[^/@]*@/, "//");
  return file === ":memory:" ? "in memory" : file;
}

/** The first signal stops in order, the second at once. */
function stopOnSignals(close: () => Promise<void>): void {
  let since: number | undefined;
  const stop = (signal: NodeJS.Signals) => {
    if (since !== undefined) {
      if (signal === "SIGINT" && performance.now() - since < SAME_KEYPRESS) return;
      process.exit(1);
    }
    since = performance.now();
    service?.log.info({ signal }, "stopping");
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${explain(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

/** One clear line for what an operator can mend, the stack for what only a developer can. */
function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof DefinitionError) return `Portico cannot start: ${error.message}`;
  if (!(error instanceof Error)) return String(error);
  const reason = LISTENING_FAULTS[(error as NodeJS.ErrnoException).code ?? ""];
  return reason === undefined ? (error.stack ?? error.message) : `Portico cannot start: ${reason}`;
}
