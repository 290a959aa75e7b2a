import { existsSync, statSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import type { Finding, Source } from "./source.mts";

interface Import {
  readonly from: string;
  readonly at: number;
  readonly typeOnly: boolean;
}

/** What a module must not do so that Encore can parse and bundle it, and plain Node can run it without Encore. */
export function moduleFindings(source: Source, root: string, services: readonly string[]): readonly Finding[] {
  return [
    ...source.parsed.errors.map((error) =>
      source.finding(error.labels[0]?.start ?? 0, `it does not parse: ${error.message}`, "Mend the syntax."),
    ),
    ...importMetaFindings(source),
    ...computedImportFindings(source),
    ...importsOf(source).flatMap((one) => importFindings(source, one, root, services)),
  ];
}

/** `encore.service.ts` declares a service of its folder's name, directly below the root, and does nothing else. */
export function serviceFindings(source: Source): readonly Finding[] {
  const folder = posix.dirname(source.file);
  if (folder === "." || folder.includes("/")) {
    return [source.finding(0, "a service is not a folder directly below the root", "Services stand side by side and are not nested.")];
  }
  const wanted = `import { Service } from "encore.dev/service";\n\nexport default new Service("${folder}");`;
  const [first, second, ...others] = source.parsed.program.body;
  const made = second?.type === "ExportDefaultDeclaration" && second.declaration.type === "NewExpression" ? second.declaration : undefined;
  const [name, ...more] = made?.arguments ?? [];
  const declared =
    first?.type === "ImportDeclaration" &&
    first.source.value === "encore.dev/service" &&
    made?.callee.type === "Identifier" &&
    made.callee.name === "Service" &&
    name?.type === "Literal" &&
    name.value === folder;
  if (declared && more.length === 0 && others.length === 0) return [];
  return [
    source.finding(second?.start ?? 0, `it is more or less than the service "${folder}"`, `Write only: ${wanted.replace(/\n+/g, " ")}`),
  ];
}

function importMetaFindings(source: Source): readonly Finding[] {
  return source.parsed.module.importMetas.map(({ start }) =>
    source.finding(
      start,
      "import.meta is a bundle's under Encore, not this file's",
      "Embed what you would read beside the file in TypeScript.",
    ),
  );
}

function computedImportFindings({ parsed, text, finding }: Source): readonly Finding[] {
  return parsed.module.dynamicImports
    .filter(({ moduleRequest }) => !isLiteral(text.slice(moduleRequest.start, moduleRequest.end)))
    .map(({ start }) =>
      finding(start, "what is imported is computed, so that it is missing from a bundle", "Name the module in a literal."),
    );
}

function isLiteral(text: string): boolean {
  return /^(["'])[^"'\\]*\1$/.test(text);
}

function importsOf({ parsed, text }: Source): readonly Import[] {
  const { staticImports, staticExports, dynamicImports } = parsed.module;
  const imports: readonly Import[] = staticImports.map(({ start, moduleRequest, entries }) => ({
    from: moduleRequest.value,
    at: start,
    typeOnly: entries.length > 0 && entries.every((entry) => entry.isType),
  }));
  const exported = staticExports.flatMap(({ start, entries }) => {
    const [entry] = entries.filter(({ moduleRequest }) => moduleRequest !== null);
    return entry?.moduleRequest ? [{ from: entry.moduleRequest.value, at: start, typeOnly: entries.every(({ isType }) => isType) }] : [];
  });
  const dynamic = dynamicImports
    .map(({ start, moduleRequest }) => ({ text: text.slice(moduleRequest.start, moduleRequest.end), at: start }))
    .filter((one) => isLiteral(one.text))
    .map((one) => ({ from: one.text.slice(1, -1), at: one.at, typeOnly: false }));
  // An import that is exported again is listed as both.
  const seen = new Map([...dynamic, ...exported, ...imports].map((one) => [`${one.from} ${one.typeOnly}`, one]));
  return [...seen.values()];
}

function importFindings(source: Source, { from, at, typeOnly }: Import, root: string, services: readonly string[]): readonly Finding[] {
  if (from.startsWith("./") || from.startsWith("../")) return resolves(root, source.file, from) ? [] : [unresolved(source, at, from)];
  if (from.startsWith("~encore/")) {
    return [source.finding(at, `${from} exists only in what Encore generates`, "Call the other room's code through shared/.")];
  }
  if (typeOnly || (from !== "encore.dev" && !from.startsWith("encore.dev/"))) return [];
  const folder = posix.dirname(source.file);
  if (from === "encore.dev/api" && services.includes(folder) && source.file === `${folder}/endpoints.ts`) return [];
  if (from === "encore.dev/service" && posix.basename(source.file) === "encore.service.ts") return [];
  const mend = "Only endpoints.ts of a service imports encore.dev/api, only encore.service.ts imports encore.dev/service; types are free.";
  return [source.finding(at, `${from} needs Encore's native library or is imported in the wrong file`, mend)];
}

function resolves(root: string, file: string, from: string): boolean {
  const target = join(root, dirname(file), from);
  return existsSync(target) && statSync(target).isFile();
}

function unresolved(source: Source, at: number, from: string): Finding {
  return source.finding(at, `${from} is not a file`, "Name an existing file with its extension.");
}
