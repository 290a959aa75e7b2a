import { ask } from "../ask.mts";
import { rivalEnv, startFloorLike, startPorticoWith } from "../contenders.mts";
import { inTurns, type Request } from "../load.mts";
import { legacy, modern } from "../mcp-requests.mts";
import { personOf } from "../production.mts";
import { always, type Contender, compete, rateRatio, rowsOf } from "../rounds.mts";
import { atLeast, type Bench, type Scenario, type Table, type Verdict } from "../scenario.mts";
import type { ServerProcess } from "../server-process.mts";

interface Listing {
  readonly tools: readonly unknown[];
  readonly nextCursor?: string;
}

async function listingOf(server: ServerProcess, request: Request): Promise<Listing> {
  const { body } = await ask(server, request);
  const { result } = JSON.parse(body) as { readonly result?: Listing };
  if (!result) throw new Error(`no listing: ${body.slice(0, 500)}`);
  return result;
}

/** A request for each page of the list. @throws {Error} when there are not as many tools as there should be. */
async function pagesOf(server: ServerProcess, requestOf: (params: object) => Request, tools: number): Promise<Request[]> {
  const pages = [requestOf({})];
  let found = 0;
  for (;;) {
    const { tools: page, nextCursor } = await listingOf(server, pages.at(-1) as Request);
    found += page.length;
    if (nextCursor === undefined) break;
    pages.push(requestOf({ cursor: nextCursor }));
  }
  if (found !== tools) throw new Error(`${found} tools are listed instead of ${tools}`);
  return pages;
}

async function lister(name: string, server: ServerProcess, requestOf: (params: object) => Request, tools: number): Promise<Contender> {
  const pages = await pagesOf(server, requestOf, tools);
  return { name: pages.length === 1 ? name : `${name} (${pages.length} pages)`, server, prepare: always(inTurns(pages)) };
}

async function measureListing(tools: number, bench: Bench): Promise<{ readonly table: Table; readonly targets: readonly Verdict[] }> {
  const { server, production } = await startPorticoWith(tools, bench);
  const token = production.token(personOf(0));
  const now = (params: object) => modern(token, "tools/list", { ...params });
  const then = (params: object) => legacy(token, "tools/list", { ...params });
  // To make 200 tools' schemas for each request would be most of what is measured.
  const env = { ...rivalEnv(production), BENCH_TOOLS: String(tools), BENCH_SCHEMAS: "shared" };
  const portico = await lister("Portico", server, now, tools);
  const first = now({});
  const measures = await compete(
    [
      portico,
      { name: "floor, a page", server: await startFloorLike(server, first, bench), prepare: always(inTurns([first])) },
      await lister("SDK v2", await bench.start("rivals/sdk-v2.mts", env), now, tools),
      await lister("SDK v1 stateless", await bench.start("rivals/sdk-v1-stateless.mts", env), then, tools),
      await lister("fastmcp stateless", await bench.start("rivals/fastmcp.mts", env), then, tools),
    ],
    bench,
  );
  return {
    table: { name: `tools/list, ${tools} tools, requests (a page each)`, rows: rowsOf(measures) },
    targets:
      tools === 200 ? [atLeast("tools/list, 200 tools: Portico / floor", rateRatio(measures, portico.name, "floor, a page"), 0.8)] : [],
  };
}

export const toolsList: Scenario = {
  about: "tools/list with 5 and with 200 tools: a bare server that writes the same bytes, the SDKs, fastmcp",
  async run(bench) {
    const [few, many] = [await measureListing(5, bench), await measureListing(200, bench)];
    return { tables: [few.table, many.table], targets: [...few.targets, ...many.targets] };
  },
};
