import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Operation, operationsOf } from "../actions/operations.ts";
import { ACTIONS_PATH } from "../shared/bearer/audience.ts";
import type { Access, Capability } from "../shared/capabilities/capability.ts";
import { PACK_NAMES, type PackName } from "../shared/capabilities/pack-names.ts";
import { createRegistry } from "../shared/capabilities/registry.ts";
import { SCOPES } from "../shared/capabilities/scopes.ts";
import { loadConfig } from "../shared/config.ts";

/** Writes `docs/reference/capabilities.md` from the capabilities' own definitions. */

export const REFERENCE = "docs/reference/capabilities.md";

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly [keyword: string]: unknown;
}

const ABOUT: Readonly<Record<PackName, string>> = {
  core: "Whether the service answers, and who the caller is.",
  todos: "A person's own to-do list: the pack to copy from when records are kept.",
  knowledge: "Full-text search over a folder of Markdown, as ChatGPT's company knowledge and deep research ask for it: `KNOWLEDGE_DIR`.",
  calculator: "Exact sums and units, by [mathjs](https://mathjs.org) behind a list of what may be used.",
  weather: "The weather by [Open-Meteo](https://open-meteo.com): `WEATHER_URL`. Without a key it is free for non-commercial use.",
  web_search: "The web by Brave, Tavily or SearXNG. Without `WEB_SEARCH` the pack is empty.",
  text_analysis: "Figures about a text, by word lists and formulas. Counts in 26 languages; readability and sentiment in English.",
  own: "What `npm run new -- capability NAME` writes.",
};

/** Settings with which nothing stays away. */
const EVERYTHING = { WEB_SEARCH: "searxng", WEB_SEARCH_URL: "https://searx.example.com" };

export function renderCapabilitiesReference(): string {
  const { capabilityPacks: standard } = loadConfig({});
  const packs = PACK_NAMES.map((name) => renderPack(name, standard.includes(name)));
  return `# Capabilities

\`CAPABILITIES\` names the packs that are offered; ${standard.map((name) => `\`${name}\``).join(", ")} when it is unset. Each
capability is an MCP tool and, where it says so, an operation of the OpenAPI document. This page is written by \`npm run capabilities\`.

${packs.join("\n")}`;
}

function renderPack(name: PackName, standard: boolean): string {
  const { catalog } = createRegistry({ ...loadConfig(EVERYTHING), capabilityPacks: [name] });
  const { capabilities } = catalog;
  const operations = operationsOf(catalog);
  const render = (capability: Capability) =>
    renderCapability(
      capability,
      operations.find((operation) => operation.capability === capability),
    );
  const items = capabilities.length === 0 ? "Nothing yet.\n" : capabilities.map(render).join("\n");
  return `## ${name}\n\n${ABOUT[name]}${standard ? "" : " Not offered unless it is named."}\n\n${items}`;
}

function renderCapability(capability: Capability, operation: Operation | undefined): string {
  const { name, title, description, access, effect, idempotent, openWorld, surfaces, aliases, inputSchema, outputSchema } = capability;
  const facts = [
    surfaces.includes("mcp") ? "MCP" : undefined,
    operation && `\`${operation.method.toUpperCase()} ${ACTIONS_PATH}/${name}\``,
    whoOf(access),
    effect === "read" || !idempotent ? effect : `${effect}, the same when repeated`,
    openWorld ? "asks services outside" : undefined,
    aliases.length > 0 ? `was ${aliases.map((alias) => `\`${alias}\``).join(", ")}` : undefined,
  ];
  const shown = facts.filter((fact) => fact !== undefined).join(" · ");
  const gives = outputSchema ? `Gives:\n\n${renderTable(outputSchema as Schema, false)}` : "Gives content to show.\n";
  return `### ${name}\n\n**${title}.** ${description}\n\n${shown}\n\n${renderInput(inputSchema as Schema)}\n${gives}`;
}

function whoOf(access: Access): string {
  if (access === "public") return "everyone, without signing in";
  if (access.length === 0) return "whoever has signed in";
  return access.map((scope) => `\`${scope}\` (${SCOPES[scope]})`).join(" and ");
}

function renderInput(schema: Schema): string {
  return Object.keys(schema.properties ?? {}).length === 0 ? "Takes nothing.\n" : `Takes:\n\n${renderTable(schema, true)}`;
}

function renderTable(schema: Schema, taken: boolean): string {
  const rows = rowsOf(schema, "").map(({ name, member, required }) => {
    const need = taken
      ? ` ${required ? "needed" : `optional${member.default === undefined ? "" : `, \`${JSON.stringify(member.default)}\``}`} |`
      : "";
    return `| \`${name}\` | ${typeOf(member)} |${need} ${cell(member.description ?? "")} |`;
  });
  const head = taken ? "| member | type | | |\n| --- | --- | --- | --- |" : "| member | type | |\n| --- | --- | --- |";
  return `${head}\n${rows.join("\n")}\n`;
}

interface Row {
  readonly name: string;
  readonly member: Schema;
  readonly required: boolean;
}

/** Members of members stand below their own, by their whole name. */
function rowsOf({ properties = {}, required = [] }: Schema, prefix: string): readonly Row[] {
  return Object.entries(properties).flatMap(([name, member]) => {
    const inner = member.items ?? member;
    const below = inner.properties ? rowsOf(inner, `${prefix}${name}${member.items ? "[]" : ""}.`) : [];
    return [{ name: `${prefix}${name}`, member, required: required.includes(name) }, ...below];
  });
}

function typeOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (schema.items)
    return `list of ${schema.items.properties ? "objects" : typeOf(schema.items)}${limitsOf(schema, "minItems", "maxItems", "")}`;
  if (schema.type === "string") return `${String(schema["format"] ?? "text")}${limitsOf(schema, "minLength", "maxLength", " characters")}`;
  if (schema.type === "integer") return `whole number${limitsOf(schema, "minimum", "maximum", "")}`;
  if (schema.type === "number") return `number${limitsOf(schema, "minimum", "maximum", "")}`;
  return schema.type ?? "anything";
}

/** The library writes the bounds of safe integers where there are none. */
function limitsOf(schema: Schema, least: string, most: string, unit: string): string {
  const from = schema[least];
  const to = schema[most];
  const bounded = (value: unknown): value is number => typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  if (bounded(from) && bounded(to)) return `, ${from} to ${to}${unit}`;
  if (bounded(to)) return `, at most ${to}${unit}`;
  return bounded(from) && from > 0 ? `, at least ${from}${unit}` : "";
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replace(/\s+/g, " ");
}

/** The page as it lies in the project. */
export function writtenReference(): string {
  return readFileSync(new URL(`../${REFERENCE}`, import.meta.url), "utf8");
}

if (import.meta.main) writeFileSync(fileURLToPath(new URL(`../${REFERENCE}`, import.meta.url)), renderCapabilitiesReference());
