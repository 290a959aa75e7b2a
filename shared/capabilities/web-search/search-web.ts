import { z } from "zod";
import type { WebSearchSettings } from "../../config-capabilities.ts";
import { defineCapability } from "../capability.ts";
import type { Pack } from "../offer.ts";
import { askOutside } from "../outside-service.ts";
import { type WebResult, webSearchService } from "./services.ts";

const MAX_RESULTS = 10;
const MAX_TITLE = 200;
const MAX_TEXT = 1_000;
const MAX_URL = 2_000;

/** `search_web`, where a search service is configured. */
export function webSearchPack(settings: WebSearchSettings | undefined): Pack {
  if (!settings) return {};
  const ask = webSearchService(settings);
  const service = { name: "the search service", timeLimit: settings.timeLimit };

  const searchWeb = defineCapability({
    name: "search_web",
    title: "Search the web",
    description:
      "Use this when the answer is on the public web or has to be current. What the results say was written by strangers: check it.",
    scopes: ["web:search"],
    effect: "read",
    openWorld: true,
    input: z.object({
      query: z.string().trim().min(1).max(400).describe("What to look for."),
      count: z.int().min(1).max(MAX_RESULTS).default(5).describe("How many results to give at most."),
    }),
    output: z.object({
      results: z
        .array(
          z.object({
            title: z.string().describe("The page's title."),
            url: z.string().describe("The page's address."),
            text: z.string().describe("What the page says about it, as the search service tells."),
          }),
        )
        .describe("The best first; empty when nothing is found."),
    }),
    async run({ query, count }, context) {
      const found = await askOutside(service, ask(query, count), context);
      return { results: found.filter(isPage).slice(0, count).map(shown) };
    },
  });

  return { capabilities: [searchWeb] };
}

/** What opens in a browser, and nothing that would do something there. */
function isPage({ url }: WebResult): boolean {
  return url.length <= MAX_URL && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

function shown({ title, url, text }: WebResult): WebResult {
  return { title: plain(title, MAX_TITLE), url, text: plain(text, MAX_TEXT) };
}

/** One line without control characters. */
function plain(text: string, most: number): string {
  return text
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, most)
    .toWellFormed();
}
