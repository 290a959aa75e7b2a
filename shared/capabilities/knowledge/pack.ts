import { z } from "zod";
import type { KnowledgeSettings } from "../../config-capabilities.ts";
import { CapabilityError, defineCapability } from "../capability.ts";
import type { Pack } from "../offer.ts";
import { createKnowledge, type Knowledge } from "./knowledge.ts";

const MAX_RESULTS = 10;
const MAX_QUERY = 4_000;
const MAX_ID = 600;

/**
 * `search` and `fetch` exactly as ChatGPT's company knowledge and deep research call them: one text each, and answers of
 * this shape. The index is made at the first search.
 * @param stopping Ends the watching of the folder.
 */
export function knowledgePack(settings: KnowledgeSettings, stopping: AbortSignal | undefined): Pack {
  let made: Knowledge | undefined;
  const knowledge = (): Knowledge => {
    if (made) return made;
    const opened = createKnowledge(settings);
    if (stopping?.aborted) opened.close();
    else stopping?.addEventListener("abort", opened.close, { once: true });
    made = opened;
    return opened;
  };

  const search = defineCapability({
    name: "search",
    title: "Search the documents",
    description:
      "Use this when the answer may stand in the documents of this service. Gives documents with their ids, the best first; read one with fetch.",
    scopes: ["knowledge:read"],
    effect: "read",
    input: z.object({ query: z.string().max(MAX_QUERY).describe("What to look for: a few words, or a question.") }),
    output: z.object({
      results: z
        .array(
          z.object({
            id: z.string().describe("Give it to fetch."),
            title: z.string().describe("The document's title."),
            url: z.string().describe("Where a person can open the document."),
            text: z.string().describe("What stands around the words that were found."),
          }),
        )
        .describe("The documents that fit, the best first; empty when none does."),
    }),
    async run({ query }, { log }) {
      const found = await knowledge().search(query, MAX_RESULTS, log);
      return {
        results: found.map(({ path, part, title, snippet }) => ({
          id: idOf(path, part),
          title,
          url: urlOf(settings, path),
          text: snippet,
        })),
      };
    },
  });

  const fetch = defineCapability({
    name: "fetch",
    title: "Read a document",
    description: "Use this when you have the id of a document, as search gives it, and need its text. Long documents come in parts.",
    scopes: ["knowledge:read"],
    effect: "read",
    input: z.object({ id: z.string().max(MAX_ID).describe("The document's id, as search gives it.") }),
    output: z.object({
      id: z.string().describe("The document's id."),
      title: z.string().describe("The document's title."),
      text: z.string().describe("The document in Markdown, or a part of it."),
      url: z.string().describe("Where a person can open the document."),
      metadata: z
        .object({
          modified: z.string().describe("When the document was last changed."),
          part: z.string().optional().describe("Which part this is, of how many; absent when it is all."),
          next_id: z.string().optional().describe("The id with which fetch gives the next part; absent in the last."),
        })
        .describe("More about the document."),
    }),
    async run({ id }) {
      const wanted = readId(id);
      const part = wanted && (await knowledge().read(wanted.path, wanted.part));
      if (!part) throw new CapabilityError("not_found", "There is no document with this id. Use an id that search gave.");
      const more = part.part < part.parts;
      return {
        id,
        title: part.title,
        text: part.text,
        url: urlOf(settings, part.path),
        metadata: {
          modified: new Date(part.modifiedAt).toISOString(),
          ...(part.parts > 1 ? { part: `${part.part} of ${part.parts}` } : {}),
          ...(more ? { next_id: idOf(part.path, part.part + 1) } : {}),
        },
      };
    },
  });

  return { capabilities: [search, fetch] };
}

/** A document's path is its id. A part after the first is told by what no path can end with. */
function idOf(path: string, part: number): string {
  return part === 1 ? path : `${path}?part=${part}`;
}

function readId(id: string): { readonly path: string; readonly part: number } | undefined {
  const [, path, part] = /^(.+?)(?:\?part=([1-9]\d{0,3}))?$/s.exec(id) ?? [];
  return path === undefined ? undefined : { path, part: Number(part ?? 1) };
}

function urlOf({ baseUrl }: KnowledgeSettings, path: string): string {
  return `${baseUrl}/${path.split("/").map(encodeURIComponent).join("/")}`;
}
