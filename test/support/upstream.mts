import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from "jose";
import Provider, { type AccountClaims, type ClientMetadata, type Configuration } from "oidc-provider";
import type { OpenPage, Person } from "../../tools/person.mts";
import { authorizationUrl, pkce, redeem, registerClient, type TestClient, type TokenReply } from "./oauth.mts";

/** A real OpenID provider with a real HTTP proxy in front, which can have it say what no honest one would. */
export interface TestUpstream {
  /** As it is published. */
  readonly issuer: string;
  /** Each request that came to the front, as `METHOD /path`. */
  readonly calls: string[];
  /** The people who can sign in, by the name they type. Whoever is taken away is gone. */
  readonly people: Map<string, AccountClaims>;
  /** Changes answers on their way; as it is when it gives nothing. */
  alter: Alter | undefined;
  /** The last request's query or form, by its path. */
  readonly sent: Map<string, URLSearchParams>;
  /** The last `authorization` header of the token endpoint. */
  authorization: string | undefined;
  /** Begins, with one client. */
  open(client: Partial<ClientMetadata>): Promise<void>;
  /** From now on it signs with a new key and publishes no other. */
  rotate(): Promise<void>;
  /** Changes the claims (and the header) of an ID token in a token answer, and signs it again with the provider's own key. */
  resign(change: (claims: JWTPayload, accessToken: string) => JWTPayload, header?: Readonly<Record<string, unknown>>): Alter;
  /** Nobody answers there any more, until it is up again. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

export interface Answer {
  readonly path: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export type Alter = (answer: Answer) => Answer | undefined | Promise<Answer | undefined>;

export interface UpstreamSettings {
  /** What follows the origin in the issuer. */
  readonly path?: string;
  readonly configuration?: Configuration;
  /** Of its keys; RS256 when absent. */
  readonly alg?: string;
}

export const UPSTREAM_CLIENT = { id: "portico", secret: "not a + simple % : secret, of some length" };

/** Parameters that the first page of a provider adds to what it sends back. */
export function addToCallback(parameters: Readonly<Record<string, string>>): Alter {
  return (answer) => {
    const { location } = answer.headers;
    if (typeof location !== "string" || !location.includes("/oauth/callback/")) return undefined;
    const url = new URL(location);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return { ...answer, headers: { ...answer.headers, location: url.href } };
  };
}

/** Changes a JSON answer of one path. */
export function changeJson(path: string, change: (body: Record<string, unknown>) => unknown): Alter {
  return (answer) => (answer.path === path ? { ...answer, body: JSON.stringify(change(JSON.parse(answer.body))) } : undefined);
}

export function allOf(...alters: readonly Alter[]): Alter {
  return async (answer) => {
    let changed = answer;
    for (const alter of alters) changed = (await alter(changed)) ?? changed;
    return changed;
  };
}

export async function startUpstream({ path = "", configuration = {}, alg = "RS256" }: UpstreamSettings = {}): Promise<TestUpstream> {
  const people = new Map<string, AccountClaims>();
  const front = createServer((incoming, outgoing) => void relay(incoming, outgoing));
  const back = createServer((incoming, outgoing) => void callback(incoming, outgoing));
  const origin = `http://127.0.0.1:${await listen(front)}`;
  const backPort = await listen(back);
  let key = await newKey(alg);
  let client: Partial<ClientMetadata> = {};
  let callback: (incoming: IncomingMessage, outgoing: ServerResponse) => unknown = (_incoming, outgoing) => outgoing.writeHead(503).end();

  const upstream: TestUpstream = {
    issuer: origin + path,
    calls: [],
    people,
    alter: undefined,
    sent: new Map(),
    authorization: undefined,
    async open(wanted) {
      client = wanted;
      begin();
    },
    async rotate() {
      key = await newKey(alg);
      begin();
    },
    resign(change, header = {}) {
      return async (answer) => {
        if (answer.path !== "/token" || answer.status !== 200) return undefined;
        const body = JSON.parse(answer.body);
        if (!body.id_token) return undefined;
        const claims = change(decodeJwt(body.id_token), body.access_token);
        const unsigned = new SignJWT(claims).setProtectedHeader({ ...decodeProtectedHeader(body.id_token), alg, ...header });
        return { ...answer, body: JSON.stringify({ ...body, id_token: await unsigned.sign(await importJWK(key, alg)) }) };
      };
    },
    async down() {
      front.closeAllConnections();
      await new Promise((done) => front.close(done));
    },
    up: async () => void (await listen(front, Number(new URL(origin).port))),
    async close() {
      for (const server of [front, back]) {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
    },
  };

  function begin(): void {
    callback = createProvider(origin + path, people, key, client, configuration).callback();
  }

  async function relay(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    // Only the document that the issuer leads to lies below its path.
    const url = new URL((incoming.url ?? "/").replace(path.replace(/\/$/, ""), ""), origin);
    if (url.pathname === "/favicon.ico") return void outgoing.writeHead(204).end();
    const pieces: Buffer[] = [];
    for await (const piece of incoming) pieces.push(piece);
    const body = Buffer.concat(pieces);
    upstream.calls.push(`${incoming.method} ${url.pathname}`);
    upstream.sent.set(url.pathname, incoming.method === "POST" ? new URLSearchParams(body.toString()) : url.searchParams);
    if (url.pathname === "/token") upstream.authorization = incoming.headers.authorization;
    const answer = await ask(backPort, incoming, url, body);
    const changed = (await upstream.alter?.({ ...answer, path: url.pathname })) ?? answer;
    const { "content-length": _length, "transfer-encoding": _encoding, ...headers } = changed.headers;
    outgoing.writeHead(changed.status, headers).end(changed.body);
  }

  return upstream;
}

function ask(port: number, { method, headers }: IncomingMessage, { pathname, search }: URL, body: Buffer): Promise<Omit<Answer, "path">> {
  return new Promise((done, fail) => {
    const sent = request({ port, host: "127.0.0.1", method, path: pathname + search, headers }, async (answer) => {
      let text = "";
      for await (const piece of answer.setEncoding("utf8")) text += piece;
      done({ status: answer.statusCode ?? 0, headers: answer.headers, body: text });
    });
    sent.on("error", fail).end(body);
  });
}

function createProvider(
  issuer: string,
  people: ReadonlyMap<string, AccountClaims>,
  key: JWK,
  client: Partial<ClientMetadata>,
  configuration: Configuration,
): Provider {
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: UPSTREAM_CLIENT.id,
        client_secret: UPSTREAM_CLIENT.secret,
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        id_token_signed_response_alg: key.alg as "RS256",
        ...client,
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ["a key of the test"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    conformIdTokenClaims: false,
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"] },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(ctx, form) {
          ctx.body = `<!doctype html><title>Upstream</title>${form}<button form="op.logoutForm" name="logout" value="yes">Yes, sign me out</button>`;
        },
      },
    },
    findAccount: (_ctx, id) => {
      const claims = people.get(id);
      return claims && { accountId: id, claims: () => ({ ...claims, sub: id }) };
    },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: () => true,
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client?.clientId, accountId: ctx.oidc.session?.accountId });
      grant.addOIDCScope("openid email profile offline_access");
      await grant.save();
      return grant;
    },
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 60,
      Grant: 86_400,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
    ...configuration,
  });
  provider.use(async (ctx, next) => {
    const [, page] = ctx.path.split("/");
    if (page !== "interaction") return next();
    const { prompt, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
    if (prompt.name === "consent") return provider.interactionFinished(ctx.req, ctx.res, { consent: grantId ? { grantId } : {} });
    if (ctx.method === "GET") {
      ctx.type = "html";
      ctx.body = `<!doctype html><title>Upstream</title><form method="post" action="${ctx.path}"><label>Account <input name="login" value=""></label><button>Sign in upstream</button></form>`;
      return;
    }
    const pieces: Buffer[] = [];
    for await (const piece of ctx.req) pieces.push(piece);
    const accountId = new URLSearchParams(Buffer.concat(pieces).toString()).get("login") ?? "";
    const result = people.has(accountId) ? { login: { accountId } } : { error: "access_denied" };
    return provider.interactionFinished(ctx.req, ctx.res, result);
  });
  return provider;
}

