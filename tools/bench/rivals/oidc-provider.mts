import { createServer, type ServerResponse } from "node:http";
import Provider, { type Adapter, type AdapterPayload, type JWKS } from "oidc-provider";
import { listening } from "./listening.mts";

/**
 * oidc-provider with state in memory, RS256 JWT access tokens for one resource and refresh tokens that rotate.
 * BENCH_PRIVATE_JWK is its key, BENCH_ISSUER its issuer, BENCH_AUDIENCE the resource, BENCH_CLIENTS its clients;
 * `GET /bench/codes?count=` and `/bench/refresh-tokens?count=` give what a consent would have led to, because no person
 * is there to consent a thousand times a second.
 */
const resource = process.env["BENCH_AUDIENCE"] ?? "";
const challenge = process.env["BENCH_CODE_CHALLENGE"] ?? "";
const SCOPE = "todos:read todos:write knowledge:read";

/** The adapter that it comes with forgets all but the last thousand records. */
function inMemory(): Adapter {
  const records = new Map<string, AdapterPayload>();
  return {
    upsert: async (id, payload) => void records.set(id, payload),
    find: async (id) => records.get(id),
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    async consume(id) {
      const found = records.get(id);
      if (found) found["consumed"] = Math.floor(Date.now() / 1000);
    },
    destroy: async (id) => void records.delete(id),
    revokeByGrantId: async () => {},
  };
}

const provider = new Provider(process.env["BENCH_ISSUER"] ?? "", {
  adapter: inMemory,
  clients: JSON.parse(process.env["BENCH_CLIENTS"] ?? "[]"),
  jwks: { keys: [JSON.parse(process.env["BENCH_PRIVATE_JWK"] ?? "")] } as JWKS,
  scopes: SCOPE.split(" "),
  rotateRefreshToken: true,
  issueRefreshToken: async (_context, client) => client.grantTypeAllowed("refresh_token"),
  findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  pkce: { required: () => true },
  ttl: { AccessToken: 3600, AuthorizationCode: 600, ClientCredentials: 3600, Grant: 86_400, RefreshToken: 86_400 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: SCOPE, audience: resource, accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } } }),
    },
  },
});
provider.proxy = true;

/** The members that a code and a refresh token have in common, with the grant behind them. */
async function consented(number: number) {
  const client = await provider.Client.find("bench-app");
  if (!client) throw new Error("there is no client bench-app");
  const accountId = `person-${number}`;
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addResourceScope(resource, SCOPE);
  return { accountId, client, grantId: await grant.save(), scope: SCOPE, resource, expiresWithSession: false, gty: "authorization_code" };
}

async function codeOf(number: number): Promise<string> {
  const redirectUri = "https://client.example.com/callback";
  const pkce = { codeChallenge: challenge, codeChallengeMethod: "S256" };
  return new provider.AuthorizationCode({ ...(await consented(number)), redirectUri, ...pkce }).save();
}

async function refreshTokenOf(number: number): Promise<string> {
  return new provider.RefreshToken(await consented(number)).save();
}

async function give(makeOne: (number: number) => Promise<string>, url: string, response: ServerResponse): Promise<void> {
  const made: string[] = [];
  for (let n = Number(new URL(url, "http://localhost").searchParams.get("count")); n > 0; n--) made.push(await makeOne(n));
  response.end(JSON.stringify(made));
}

const handle = provider.callback();
listening(
  createServer((request, response) => {
    const { url = "/" } = request;
    if (url.startsWith("/bench/codes")) void give(codeOf, url, response);
    else if (url.startsWith("/bench/refresh-tokens")) void give(refreshTokenOf, url, response);
    else void handle(request, response);
  }),
);
