import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask } from "../ask.mts";
import { type Portico, startPortico } from "../contenders.mts";
import { inTurns, type NextRequest, type Request } from "../load.mts";
import { APP, MACHINE, MCP, type Production, PUBLIC_URL, personOf, REDIRECT_URI, writeGrants } from "../production.mts";
import { always, type Contender, compete, rateRatio, rowsOf } from "../rounds.mts";
import { atLeast, type Bench, type Report, type Scenario } from "../scenario.mts";
import type { ServerProcess } from "../server-process.mts";
import {
  CODE_CHALLENGE,
  clientCredentials,
  redeem,
  redeemable,
  redeemEach,
  refresh,
  refreshable,
  refreshChains,
} from "../token-requests.mts";

const PATH = "/oauth/token";
const RIVAL_PATH = "/token";
const CONNECTIONS = 32;
/** No server that signs an RS256 token a request is faster than this. */
const MOST_A_SECOND = 2_000;

/** The RSA key of this production's set. */
export function privateJwkOf({ env }: Production): string {
  const { keys } = JSON.parse(env["SIGNING_KEYS_JSON"] ?? "") as { readonly keys: readonly { readonly kty: string }[] };
  return JSON.stringify(keys.find(({ kty }) => kty === "RSA"));
}

/** oidc-provider with the same key, client and resource. */
export function startOidcProvider(bench: Bench, production: Production): Promise<ServerProcess> {
  const secretBasic = { token_endpoint_auth_method: "client_secret_basic", response_types: [] };
  return bench.start("rivals/oidc-provider.mts", {
    BENCH_ISSUER: PUBLIC_URL,
    BENCH_AUDIENCE: MCP,
    BENCH_PRIVATE_JWK: privateJwkOf(production),
    BENCH_CODE_CHALLENGE: CODE_CHALLENGE,
    BENCH_CLIENTS: JSON.stringify([
      {
        ...secretBasic,
        client_id: APP.id,
        client_secret: APP.secret,
        redirect_uris: [REDIRECT_URI],
        response_types: ["code"],
        grant_types: ["authorization_code", "refresh_token"],
      },
      { ...secretBasic, client_id: MACHINE.id, client_secret: MACHINE.secret, redirect_uris: [], grant_types: ["client_credentials"] },
    ]),
  });
}

/** A reply of the token endpoint. @throws {Error} when it has no signed token. */
async function replyOf(server: ServerProcess, request: Request): Promise<string> {
  const { body } = await ask(server, request);
  const { access_token: token } = JSON.parse(body) as { readonly access_token?: string };
  if (token?.split(".").length !== 3) throw new Error(`no signed access token: ${body.slice(0, 300)}`);
  return body;
}

/** The signing floor: it signs as many tokens as are in this reply of Portico. */
export async function startSigningFloor(bench: Bench, production: Production, reply: string): Promise<ServerProcess> {
  const file = join(mkdtempSync(join(bench.folder, "floor-")), "body");
  writeFileSync(file, reply);
  return bench.start("rivals/floor-sign.mts", { FLOOR_BODY: file, BENCH_PRIVATE_JWK: privateJwkOf(production) });
}

export const clientCredentialsScenario: Scenario = {
  about: "client_credentials, RS256 and EdDSA: the signing floor, oidc-provider",
  async run(bench) {
    const { server, production } = await startPortico(bench);
    const edwards = await startPortico(bench, { env: { ACCESS_TOKEN_ALG: "EdDSA" } });
    const request = clientCredentials(PATH);
    const floor = await startSigningFloor(bench, production, await replyOf(server, request));
    const rival = await startOidcProvider(bench, production);
    for (const one of [edwards.server, floor]) await replyOf(one, request);
    await replyOf(rival, clientCredentials(RIVAL_PATH));
    const prepare = always(inTurns([request]));
    const measures = await compete(
      [
        { name: "Portico", server, prepare },
        { name: "Portico, EdDSA", server: edwards.server, prepare },
        { name: "signing floor", server: floor, prepare },
        { name: "oidc-provider", server: rival, prepare: always(inTurns([clientCredentials(RIVAL_PATH)])) },
      ],
      bench,
    );
    return {
      tables: [{ name: "client_credentials", rows: rowsOf(measures) }],
      targets: [
        atLeast("client_credentials, RS256: Portico / signing floor", rateRatio(measures, "Portico", "signing floor"), 0.92),
        atLeast("client_credentials, RS256: Portico / oidc-provider", rateRatio(measures, "Portico", "oidc-provider"), 1.28),
        atLeast("client_credentials, EdDSA: Portico / oidc-provider's RS256", rateRatio(measures, "Portico, EdDSA", "oidc-provider"), 6),
      ],
    };
  },
};

