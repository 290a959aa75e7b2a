import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, loadConfig } from "../../shared/config.ts";

type Env = Readonly<Record<string, string>>;

const ABROAD = { PUBLIC_URL: "https://portico.example.com" };

function faultsOf(env: Env): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map((fault) => fault.split(":")[0] ?? "");
  }
}

for (const [what, env, pages, baseUrl] of [
  ["this project's docs, at home", {}, "public", "http://localhost:4000/knowledge"],
  ["this project's docs, abroad", ABROAD, "public", "https://portico.example.com/knowledge"],
  ["a folder of one's own, at home", { KNOWLEDGE_DIR: "/srv" }, "local", "http://localhost:4000/knowledge"],
  [
    "a folder that is said to be public",
    { ...ABROAD, KNOWLEDGE_DIR: "/srv", KNOWLEDGE_PAGES: "public" },
    "public",
    "https://portico.example.com/knowledge",
  ],
  [
    "documents that are opened elsewhere",
    { ...ABROAD, KNOWLEDGE_DIR: "/srv", KNOWLEDGE_BASE_URL: "https://a.example/b//" },
    "elsewhere",
    "https://a.example/b",
  ],
] as const satisfies readonly (readonly [string, Env, string, string])[]) {
  test(`for ${what}, pages are ${pages}`, () => {
    const { knowledge } = loadConfig(env).capabilities;
    assert.equal(knowledge.pages, pages);
    assert.equal(knowledge.baseUrl, baseUrl);
  });
}

for (const [what, env, faults] of [
  ["a folder of one's own is shown to the world only if that is said", { ...ABROAD, KNOWLEDGE_DIR: "/srv" }, ["KNOWLEDGE_BASE_URL"]],
  ["a folder that nothing serves needs no address", { ...ABROAD, KNOWLEDGE_DIR: "/srv", CAPABILITIES: "core" }, []],
  ["pages are either here or elsewhere", { KNOWLEDGE_PAGES: "public", KNOWLEDGE_BASE_URL: "https://a.example" }, ["KNOWLEDGE_PAGES"]],
  ["Brave needs a key", { WEB_SEARCH: "brave" }, ["WEB_SEARCH_KEY"]],
  ["Tavily needs a key", { WEB_SEARCH: "tavily" }, ["WEB_SEARCH_KEY"]],
  ["SearXNG needs an address", { WEB_SEARCH: "searxng" }, ["WEB_SEARCH_URL"]],
  ["SearXNG needs no key", { WEB_SEARCH: "searxng", WEB_SEARCH_URL: "http://searx:8080" }, []],
  ["a key belongs to a service", { WEB_SEARCH_KEY: "x" }, ["WEB_SEARCH"]],
  ["a service is one of three", { WEB_SEARCH: "altavista" }, ["WEB_SEARCH"]],
  ["an address holds no credentials", { WEATHER_URL: "https://me:pw@weather.example" }, ["WEATHER_URL"]],
  ["an address holds no query", { WEATHER_URL: "https://weather.example/?a=b" }, ["WEATHER_URL"]],
  ["an address is one of the web", { WEATHER_URL: "file:///etc/passwd" }, ["WEATHER_URL"]],
] as const satisfies readonly (readonly [string, Env, readonly string[]])[]) {
  test(what, () => assert.deepEqual(faultsOf(env), faults));
}
