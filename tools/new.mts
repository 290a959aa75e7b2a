import { parseArgs } from "node:util";
import { DefinitionError } from "../shared/capabilities/definition-check.ts";
import { writeCapability } from "./new/capability.mts";
import { NewFault } from "./new/fault.mts";

const USAGE = `npm run new -- capability NAME [--effect read|write|destructive]
  Writes a capability with its test, both ready to run, and offers it on MCP and to GPT Actions.
  NAME      What clients call it: lower case letters, digits and _, such as send_invoice.
  --effect  What it does to the world; read when absent.
`;

/** What the command was asked, in options of `util.parseArgs`. */
const OPTIONS = {
  effect: { type: "string", default: "read" },
  help: { type: "boolean", default: false },
} as const;

/** @returns What to print. @throws {NewFault} for what cannot be written. */
function main(): string {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  if (values.help) return USAGE;
  const [what, name, ...others] = positionals;
  if (what !== "capability" || name === undefined || others.length > 0) throw new NewFault(`say what to write and its name\n\n${USAGE}`);
  const { capability, test } = writeCapability(name, values.effect);
  return `Written:
  ${capability}  what it says, takes, gives and does
  ${test}  its test: npx node --test ${test}

Start the service again: it is a tool on /mcp and an operation in /openapi.json.
Then: npm run capabilities  writes the reference of all capabilities anew.
`;
}

try {
  process.stdout.write(main());
} catch (error) {
  const misused = error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  if (!(error instanceof NewFault) && !(error instanceof DefinitionError) && !misused) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
