import { LRUCache } from "lru-cache";
import { markdown, readMarkdown } from "../shared/capabilities/knowledge/document.ts";
import { readDocument } from "../shared/capabilities/knowledge/folder.ts";
import { conditional, publicly } from "../shared/http/etag.ts";
import { type Exchange, HttpError, type Reply } from "../shared/http/exchange.ts";
import type { Service } from "../shared/service.ts";
import { requireMethod } from "./faults.ts";
import { createReadingPage } from "./reading-page.ts";

const PREFIX = "/knowledge/";
/** Seconds. */
const MAX_AGE = 60;
/** Characters of documents and their pages. */
const MAX_KEPT = 16_000_000;

const PAGE = createReadingPage(
  "h1,h2,h3{line-height:1.25;margin-top:2rem}pre{overflow-x:auto;padding:.75rem 1rem;background:#f3f4f7;border-radius:.5rem}code{font:.9em ui-monospace,Menlo,Consolas,monospace}table{border-collapse:collapse;display:block;overflow-x:auto}th,td{padding:.35rem .7rem;border:1px solid #c9cfdb;text-align:left;vertical-align:top}@media(prefers-color-scheme:dark){pre{background:#1d222d}th,td{border-color:#3a4254}}",
);

/**
 * `/knowledge/{path}`: a document of the knowledge folder, where a result of `search` leads a person. Who may open it is
 * the configuration's to say; whoever may not learns nothing of what is there.
 */
export async function handleKnowledgePage(exchange: Exchange, service: Service): Promise<Reply> {
  requireMethod(exchange, ["GET", "HEAD"]);
  const { config } = service;
  const { folder, pages } = config.capabilities.knowledge;
  const open = pages === "public" || (pages === "local" && exchange.loopback);
  const path = open && config.capabilityPacks.includes("knowledge") ? pathOf(exchange.path) : undefined;
  const content = path === undefined ? undefined : await readDocument(folder, path);
  if (path === undefined || !content) throw new HttpError(404, "There is no such document.");
  exchange.note({ document: path });
  const page = await service.part(createPages)(path, content.text);
  return conditional(exchange, publicly(page, PAGE.headers, MAX_AGE));
}

/** Pages that were asked for lately: rendering takes longer than all the rest, and anyone may ask. */
function createPages() {
  const rendered = new LRUCache<string, { readonly text: string; readonly page: string }>({
    maxSize: MAX_KEPT,
    sizeCalculation: ({ text, page }) => text.length + page.length,
  });
  return async (path: string, text: string): Promise<string> => {
    const known = rendered.get(path);
    if (known?.text === text) return known.page;
    const { title, body } = readMarkdown(path, text);
    const page = await renderPage(title, body);
    rendered.set(path, { text, page });
    return page;
  };
}

function pathOf(path: string): string | undefined {
  try {
    return decodeURIComponent(path.slice(PREFIX.length));
  } catch {
    return undefined;
  }
}

/** Everything of the document is escaped by the parser, which makes no HTML and no script of it. */
async function renderPage(title: string, body: string): Promise<string> {
  const parser = await markdown();
  return PAGE.render(parser.utils.escapeHtml(title), `<main>\n${parser.render(body)}</main>`);
}
