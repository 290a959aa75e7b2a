import type { AuthorizationServer, Client, TokenEndpointResponse } from "oauth4webapi";
import { BoundedFetchError } from "../../../shared/net/bounded-fetch.ts";
import type { Service } from "../../../shared/service.ts";
import { type Claims, isIncomplete, personFrom, type UpstreamPerson } from "./claims.ts";
import { printableCode, UpstreamFault } from "./fault.ts";
import { verifyIdToken } from "./id-token.ts";
import { type Provider, TENANT } from "./provider.ts";

/** Seconds by which a provider's clock may differ from ours. */
export const CLOCK_TOLERANCE = 60;

/** What a browser brought back from a provider, and what was kept of the request that it answers. */
export interface UpstreamAnswer {
  readonly parameters: URLSearchParams;
  readonly verifier: string;
  readonly nonce: string;
}

/** Who signed in upstream. None of it goes any further: not to clients, pages or log lines. */
export interface UpstreamSignIn {
  readonly person: UpstreamPerson;
  /** When, as the provider says. Milliseconds since the epoch. */
  readonly authTime: number | undefined;
  readonly refreshToken: string | undefined;
}

/**
 * Redeems a provider's code (OpenID Connect Core §3.1.3) and checks all that it gives.
 * @throws {UpstreamFault}
 */
export function redeemUpstreamCode(service: Service, provider: Provider, answer: UpstreamAnswer): Promise<UpstreamSignIn> {
  return withFaults(async () => {
    const oauth = await import("oauth4webapi");
    const client = await clientOf(service, provider);
    const published = forAnswer(provider, await provider.metadata(), answer.parameters.get("iss"));
    const parameters = oauth.validateAuthResponse(published, client, answer.parameters, oauth.expectNoState);
    const response = await oauth.authorizationCodeGrantRequest(
      published,
      client,
      await provider.authentication(published),
      parameters,
      provider.redirectUri,
      answer.verifier,
      await requestOptions(provider),
    );
    const metadata = await forTenant(provider, published, response);
    const tokens = await oauth.processAuthorizationCodeResponse(metadata, client, response, {
      expectedNonce: answer.nonce,
      requireIdToken: true,
    });
    const claims = await verifiedClaims(provider, tokens);
    if (!claims) throw new UpstreamFault("refused", "no_id_token");
    const told = await toldBeside(service, provider, metadata, client, tokens, claims);
    return {
      person: personFrom(provider.upstream, service.config, claims, told),
      authTime: typeof claims["auth_time"] === "number" ? claims["auth_time"] * 1000 : undefined,
      refreshToken: tokens.refresh_token,
    };
  });
}

export interface UpstreamRefresh {
  /** Absent when the provider said nothing new of the person. */
  readonly person: UpstreamPerson | undefined;
  /** Absent when the old one stays. */
  readonly refreshToken: string | undefined;
  /** Why it could not be learnt who it is. The new refresh token counts all the same: the old one may be used up. */
  readonly fault: UpstreamFault | undefined;
}

/**
 * Asks a provider whether its person may still sign in (OpenID Connect Core §12).
 * @param known The person, as {@link redeemUpstreamCode} named them.
 * @throws {UpstreamFault} with the reason `invalid_grant` when not.
 */
export function refreshUpstream(service: Service, provider: Provider, refreshToken: string, known: string): Promise<UpstreamRefresh> {
  return withFaults(async () => {
    const oauth = await import("oauth4webapi");
    const client = await clientOf(service, provider);
    const published = await provider.metadata();
    const authentication = await provider.authentication(published);
    const response = await oauth.refreshTokenGrantRequest(published, client, authentication, refreshToken, await requestOptions(provider));
    const metadata = await forTenant(provider, published, response);
    const tokens = await oauth.processRefreshTokenResponse(metadata, client, response);
    const given = { person: undefined, refreshToken: tokens.refresh_token, fault: undefined };
    try {
      return { ...given, person: await personNow(service, provider, metadata, client, tokens, known) };
    } catch (error) {
      return { ...given, fault: await faultOf(error) };
    }
  });
}

/** Who it is after a refresh. Without a new ID token userinfo is taken at its word only if it leaves nothing out. */
async function personNow(
  service: Service,
  provider: Provider,
  metadata: AuthorizationServer,
  client: Client,
  tokens: TokenEndpointResponse,
  known: string,
): Promise<UpstreamPerson | undefined> {
  const { upstream } = provider;
  const signed = await verifiedClaims(provider, tokens);
  // Userinfo calls a person by `sub`, whatever claim is their name here.
  if (!signed && (upstream.claims.subject !== "sub" || upstream.tenants !== undefined)) return undefined;
  const claims = signed ?? { sub: known };
  const told = await toldBeside(service, provider, metadata, client, tokens, claims);
  if (!signed && (!told || isIncomplete(upstream, service.config, told))) return undefined;
  return personFrom(upstream, service.config, claims, told);
}

