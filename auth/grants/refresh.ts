import { z } from "zod";
import { sameDigest, sha256 } from "../../shared/hash.ts";
import { HttpError } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import type { Grant } from "../../shared/state/records.ts";
import { openUnder, SealError, sealUnder } from "../../shared/state/seal.ts";
import type { Entry } from "../../shared/state/store.ts";
import { audit, type Trail } from "../audit.ts";
import type { AuthenticatedClient } from "../clients/authentication.ts";
import { isPublic } from "../clients/client.ts";
import { admits, permittedScopes } from "../identity/admission.ts";
import { checkUpstream, type Standing } from "../identity/upstream/standing.ts";
import { type AccessToken, mintAccessToken, mintIdToken } from "../keys/tokens.ts";
import { lifetimes } from "../lifetimes.ts";
import { OAuthError } from "../oauth-error.ts";
import { narrowScopes } from "../scopes.ts";
import { expiryOf, killed, type Step, stepGrant, USE_WRITTEN_EVERY } from "./grants.ts";
import { newRefreshToken, parseRefreshToken } from "./handles.ts";

export interface RefreshRequest {
  readonly refreshToken: string;
  readonly scope: string | undefined;
  readonly resource: string | undefined;
  /** The grant as it was read with the client. */
  readonly grant: Entry<Grant> | undefined;
}

export interface Refreshed {
  readonly accessToken: AccessToken;
  readonly idToken: string | undefined;
  readonly refreshToken: string;
  readonly scopes: readonly string[];
}

type Presented = NonNullable<ReturnType<typeof parseRefreshToken>>;
type Outcome =
  | { readonly refreshed: Refreshed; readonly replayed?: true }
  | { readonly ended: "refresh_reuse" | "not_admitted" | "upstream" };

/** The reply kept for a client that lost it. `expiresAt` in milliseconds since the epoch. */
const replyCodec = z.strictObject({
  /** How the client proved itself: who comes in another way is not the one that lost it. */
  method: z.string(),
  accessToken: z.string(),
  expiresAt: z.number(),
  idToken: z.string().optional(),
  refreshToken: z.string(),
});

const REPLY = "refresh reply";
const KEPT_HASHES = 4;
/** A client that authenticates keeps its refresh token until this part of its idle life is over (RFC 9700 §4.14.2). */
const ROTATE_AFTER = 0.7;

/**
 * Redeems a refresh token (RFC 6749 §6, RFC 9700 §4.14.2). Public clients get a new one at each use; a reply that was
 * lost on the way can be had again for a short time; a token that was superseded before that is a theft and ends the grant.
 * @throws {OAuthError} `invalid_grant`, `invalid_scope`, `invalid_target`.
 */
export async function refreshGrant(
  service: Service,
  exchange: Trail,
  authenticated: AuthenticatedClient,
  request: RefreshRequest,
): Promise<Refreshed> {
  const presented = parseRefreshToken(request.refreshToken);
  if (!presented) throw new OAuthError("invalid_grant", "The refresh token is not one of ours.");
  const { clientId } = authenticated.client;
  const outcome = await stepGrant<Outcome>(
    service,
    presented,
    async ({ value: grant }) => {
      checkOwnership(grant, presented, authenticated);
      checkResource(grant, request.resource);
      // Refused, and the grant stays: who is enabled again goes on, also while this process still knows of the lock.
      if (await service.bearer.isCutOff(presented.subject, clientId, Math.floor(grant.createdAt / 1000))) {
        throw new OAuthError("invalid_grant", "The account or the client is disabled, or was signed out everywhere.");
      }
      const standing = await standingOf(service, exchange, presented.subject, grant);
      if (standing.state === "ended") return { next: killed(service, grant, "upstream"), result: { ended: "upstream" } };
      const scopes = scopesOf(service, grant, request.scope, standing.groups);
      if (!admits(service.config, standing.profile, standing.groups)) {
        return { next: killed(service, grant, "not_admitted"), result: { ended: "not_admitted" } };
      }
      if (grant.current && sameDigest(presented.hash, grant.current.hash)) {
        return useCurrent(service, grant, presented, authenticated, request.refreshToken, scopes);
      }
      return useSuperseded(service, grant, presented, authenticated, request.refreshToken, scopes);
    },
    request.grant,
  );
  const about = { client: clientId, subject: presented.subject, grant: presented.grantId };
  if ("ended" in outcome) {
    audit(service, exchange, outcome.ended === "refresh_reuse" ? "reuse" : "revoke", { ...about, reason: outcome.ended });
    throw new OAuthError(
      "invalid_grant",
      outcome.ended === "refresh_reuse"
        ? "The refresh token was used before; its grant has been ended."
        : "The account may no longer enter.",
    );
  }
  audit(service, exchange, outcome.replayed ? "refresh_replayed" : "refresh", { ...about, scopes: outcome.refreshed.scopes });
  return outcome.refreshed;
}

function checkOwnership(grant: Grant, presented: Presented, { client, method }: AuthenticatedClient): void {
  const isOwn = grant.state === "active" && grant.clientId === client.clientId;
  const isOfFamily = grant.familyHash !== undefined && sameDigest(presented.familyHash, grant.familyHash);
  if (isOwn && isOfFamily && strengthOf(method) >= strengthOf(grant.authMethod)) return;
  throw new OAuthError("invalid_grant", "The refresh token is not valid.");
}

/** Who once proved itself with a key or a secret is not believed with less. */
function strengthOf(method: string | undefined): number {
  if (method === "private_key_jwt") return 2;
  return method === undefined || method === "none" ? 0 : 1;
}

