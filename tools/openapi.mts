import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { checkActionsLimits } from "../actions/actions-limits.ts";
import { createOpenApi } from "../actions/openapi.ts";
import { DefinitionError } from "../shared/capabilities/definition-check.ts";
import { createRegistry } from "../shared/capabilities/registry.ts";
import { ConfigError, loadConfig } from "../shared/config.ts";
import { ACTIONS_VARIABLES } from "../shared/config-actions.ts";
import { CAPABILITY_VARIABLES } from "../shared/config-capabilities.ts";

const USAGE = `npm run openapi -- [--base-url https://…] [--out FILE] [--check]
  Writes the OpenAPI document for GPT Actions to FILE or standard output, and says what ChatGPT would refuse of it.
  --base-url  The service's origin; PUBLIC_URL when absent.
  --check     Writes nothing. With --out: FILE must be up to date.
`;

/** What the command was asked, in options of `util.parseArgs`. */
const OPTIONS = {
  "base-url": { type: "string" },
  out: { type: "string" },
  check: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** @returns The exit code: 0, or 1 with the faults on standard error. */
function main(): number {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const document = render(values["base-url"]);
  const faults = checkActionsLimits(JSON.parse(document)).map(({ path, message }) => `${path}: ${message}`);
  if (values.check && values.out !== undefined && textOf(values.out) !== document) faults.push(`${values.out}: is not up to date`);
  if (!values.check) write(document, values.out);
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  return faults.length === 0 ? 0 : 1;
}

/** What the document follows from. */
const NEEDED = ["CAPABILITIES", "PUBLIC_URL", "PORT", ...Object.keys(ACTIONS_VARIABLES), ...Object.keys(CAPABILITY_VARIABLES)];

/** Needs nothing else of the configuration, so that it runs where nothing is configured. */
function render(baseUrl: string | undefined): string {
  const env = Object.fromEntries(NEEDED.map((name) => [name, process.env[name]]));
  const config = loadConfig(baseUrl === undefined ? env : { ...env, PUBLIC_URL: baseUrl });
  return `${JSON.stringify(createOpenApi(createRegistry(config), config.publicUrl), null, 2)}\n`;
}

function write(document: string, file: string | undefined): void {
  if (file === undefined) process.stdout.write(document);
  else writeFileSync(file, document);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

try {
  process.exitCode = main();
} catch (error) {
  const ours = error instanceof ConfigError || error instanceof DefinitionError;
  const misused = error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  if (!ours && !misused) throw error;
  process.stderr.write(`${error.message}\n${misused ? USAGE : ""}`);
  process.exitCode = 1;
}
