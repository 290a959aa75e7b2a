import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Effect, NAME } from "../../shared/capabilities/capability.ts";
import { PACK_NAMES } from "../../shared/capabilities/pack-names.ts";
import { createRegistry } from "../../shared/capabilities/registry.ts";
import { RESERVED_NAMES } from "../../shared/capabilities/reserved-names.ts";
import { NewFault } from "./fault.mts";
import { withOwn } from "./own-list.mts";
import { renderCapability, renderTest } from "./templates.mts";

const PROJECT = resolve(import.meta.dirname, "../..");
const EFFECTS: readonly string[] = ["read", "write", "destructive"] satisfies readonly Effect[];

/** What was written, by paths from the project's root. */
export interface Written {
  readonly capability: string;
  readonly test: string;
}

/**
 * Writes a capability and its test and puts it into the pack `own`.
 * @throws {NewFault} and writes nothing.
 */
export function writeCapability(name: string, effect: string): Written {
  if (!NAME.test(name)) throw new NewFault(`"${name}" is no name: begin with a lower case letter; letters, digits and _ may follow`);
  if (!EFFECTS.includes(effect)) throw new NewFault(`"${effect}" is no effect; use ${EFFECTS.join(", ")}`);
  if (isTaken(name)) throw new NewFault(`"${name}" is taken already; choose another name`);
  const file = name.replaceAll("_", "-");
  const written = { capability: `shared/capabilities/own/${file}.ts`, test: `test/shared/capabilities/own/${file}.test.mts` };
  for (const path of Object.values(written)) {
    if (existsSync(join(PROJECT, path))) throw new NewFault(`${path} is there already; choose another name`);
  }
  const list = join(PROJECT, "shared/capabilities/own/own.ts");
  const listed = withOwn(readFileSync(list, "utf8"), identifierOf(name), file);
  write(written.capability, renderCapability(name, identifierOf(name), effect as Effect));
  write(written.test, renderTest(name, effect as Effect));
  writeFileSync(list, listed);
  return written;
}

/** By a name, an old name or a path: all of them are parts of URLs. */
function isTaken(name: string): boolean {
  if (RESERVED_NAMES.includes(name)) return true;
  const { capabilities } = createRegistry({ capabilityPacks: PACK_NAMES, callTimeLimit: 60_000 }).catalog;
  return capabilities.some((capability) => [capability.name, capability.path, ...capability.aliases].includes(name));
}

function write(path: string, text: string): void {
  const file = join(PROJECT, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { flag: "wx" });
}

/** `send_invoice` is `sendInvoice` in the code; a single word could be one of the language's own. */
function identifierOf(name: string): string {
  const identifier = name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()).replaceAll("_", "");
  return /[A-Z]/.test(identifier) && identifier !== "defineCapability" ? identifier : `${identifier}Capability`;
}