async function newKey(alg: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), alg, use: "sig" };
}

function listen(server: Server, port = 0): Promise<number> {
  return new Promise((done) => server.listen(port, "127.0.0.1", () => done((server.address() as AddressInfo).port)));
}

const MAX_STEPS = 10;

/** Goes on between the service and the provider, signing in there as `account`, until a page or another site comes. */
export async function walk(person: Person, start: OpenPage, issuer: string, account: string, home: string): Promise<OpenPage> {
  const origins = [new URL(issuer).origin, new URL(home).origin];
  let page = start;
  for (let step = 0; step < MAX_STEPS; step++) {
    if (page.leaves && origins.includes(page.leaves.origin)) page = await person.open(page.leaves);
    else if (!page.leaves && page.url.pathname.startsWith("/interaction/"))
      page = await person.submit(page, /interaction/, { login: account });
    // Another account than before: the provider signs the former out first, with a form that posts itself.
    else if (!page.leaves && page.url.origin === origins[0] && page.url.pathname.startsWith("/auth/")) {
      page = await person.submit(page, /session\/end/, { logout: "yes" });
    } else return page;
  }
  throw new Error(`went round in circles: ${page.url}`);
}

/** Chooses a provider on the service's page and signs in there. @returns The page or the site that comes then. */
export async function signInUpstream(
  person: Person,
  page: OpenPage,
  { issuer }: Pick<TestUpstream, "issuer">,
  account: string,
  provider = "upstream",
): Promise<OpenPage> {
  return walk(person, await person.submit(page, /\/upstream$/, { provider }), issuer, account, page.url.origin);
}

export interface UpstreamConnection {
  readonly client: TestClient;
  readonly consent: OpenPage;
  readonly reply: TokenReply;
}

/** The whole way: registration unless a client is given, sign-in at the provider, consent, tokens. */
export async function connectUpstream(
  url: string,
  upstream: Pick<TestUpstream, "issuer">,
  person: Person,
  account: string,
  options: { readonly client?: TestClient; readonly provider?: string; readonly parameters?: Readonly<Record<string, string>> } = {},
): Promise<UpstreamConnection> {
  const client = options.client ?? (await registerClient(url));
  const { verifier, challenge } = pkce();
  const withPkce = { code_challenge: challenge, code_challenge_method: "S256", ...options.parameters };
  const first = await person.open(authorizationUrl(url, client, withPkce));
  const consent = /\/consent"/.test(first.html) ? first : await signInUpstream(person, first, upstream, account, options.provider);
  if (!/\/consent"/.test(consent.html)) throw new Error(`no consent page: ${consent.status} ${consent.html.slice(0, 1500)}`);
  const { leaves } = await person.submit(consent, /\/consent$/, { decision: "allow" });
  const reply = await redeem(url, client, leaves?.searchParams.get("code") ?? "", { code_verifier: verifier });
  return { client, consent, reply };
}
