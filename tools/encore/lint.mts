import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseApp } from "./app.mts";
import { serviceFolders } from "./endpoints.mts";
import { conflictingPaths, declaredEndpoints } from "./lint-endpoints.mts";
import { moduleFindings, serviceFindings } from "./lint-modules.mts";
import { type Finding, parseSource } from "./source.mts";

/**
 * Holds an app against the static rules of Encore's parser (1.58) and of this project's hosts, which the compiler does
 * not know: `node tools/encore/lint.mts [folder]` prints each finding and ends with 1 when there is one.
 */
export function lintApp(root: string): readonly Finding[] {
  const services = serviceFolders(root);
  const sources = appFiles(root).map((file) => parseSource(file, readFileSync(join(root, file), "utf8")));
  const endpoints = sources
    .filter(({ file }) => services.some((service) => file === `${service}/endpoints.ts`))
    .map((source) => declaredEndpoints(source, dirname(source.file)));
  return [
    ...appFindings(root),
    ...tsconfigFindings(root),
    ...services.flatMap((service) => missingEndpoints(root, service)),
    ...sources.flatMap((source) => moduleFindings(source, root, services)),
    ...sources.filter(({ file }) => /(^|\/)encore\.service\.ts$/.test(file)).flatMap(serviceFindings),
    ...endpoints.flatMap(({ findings }) => findings),
    ...conflictingPaths(endpoints.flatMap(({ declarations }) => declarations)),
  ];
}

/** The `.ts` files that Encore's parser reads: all but tests and what tools generate. */
function appFiles(root: string): readonly string[] {
  const skipped = (name: string) => /^(node_modules|encore\.gen|__tests__)$|^\.|\.(test|spec)\.ts$/.test(name);
  return globSync("**/*.ts", { cwd: root, exclude: (path) => path.split(/[\\/]/).some(skipped) })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => !file.split("/").some(skipped))
    .sort();
}

function appFindings(root: string): readonly Finding[] {
  if (!existsSync(join(root, "encore.app"))) {
    return [{ file: "encore.app", line: 1, message: "the app has none", mend: 'Begin with { "id": "", "lang": "typescript" }.' }];
  }
  try {
    parseApp(readFileSync(join(root, "encore.app"), "utf8"));
    return [];
  } catch (error) {
    return (error as Error).message
      .split("\n")
      .map((message) => ({ file: "encore.app", line: 1, message, mend: "Keep to the fields that Encore documents." }));
  }
}

/** Encore reads `paths` with a strict parser, which stops at a trailing comma. */
function tsconfigFindings(root: string): readonly Finding[] {
  const file = "tsconfig.json";
  if (!existsSync(join(root, file)))
    return [{ file, line: 1, message: "the app has none", mend: "Encore and editors need one at the root." }];
  try {
    JSON.parse(readFileSync(join(root, file), "utf8"));
    return [];
  } catch (error) {
    const line = Number(/line (\d+)/.exec((error as Error).message)?.[1] ?? 1);
    return [{ file, line, message: (error as Error).message, mend: "Write plain JSON, without comments and trailing commas." }];
  }
}

function missingEndpoints(root: string, service: string): readonly Finding[] {
  const file = `${service}/endpoints.ts`;
  if (existsSync(join(root, file))) return [];
  return [{ file, line: 1, message: `the service ${service} has none`, mend: "Declare its endpoints there." }];
}

if (import.meta.main) {
  const root = resolve(process.argv[2] ?? join(import.meta.dirname, "../.."));
  const findings = lintApp(root);
  for (const { file, line, message, mend } of findings) process.stdout.write(`${file}:${line}  ${message}. ${mend}\n`);
  process.exitCode = findings.length > 0 ? 1 : 0;
}