/**
 * What the person's provider says of them.
 * @throws {HttpError} 503 when it has said nothing for too long: nobody loses a login by its outage.
 */
async function standingOf(
  service: Service,
  exchange: Trail,
  subject: string,
  grant: Grant,
): Promise<Exclude<Standing, { state: "unknown" }>> {
  const { upstream, profile, createdAt } = grant;
  const standing = await checkUpstream(service, exchange, { subject, upstream, profile, since: createdAt });
  if (standing.state !== "unknown") return standing;
  throw new HttpError(503, "The provider where this person signs in cannot be reached.", { "retry-after": "60" });
}

/**
 * What of the grant this request gets: what it asks for, and what the rules allow by now.
 * @throws {OAuthError} `invalid_scope`.
 */
function scopesOf({ config }: Service, grant: Grant, requested: string | undefined, groups: readonly string[]): readonly string[] {
  const scopes = permittedScopes(config, narrowScopes(grant.scopes, requested), groups);
  if (scopes.length === 0) throw new OAuthError("invalid_scope", "None of these scopes may be granted any more.");
  return scopes;
}

/** RFC 8707 §2.2: a token request may only repeat what was granted. */
function checkResource(grant: Grant, resource: string | undefined): void {
  if (resource !== undefined && resource !== grant.resource) throw new OAuthError("invalid_target", "The grant is for another resource.");
}

async function useCurrent(
  service: Service,
  grant: Grant,
  presented: Presented,
  { client, method }: AuthenticatedClient,
  token: string,
  scopes: readonly string[],
): Promise<Step<Outcome>> {
  const now = service.clock();
  const { reply: _used, ...rest } = grant;
  const subject = { subject: presented.subject, grantId: presented.grantId, grant };
  const accessToken = await mintAccessToken(service, subject, scopes);
  const idToken = scopes.includes("openid") ? await mintIdToken(service, subject, accessToken.token) : undefined;
  const issuedAt = grant.current?.at ?? now;
  const { refreshIdle } = lifetimes(service);
  if (!isPublic(client) && now - issuedAt < ROTATE_AFTER * refreshIdle) {
    const refreshed = { accessToken, idToken, refreshToken: token, scopes };
    // The first use of a token drops its predecessor's reply; otherwise a use is written down once an hour.
    const isWritten = grant.reply === undefined && now - (grant.lastIssuedAt ?? 0) < USE_WRITTEN_EVERY;
    if (isWritten) return { result: { refreshed } };
    const used: Grant = { ...rest, lastIssuedAt: now, idleExpiresAt: now + refreshIdle };
    return { next: { grant: used, expiresAt: expiryOf(used) }, result: { refreshed } };
  }
  const refreshToken = newRefreshToken(presented, presented.family);
  const reply = { method, accessToken: accessToken.token, expiresAt: accessToken.expiresAt, idToken, refreshToken };
  const rotated: Grant = {
    ...rest,
    current: { hash: sha256(refreshToken), at: now },
    previous: [{ hash: presented.hash, at: now }, ...(grant.previous ?? [])].slice(0, KEPT_HASHES),
    reply: { box: sealUnder(token, REPLY, JSON.stringify(reply)), fingerprint: fingerprintOf(grant, scopes) },
    idleExpiresAt: now + refreshIdle,
    lastIssuedAt: now,
  };
  return { next: { grant: rotated, expiresAt: expiryOf(rotated) }, result: { refreshed: { accessToken, idToken, refreshToken, scopes } } };
}

/** `previous[0]` was superseded by `current`, and the kept reply answers it alone. */
async function useSuperseded(
  service: Service,
  grant: Grant,
  presented: Presented,
  { method }: AuthenticatedClient,
  token: string,
  scopes: readonly string[],
): Promise<Step<Outcome>> {
  const now = service.clock();
  const known = (grant.previous ?? []).find((previous) => sameDigest(previous.hash, presented.hash));
  if (!known || now - known.at > lifetimes(service).refreshReplay) {
    return { next: killed(service, grant, "refresh_reuse"), result: { ended: "refresh_reuse" } };
  }
  const kept = grant.reply && openReply(token, grant.reply.box);
  if (kept?.method !== method) throw new OAuthError("invalid_grant", "The refresh token was replaced a moment ago.");
  if (grant.reply?.fingerprint === fingerprintOf(grant, scopes)) {
    const accessToken = { token: kept.accessToken, expiresAt: kept.expiresAt };
    return { result: { refreshed: { accessToken, idToken: kept.idToken, refreshToken: kept.refreshToken, scopes }, replayed: true } };
  }
  const subject = { subject: presented.subject, grantId: presented.grantId, grant };
  const accessToken = await mintAccessToken(service, subject, scopes);
  const idToken = scopes.includes("openid") ? await mintIdToken(service, subject, accessToken.token) : undefined;
  return { result: { refreshed: { accessToken, idToken, refreshToken: kept.refreshToken, scopes }, replayed: true } };
}

function openReply(token: string, box: string): z.infer<typeof replyCodec> | undefined {
  try {
    // One that an older release wrote may lack a member: it is as good as lost.
    return replyCodec.safeParse(JSON.parse(openUnder(token, REPLY, box))).data;
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}

/** What two requests must share to get the same reply. */
function fingerprintOf(grant: Grant, scopes: readonly string[]): string {
  return sha256([grant.keyThumbprint ?? "", grant.resource, ...[...scopes].sort()].join(" "));
}