/** Counts grants through a scenario, so that none is written twice. */
function createCounter(): (count: number) => readonly number[] {
  let next = 0;
  return (count) => Array.from({ length: count }, () => next++);
}

async function madeBy(rival: ServerProcess, what: "codes" | "refresh-tokens", count: number): Promise<string[]> {
  const { body } = await ask(rival, { method: "GET", path: `/bench/${what}?count=${count}`, headers: {} });
  return JSON.parse(body) as string[];
}

export const codeExchange: Scenario = {
  about: "authorization codes exchanged, each once, PKCE checked: the signing floor, oidc-provider",
  async run(bench) {
    const { server, production } = await startPortico(bench, { grants: [] });
    const numbers = createCounter();
    const codes = async (count: number) => {
      const made = numbers(count).map(redeemable);
      await writeGrants(production.stateFile, made);
      return made.map(({ code }) => code);
    };
    const [first = ""] = await codes(1);
    const floor = await startSigningFloor(bench, production, await replyOf(server, redeem(PATH, first)));
    const rival = await startOidcProvider(bench, production);
    await replyOf(rival, redeem(RIVAL_PATH, (await madeBy(rival, "codes", 1))[0] ?? ""));
    const inRound = (seconds: number) => Math.ceil(seconds * MOST_A_SECOND);
    const measures = await compete(
      [
        { name: "Portico", server, prepare: async (seconds) => redeemEach(PATH, await codes(inRound(seconds))) },
        { name: "signing floor", server: floor, prepare: always(inTurns([redeem(PATH, first)])) },
        {
          name: "oidc-provider",
          server: rival,
          prepare: async (seconds) => redeemEach(RIVAL_PATH, await madeBy(rival, "codes", inRound(seconds))),
        },
      ],
      bench,
    );
    return {
      tables: [{ name: "code exchange; Portico's state in SQLite, oidc-provider's in memory", rows: rowsOf(measures) }],
      targets: [],
    };
  },
};

/** Refreshing, each connection a grant of its own that is new in each round. */
export function refresher(name: string, { server }: Pick<Portico, "server">, isPublic: boolean, write: Write): Contender {
  return { name, server, prepare: async () => chains(PATH, isPublic, write), options: { keepsReplies: true } };
}

/** Puts grants into the state of a running service. */
export type Write = (grants: readonly ReturnType<typeof refreshable>[]) => Promise<void>;
const numbers = createCounter();

async function chains(path: string, isPublic: boolean, write: Write): Promise<NextRequest> {
  const made = numbers(CONNECTIONS).map((number) => refreshable(number, isPublic));
  await write(made);
  return refreshChains(
    path,
    made.map(({ refreshToken }) => refreshToken),
    isPublic,
  );
}

/** What a first refresh answers. */
export async function refreshReply({ server }: Pick<Portico, "server">, isPublic: boolean, write: Write): Promise<string> {
  const one = refreshable(numbers(1)[0] ?? 0, isPublic);
  await write([one]);
  return replyOf(server, refresh(PATH, one.refreshToken, isPublic));
}

export const refreshing: Scenario = {
  about: "refresh: rotating and durable before the reply (a public client), with a secret; the signing floor, oidc-provider",
  async run(bench): Promise<Report> {
    const portico = await startPortico(bench, { grants: [] });
    const { production } = portico;
    const write: Write = (grants) => writeGrants(production.stateFile, grants);
    const floor = await startSigningFloor(bench, production, await refreshReply(portico, true, write));
    const rival = await startOidcProvider(bench, production);
    const measures = await compete(
      [
        refresher("Portico, rotating", portico, true, write),
        refresher("Portico, with a secret", portico, false, write),
        { name: "signing floor", server: floor, prepare: always(inTurns([refresh(PATH, personOf(0).subject, true)])) },
        {
          name: "oidc-provider, rotating",
          server: rival,
          prepare: async () => refreshChains(RIVAL_PATH, await madeBy(rival, "refresh-tokens", CONNECTIONS), false),
          options: { keepsReplies: true },
        },
      ],
      bench,
    );
    return {
      tables: [{ name: "refresh; Portico's state in SQLite, oidc-provider's in memory", rows: rowsOf(measures) }],
      targets: [atLeast("refresh on SQLite: Portico / signing floor", rateRatio(measures, "Portico, rotating", "signing floor"), 0.8)],
    };
  },
};
