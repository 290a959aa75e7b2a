import { createHash } from "node:crypto";
import { randomToken } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import type { Grant } from "../../shared/state/records.ts";
import { lifetimes } from "../lifetimes.ts";
import { createSigner } from "./signer.ts";

/** Whose token it is: a grant and where it is kept. */
export interface TokenSubject {
  readonly subject: string;
  readonly grantId: string;
  readonly grant: Grant;
}

export interface AccessToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** An access token for one resource (RFC 9068), with no profile. It never outlives its grant. */
export async function mintAccessToken(
  service: Service,
  { subject, grantId, grant }: TokenSubject,
  scopes: readonly string[],
): Promise<AccessToken> {
  const now = service.clock();
  const expiresAt = Math.min(now + lifetimes(service).accessToken, grant.absoluteExpiresAt ?? Number.POSITIVE_INFINITY);
  const token = await service.part(createSigner).sign("at+jwt", {
    iss: service.config.publicUrl,
    sub: subject,
    aud: grant.resource,
    exp: Math.floor(expiresAt / 1000),
    // A grant that was ended and stands again tells old tokens from new ones by the second.
    iat: Math.max(Math.floor(now / 1000), Math.ceil((grant.notBefore ?? 0) / 1000)),
    jti: randomToken(16),
    client_id: grant.clientId,
    scope: scopes.join(" "),
    gid: grantId,
  });
  return { token, expiresAt };
}

/** An ID token (OpenID Connect Core §2). @param nonce Only in the one that answers an authorization request (§12.2). */
export async function mintIdToken(
  service: Service,
  { subject, grant }: TokenSubject,
  accessToken: string,
  nonce?: string,
): Promise<string> {
  const now = service.clock();
  return service.part(createSigner).sign("JWT", {
    iss: service.config.publicUrl,
    sub: subject,
    aud: grant.clientId,
    exp: Math.floor((now + lifetimes(service).accessToken) / 1000),
    iat: Math.floor(now / 1000),
    ...(grant.authTime === undefined ? {} : { auth_time: Math.floor(grant.authTime / 1000) }),
    // By SHA-256, because ID tokens are RS256 (§3.1.3.6).
    at_hash: createHash("sha256").update(accessToken).digest().subarray(0, 16).toString("base64url"),
    ...(nonce === undefined ? {} : { nonce }),
  });
}
