import { ask } from "../ask.mts";
import { startFloorLike, startPortico } from "../contenders.mts";
import { inTurns, type Request } from "../load.mts";
import { always, type Contender, compete, type Measures, rateRatio, rowsOf } from "../rounds.mts";
import { atLeast, type Scenario } from "../scenario.mts";
import type { ServerProcess } from "../server-process.mts";
import { startOidcProvider } from "./token.mts";

function get(path: string): Request {
  return { method: "GET", path, headers: { accept: "application/json" } };
}

async function reader(name: string, server: ServerProcess, path: string): Promise<Contender> {
  JSON.parse((await ask(server, get(path))).body);
  return { name, server, prepare: always(inTurns([get(path)])) };
}

const DOCUMENTS = [
  { name: "discovery", path: "/.well-known/openid-configuration", rivalPath: "/.well-known/openid-configuration", overRival: 2.4 },
  { name: "JWKS", path: "/.well-known/jwks.json", rivalPath: "/jwks", overRival: 3.6 },
] as const;

export const discovery: Scenario = {
  about: "OpenID discovery and JWKS: a bare server that writes the same bytes, oidc-provider",
  async run(bench) {
    const { server, production } = await startPortico(bench);
    const rival = await startOidcProvider(bench, production);
    const found: { readonly document: (typeof DOCUMENTS)[number]; readonly measures: Measures }[] = [];
    for (const document of DOCUMENTS) {
      const floor = await startFloorLike(server, get(document.path), bench);
      const measures = await compete(
        [
          await reader("Portico", server, document.path),
          await reader("floor", floor, document.path),
          await reader("oidc-provider", rival, document.rivalPath),
        ],
        bench,
      );
      found.push({ document, measures });
    }
    return {
      tables: found.map(({ document, measures }) => ({ name: document.name, rows: rowsOf(measures) })),
      targets: found.flatMap(({ document: { name, overRival }, measures }) => [
        atLeast(`${name}: Portico / floor`, rateRatio(measures, "Portico", "floor"), 0.9),
        atLeast(`${name}: Portico / oidc-provider`, rateRatio(measures, "Portico", "oidc-provider"), overRival),
      ]),
    };
  },
};
