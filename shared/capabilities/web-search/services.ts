import { z } from "zod";
import type { WebSearchSettings } from "../../config-capabilities.ts";
import type { OutsideQuestion } from "../outside-service.ts";

export interface WebResult {
  readonly title: string;
  readonly url: string;
  readonly text: string;
}

/** How one service is asked, and what it answers. */
export type WebSearchService = (query: string, count: number) => OutsideQuestion<readonly WebResult[]>;

type Configured = Pick<WebSearchSettings, "url" | "key">;

/** https://api-dashboard.search.brave.com/app/documentation/web-search */
function brave({ url = "https://api.search.brave.com", key = "" }: Configured): WebSearchService {
  const answer = z
    .object({
      type: z.literal("search"),
      // Absent when nothing is found.
      web: z
        .object({ results: z.array(z.object({ title: z.string(), url: z.string(), description: z.string().default("") })) })
        .default({ results: [] }),
    })
    .transform(({ web }) => web.results.map(({ description, ...result }) => ({ ...result, text: description })));
  return (query, count) => ({
    // It marks the words that were found unless it is told not to.
    url: address(`${url}/res/v1/web/search`, { q: query, count: String(count), text_decorations: "false" }),
    headers: { "x-subscription-token": key },
    answer,
  });
}

/** https://docs.tavily.com/documentation/api-reference/endpoint/search */
function tavily({ url = "https://api.tavily.com", key = "" }: Configured): WebSearchService {
  const answer = z
    .object({ results: z.array(z.object({ title: z.string(), url: z.string(), content: z.string().default("") })) })
    .transform(({ results }) => results.map(({ content, ...result }) => ({ ...result, text: content })));
  return (query, count) => ({
    url: new URL(`${url}/search`),
    headers: { authorization: `Bearer ${key}` },
    body: { query, max_results: count, search_depth: "basic" },
    answer,
  });
}

/** https://docs.searxng.org/dev/search_api.html */
function searxng({ url = "", key }: Configured): WebSearchService {
  const answer = z
    .object({ results: z.array(z.object({ title: z.string(), url: z.string(), content: z.string().nullish() })) })
    .transform(({ results }) => results.map(({ content, ...result }) => ({ ...result, text: content ?? "" })));
  return (query) => ({
    url: address(`${url}/search`, { q: query, format: "json" }),
    ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
    answer,
  });
}

function address(base: string, query: Readonly<Record<string, string>>): URL {
  const url = new URL(base);
  url.search = new URLSearchParams(query).toString();
  return url;
}

const SERVICES = { brave, tavily, searxng } as const satisfies Readonly<
  Record<WebSearchSettings["service"], (configured: Configured) => WebSearchService>
>;

export function webSearchService({ service, ...configured }: WebSearchSettings): WebSearchService {
  return SERVICES[service](configured);
}
