import { createHash, randomBytes } from "node:crypto";
import { createPerson, type Person } from "../../tools/person.mts";

/** A client of the token endpoint, by hand: for what a well-behaved library would never send. */
export interface TestClient {
  readonly id: string;
  readonly secret?: string;
  readonly redirectUri: string;
}

export interface TokenReply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever came.
  readonly body: any;
}

export const DEVELOPMENT_CLIENT: TestClient = { id: "portico-development", redirectUri: "http://127.0.0.1:5555/callback" };
export const DEVELOPMENT_GPT: TestClient = {
  id: "portico-development-gpt",
  secret: "portico-development-gpt-secret-for-loopback-only",
  redirectUri: "http://127.0.0.1:5555/aip/g-development/oauth/callback",
};

export async function registerClient(
  url: string,
  metadata: Readonly<Record<string, unknown>> = {},
): Promise<TestClient & { readonly reply: TokenReply }> {
  const redirectUri = "http://127.0.0.1:7777/callback";
  const response = await fetch(`${url}/oauth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      client_name: "A test",
      ...metadata,
    }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever came.
  const body = (await response.json()) as any;
  const reply = { status: response.status, headers: response.headers, body };
  return {
    id: body.client_id,
    redirectUri: body.redirect_uris?.[0] ?? redirectUri,
    reply,
    ...(body.client_secret ? { secret: body.client_secret } : {}),
  };
}

export function pkce(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

/** An authorization URL; a parameter that is undefined is left out. */
export function authorizationUrl(url: string, client: TestClient, parameters: Readonly<Record<string, string | undefined>> = {}): URL {
  const all = { response_type: "code", client_id: client.id, redirect_uri: client.redirectUri, state: "xyz", ...parameters };
  const present = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return new URL(`${url}/oauth/authorize?${new URLSearchParams(present)}`);
}

export async function postForm(
  url: string,
  fields: Readonly<Record<string, string | undefined>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<TokenReply> {
  const present = Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(present), headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
}

export function redeem(
  url: string,
  client: TestClient,
  code: string,
  fields: Readonly<Record<string, string | undefined>> = {},
): Promise<TokenReply> {
  return postForm(`${url}/oauth/token`, {
    grant_type: "authorization_code",
    code,
    client_id: client.id,
    client_secret: client.secret,
    redirect_uri: client.redirectUri,
    ...fields,
  });
}

export function refresh(
  url: string,
  client: TestClient,
  refreshToken: string,
  fields: Readonly<Record<string, string | undefined>> = {},
): Promise<TokenReply> {
  return postForm(`${url}/oauth/token`, {
    grant_type: "refresh_token",
    refresh_token: refreshToken,
    client_id: client.id,
    client_secret: client.secret,
    ...fields,
  });
}

export interface Connected {
  readonly client: TestClient;
  readonly person: Person;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly reply: TokenReply;
}

/** The whole way: registration (unless a client is given), sign-in, consent, tokens. */
export async function connect(
  url: string,
  options: {
    readonly client?: TestClient;
    readonly email?: string;
    readonly parameters?: Readonly<Record<string, string | undefined>>;
    readonly person?: Person;
  } = {},
): Promise<Connected> {
  const client = options.client ?? (await registerClient(url));
  const person = options.person ?? createPerson(options.email ?? "ann@example.com");
  const { verifier, challenge } = pkce();
  const withPkce = client.secret === undefined ? { code_challenge: challenge, code_challenge_method: "S256" } : {};
  const answer = await person.authorize(authorizationUrl(url, client, { ...withPkce, ...options.parameters }));
  const code = answer.searchParams.get("code");
  if (code === null) throw new Error(`no code: ${answer}`);
  const reply = await redeem(url, client, code, client.secret === undefined ? { code_verifier: verifier } : {});
  if (reply.status !== 200) throw new Error(`no token: ${JSON.stringify(reply.body)}`);
  return { client, person, accessToken: reply.body.access_token, refreshToken: reply.body.refresh_token, reply };
}

/** Userinfo tells whether an access token lives. */
export async function isAlive(url: string, accessToken: string): Promise<boolean> {
  const response = await fetch(`${url}/oauth/userinfo`, { headers: { authorization: `Bearer ${accessToken}` } });
  await response.body?.cancel();
  return response.status === 200;
}