async function clientOf({ clock }: Service, { upstream }: Provider): Promise<Client> {
  const { clockSkew, clockTolerance } = await import("oauth4webapi");
  const skew = Math.floor(clock() / 1000) - Math.floor(Date.now() / 1000);
  return { client_id: upstream.clientId, [clockSkew]: skew, [clockTolerance]: CLOCK_TOLERANCE };
}

async function requestOptions({ fetch, insecure }: Provider) {
  const { allowInsecureRequests, customFetch } = await import("oauth4webapi");
  return { [customFetch]: fetch as typeof globalThis.fetch, [allowInsecureRequests]: insecure };
}

/** The tenant's own issuer, where the answer names it already (RFC 9207 §2.4): then it must be that one to the end. */
function forAnswer({ upstream }: Provider, metadata: AuthorizationServer, iss: string | null): AuthorizationServer {
  const issuers = upstream.tenants?.map((tenant) => metadata.issuer.replace(TENANT, tenant)) ?? [];
  return iss !== null && issuers.includes(iss) ? { ...metadata, issuer: iss } : metadata;
}

/**
 * An issuer that is for many tenants becomes that of the tenant whose ID token this is, when it is one that may come; the
 * signature and all else are checked after that.
 */
async function forTenant({ upstream }: Provider, metadata: AuthorizationServer, response: Response): Promise<AuthorizationServer> {
  if (upstream.tenants === undefined || !metadata.issuer.includes(TENANT)) return metadata;
  // What is no JSON is refused where the answer is processed, in words that hold nothing of it.
  const answer = (await response
    .clone()
    .json()
    .catch(() => null)) as { readonly id_token?: unknown } | null;
  const idToken = answer?.id_token;
  if (typeof idToken !== "string") return metadata;
  const { decodeJwt } = await import("jose");
  const { tid } = decodeJwt(idToken);
  if (typeof tid !== "string" || !upstream.tenants.includes(tid)) throw new UpstreamFault("refused", "tenant");
  return { ...metadata, issuer: metadata.issuer.replace(TENANT, tid) };
}

/** Nothing when there is no ID token, which a refresh may leave out. */
async function verifiedClaims(provider: Provider, tokens: TokenEndpointResponse): Promise<Claims | undefined> {
  const { getValidatedIdTokenClaims } = await import("oauth4webapi");
  const claims = getValidatedIdTokenClaims(tokens);
  if (!claims || tokens.id_token === undefined) return undefined;
  await verifyIdToken(provider, tokens.id_token, claims, tokens.access_token);
  return claims as Claims;
}

/** Userinfo, asked only for what the ID token does not say; it must be the same person's (OpenID Connect Core §5.3.2). */
async function toldBeside(
  { config }: Service,
  provider: Provider,
  metadata: AuthorizationServer,
  client: Client,
  tokens: TokenEndpointResponse,
  claims: Claims,
): Promise<Claims | undefined> {
  if (metadata.userinfo_endpoint === undefined || !isIncomplete(provider.upstream, config, claims)) return undefined;
  const { processUserInfoResponse, userInfoRequest } = await import("oauth4webapi");
  const response = await userInfoRequest(metadata, client, tokens.access_token, await requestOptions(provider));
  return (await processUserInfoResponse(metadata, client, String(claims["sub"]), response)) as Claims;
}

async function withFaults<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await faultOf(error);
  }
}

/** Whatever goes wrong with what a provider says is a fault of the provider: nothing of ours is touched meanwhile. */
async function faultOf(cause: unknown): Promise<UpstreamFault> {
  if (cause instanceof UpstreamFault) return cause;
  const oauth = await import("oauth4webapi");
  const { errors } = await import("jose");
  if (cause instanceof BoundedFetchError) return new UpstreamFault("unreachable", "no_answer", { cause });
  if (cause instanceof oauth.ResponseBodyError) {
    // RFC 6749 §5.2 has no code for an outage, so that some providers tell it by one of the authorization endpoint's.
    const isOutage = cause.status === 429 || ["temporarily_unavailable", "server_error"].includes(cause.error);
    return new UpstreamFault(isOutage ? "unreachable" : "refused", printableCode(cause.error), { cause });
  }
  if (cause instanceof oauth.AuthorizationResponseError) return new UpstreamFault("refused", printableCode(cause.error), { cause });
  if (cause instanceof oauth.WWWAuthenticateChallengeError) return new UpstreamFault("refused", "challenge", { cause });
  if (cause instanceof errors.JOSEError) return new UpstreamFault("refused", cause.code.toLowerCase(), { cause });
  const response = cause instanceof oauth.OperationProcessingError ? cause.cause : undefined;
  const isOutage = response instanceof Response && (response.status >= 500 || response.status === 429);
  return new UpstreamFault(isOutage ? "unreachable" : "refused", isOutage ? "no_answer" : "invalid_answer", { cause });
}
