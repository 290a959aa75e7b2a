import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { VARIABLES, type Variable } from "../shared/config-variables.ts";

/** Writes `.env.example` and `docs/reference/configuration.md` from the variables' own definitions. */

type Entry = readonly [name: string, variable: Variable];

const entries: readonly Entry[] = Object.entries(VARIABLES);

export function renderEnvExample(): string {
  const blocks = entries.map(([name, variable]) => `${comment(variable.about)}\n# ${production(variable)}\n# ${name}=${variable.example}`);
  return `# Copy to .env and take the # off what you set. docs/reference/configuration.md has the same as a table.\n\n${blocks.join("\n\n")}\n`;
}

export function renderReference(): string {
  const rows = entries.map(
    ([name, variable]) =>
      `### \`${name}\`\n\n${variable.about}\n\n- Development: ${variable.development === undefined ? "unset" : `\`${variable.development}\``}\n- ${production(variable)}\n- Example: \`${variable.example}\`\n`,
  );
  return `# Configuration\n\nEnvironment variables, read once at the start; an empty one counts as unset. All faults are reported together and the start fails.\nThis page is written by \`npm run configuration\`.\n\n${rows.join("\n")}`;
}

function production(variable: Variable): string {
  if (variable.requiredInProduction) return "Production: must be set";
  return `Production: ${variable.production === undefined ? "unset" : `\`${variable.production}\``}`;
}

/** Wrapped at the last space before the 100th column. */
function comment(text: string): string {
  return (text.match(/.{1,98}(?:\s|$)/g) ?? []).map((line) => `# ${line.trim()}`).join("\n");
}

/** Each generated file with what it must hold. */
export const GENERATED: readonly { readonly path: string; readonly render: () => string }[] = [
  { path: ".env.example", render: renderEnvExample },
  { path: "docs/reference/configuration.md", render: renderReference },
];

export function generatedFile(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
}

if (import.meta.main) {
  for (const { path, render } of GENERATED) writeFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), render());
}
