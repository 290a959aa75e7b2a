import type { MarkdownIt, Token } from "markdown-it";

/** A Markdown file as people see it. */
export interface Document {
  /** One line. */
  readonly title: string;
  /** The Markdown without its front matter. */
  readonly body: string;
}

/** What full-text search is told of a piece of Markdown: its words without the marks. */
export interface Words {
  readonly headings: string;
  readonly text: string;
}

const MAX_TITLE = 200;
/** Characters that are looked at to find a title. */
const MAX_LINE = 1_000;
/** Characters that a part has when written as JSON, so that with all around it GPT Actions take it. */
const MAX_PART = 60_000;

let loaded: Promise<MarkdownIt> | undefined;

/** The parser, loaded when it is first needed. HTML in a document stays text; links to scripts are no links. */
export function markdown(): Promise<MarkdownIt> {
  loaded ??= import("markdown-it").then(({ default: createParser }) => createParser({ html: false, linkify: false }));
  return loaded;
}

/** The title of the front matter, else the first heading of level 1, else the file's name. */
export function readMarkdown(path: string, source: string): Document {
  const frontMatter = /^---[ \t]*\r?\n([\s\S]*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/.exec(source);
  const body = source.slice(frontMatter?.[0].length ?? 0).replace(/^\s*\n/, "");
  const title = titleIn(frontMatter?.[1] ?? "") ?? headingIn(body) ?? nameIn(path);
  return { title: title.replace(/\s+/g, " ").trim().slice(0, MAX_TITLE).toWellFormed(), body: body.toWellFormed() };
}

function titleIn(frontMatter: string): string | undefined {
  const value = lineAfter(/^title:(?=[ \t])/m, frontMatter);
  const quoted = /^"((?:[^"\\]|\\.)*)"|^'((?:[^']|'')*)'/.exec(value ?? "");
  if (quoted) return present(quoted[1]?.replace(/\\(.)/g, "$1") ?? quoted[2]?.replaceAll("''", "'"));
  return present(value?.replace(/\s#.*$/, ""));
}

function headingIn(body: string): string | undefined {
  const withoutCode = body.replace(/^(`{3,}|~{3,})[\s\S]*?(?:^\1|$(?![\s\S]))/gm, "");
  const line = lineAfter(/^#(?=[ \t])/m, withoutCode)?.replace(/(?:^|[ \t]+)#+$/, "");
  return present(line?.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, ""));
}

/** The rest of a line, as far as a title can go: what is looked for in it next could take long in a longer one. */
function lineAfter(mark: RegExp, text: string): string | undefined {
  const found = mark.exec(text);
  if (!found) return undefined;
  const start = found.index + found[0].length;
  return text
    .slice(start, start + MAX_LINE)
    .split(/[\r\n]/, 1)[0]
    ?.trim();
}

function nameIn(path: string): string {
  const file = path.slice(path.lastIndexOf("/") + 1).replace(/\.[^.]*$/, "");
  return present(file.replace(/[-_]+/g, " ")) ?? path;
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? undefined : text;
}

/** What a reader reads, without Markdown's marks. */
export async function wordsOf(text: string): Promise<Words> {
  const headings: string[] = [];
  const rest: string[] = [];
  let inHeading = false;
  for (const token of (await markdown()).parse(text, {})) {
    if (token.type === "heading_open" || token.type === "heading_close") inHeading = token.type === "heading_open";
    else if (token.type === "inline") (inHeading ? headings : rest).push(inlineWords(token.children ?? []));
    else if (token.type === "fence" || token.type === "code_block") rest.push(token.content);
  }
  return { headings: headings.join("\n"), text: rest.join("\n") };
}

function inlineWords(tokens: readonly Token[]): string {
  return tokens.map(({ type, content }) => (type === "softbreak" || type === "hardbreak" ? " " : content)).join("");
}

/** Cuts a body into parts that can be handed over in one answer: before a heading where there is one, else between lines. */
export function partsOf(body: string): readonly string[] {
  if (lengthAsJson(body) <= MAX_PART) return [body];
  const parts: string[] = [];
  let lines: string[] = [];
  let length = 0;
  const end = (upTo: number) => {
    parts.push(lines.slice(0, upTo).join(""));
    lines = lines.slice(upTo);
    length = lines.reduce((sum, line) => sum + lengthAsJson(line), 0);
  };
  for (const line of linesOf(body)) {
    const more = lengthAsJson(line);
    while (lines.length > 0 && length + more > MAX_PART) end(cutBefore(lines));
    lines.push(line);
    length += more;
  }
  return lines.length > 0 ? [...parts, lines.join("")] : parts;
}

/** The last heading in the second half, or the end. */
function cutBefore(lines: readonly string[]): number {
  const heading = lines.findLastIndex((line, index) => index > lines.length / 2 && /^#{1,6}[ \t]/.test(line));
  return heading === -1 ? lines.length : heading;
}

/** Lines with their ends; those too long for a part in pieces that keep whole characters. */
function linesOf(body: string): string[] {
  const longest = Math.floor(MAX_PART / 6);
  return (body.match(/[^\n]*\n|[^\n]+$/g) ?? []).flatMap((line) => {
    const pieces: string[] = [];
    for (let rest = line; rest !== ""; ) {
      const half = rest.length > longest && /[\uD800-\uDBFF]/.test(rest.charAt(longest - 1)) ? 1 : 0;
      pieces.push(rest.slice(0, longest - half));
      rest = rest.slice(longest - half);
    }
    return pieces;
  });
}

function lengthAsJson(text: string): number {
  return JSON.stringify(text).length;
}
