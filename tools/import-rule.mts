import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Arrows go one way: the adapters import what is shared, never each other, and what is shared imports no adapter.
 * tools, test and ci may import anything; nothing imports them.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  auth: ["auth", "shared"],
  mcp: ["mcp", "shared"],
  actions: ["actions", "shared"],
  shared: ["shared"],
};

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^;"']*?from\s*["'](\.[^"']+)["']|import\s*\(\s*["'](\.[^"']+)["']\s*\)|(?:^|\n)\s*import\s*["'](\.[^"']+)["']/g;

/** @returns One line for each import that goes the wrong way. */
export function importFaults(root: string): string[] {
  return Object.entries(MAY_IMPORT).flatMap(([room, allowed]) =>
    filesOf(join(root, room)).flatMap((file) =>
      importsOf(readFileSync(file, "utf8"))
        .map((specifier) => relative(root, join(dirname(file), specifier)))
        .filter((target) => !allowed.includes(target.split("/")[0] ?? ""))
        .map((target) => `${relative(root, file)} imports ${target}: ${room} may import only ${allowed.join(" and ")}`),
    ),
  );
}

function importsOf(source: string): string[] {
  return [...source.matchAll(IMPORT)].map(([, from, dynamic, bare]) => from ?? dynamic ?? bare ?? "");
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.m?ts$/.test(name))
    .map((name) => join(folder, name));
}

if (import.meta.main) {
  const faults = importFaults(fileURLToPath(new URL("..", import.meta.url)));
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
