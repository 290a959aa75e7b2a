import { BearerError } from "../../shared/bearer/bearer-error.ts";
import { sameDigest } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import { audit, type Trail } from "../audit.ts";
import type { Client } from "../clients/client.ts";
import { OAuthError } from "../oauth-error.ts";
import { expiryOf, killed, stepGrant } from "./grants.ts";
import { type Handle, parseRefreshToken, type RefreshHandle } from "./handles.ts";

/** Above this many revoked access tokens of one grant, the grant itself ends. */
const MAX_DEAD_JTIS = 16;

/**
 * Revokes a token of this client (RFC 7009): a refresh token ends its grant, an access token itself alone. A token that
 * is unknown, already dead or another client's changes nothing, and nobody is told which.
 */
export async function revokeToken(service: Service, exchange: Trail, client: Client, token: string): Promise<void> {
  try {
    const refresh = parseRefreshToken(token);
    const revoked = refresh ? await revokeRefreshToken(service, client, refresh) : await revokeAccessToken(service, client, token);
    if (!revoked) return;
    const { subject, grantId: grant } = revoked;
    audit(service, exchange, "revoke", { client: client.clientId, subject, grant, reason: refresh ? "refresh_token" : "access_token" });
  } catch (error) {
    if (!(error instanceof OAuthError || error instanceof BearerError)) throw error;
  }
}

/** @returns The grant that a token was revoked of, or nothing when none was. */
async function revokeRefreshToken(service: Service, client: Client, refresh: RefreshHandle): Promise<Handle | undefined> {
  const revoked = await stepGrant(service, refresh, ({ value: grant }) => {
    const issued = [grant.current, ...(grant.previous ?? [])].some((known) => known !== undefined && sameDigest(known.hash, refresh.hash));
    if (grant.state !== "active" || grant.clientId !== client.clientId || !issued) return { result: false };
    return { next: killed(service, grant, "revoked"), result: true };
  });
  return revoked ? refresh : undefined;
}

async function revokeAccessToken(service: Service, client: Client, token: string): Promise<Handle | undefined> {
  const { sub, gid, jti, exp, client_id: clientId } = await service.bearer.inspect(token);
  if (clientId !== client.clientId) return undefined;
  const handle = { subject: sub, grantId: gid };
  const revoked = await stepGrant(service, handle, ({ value: grant }) => {
    if (grant.state !== "active" || grant.deadJtis.some((dead) => dead.jti === jti)) return { result: false };
    const now = service.clock();
    const deadJtis = [...grant.deadJtis.filter((dead) => dead.exp * 1000 > now), { jti, exp }];
    if (deadJtis.length > MAX_DEAD_JTIS) return { next: killed(service, grant, "revoked"), result: true };
    return { next: { grant: { ...grant, deadJtis }, expiresAt: expiryOf(grant) }, result: true };
  });
  service.bearer.forget(gid);
  return revoked ? handle : undefined;
}
