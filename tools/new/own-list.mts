import { NewFault } from "./fault.mts";

/** Characters of a line, as the formatter has them. */
const LINE = 140;
const LIST = /export const own: NonNullable<Pack\["capabilities"\]> = \[([^\]]*)\];/;

/**
 * The source of own.ts with one capability more, formatted as it was.
 * @param file The capability's file, without its ending.
 * @throws {NewFault} when the list is not where it was, or has something of this name.
 */
export function withOwn(source: string, identifier: string, file: string): string {
  const items = LIST.exec(source)?.[1];
  if (items === undefined) throw new NewFault("shared/capabilities/own/own.ts has no list `export const own: … = [ … ];` any more");
  if (items.split(",").some((item) => item.trim() === identifier))
    throw new NewFault(`own.ts has ${identifier} already; choose another name`);
  const names = [...items.split(",").map((item) => item.trim()), identifier].filter((name) => name !== "");
  const imports = [...source.matchAll(/^import \{ \w+ \} from "\.\/.*";$/gm)].map(([line]) => line);
  const others = source.split("\n").filter((line) => !imports.includes(line));
  const line = `import { ${identifier} } from "./${file}.ts";`;
  const head = others.findLastIndex((text) => text.startsWith("import ")) + 1;
  const sorted = [...imports, line].sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1));
  return [...others.slice(0, head), ...sorted, ...others.slice(head)].join("\n").replace(LIST, () => renderList(names));
}

function pathOf(line: string): string {
  return line.slice(line.indexOf('"'));
}

function renderList(names: readonly string[]): string {
  const start = 'export const own: NonNullable<Pack["capabilities"]> = [';
  const line = `${start}${names.join(", ")}];`;
  return line.length <= LINE ? line : `${start}\n${names.map((name) => `  ${name},\n`).join("")}];`;
}
