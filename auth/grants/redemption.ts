import { sameDigest, sha256 } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import type { Grant } from "../../shared/state/records.ts";
import type { Entry } from "../../shared/state/store.ts";
import { audit, type Trail } from "../audit.ts";
import type { AuthenticatedClient } from "../clients/authentication.ts";
import { createClients } from "../clients/clients.ts";
import { lifetimes } from "../lifetimes.ts";
import { OAuthError } from "../oauth-error.ts";
import { expiryOf, killed, stepGrant } from "./grants.ts";
import { newFamily, newRefreshToken, parseCode } from "./handles.ts";

/** What the token endpoint was sent with a code. */
export interface CodeRequest {
  readonly code: string;
  readonly redirectUri: string | undefined;
  readonly verifier: string | undefined;
  readonly resource: string | undefined;
  /** The grant as it was read with the client. */
  readonly grant: Entry<Grant> | undefined;
}

export interface Redeemed {
  readonly subject: string;
  readonly grantId: string;
  readonly grant: Grant;
  /** Absent for a client that is not registered for the refresh grant. */
  readonly refreshToken: string | undefined;
}

type Outcome = { readonly redeemed: Redeemed } | { readonly replayed: true };

/**
 * Turns a code into an active grant (RFC 6749 §4.1.3, RFC 7636 §4.6). Everything is checked before the one write, so
 * that a faulty request neither burns the code nor harms the grant; the right code a second time ends the grant
 * (RFC 6749 §4.1.2).
 * @throws {OAuthError} `invalid_grant`, `invalid_target`.
 */
export async function redeemCode(
  service: Service,
  exchange: Trail,
  { client, method }: AuthenticatedClient,
  request: CodeRequest,
): Promise<Redeemed> {
  const handle = parseCode(request.code);
  if (!handle) throw new OAuthError("invalid_grant", "The code is not one of ours.");
  const outcome = await stepGrant<Outcome>(
    service,
    handle,
    async ({ value: grant }) => {
      checkRequest(grant, handle.hash, client.clientId, client.pkce, request);
      const now = service.clock();
      if (grant.state === "dead") throw new OAuthError("invalid_grant", "The grant has ended.");
      if (grant.state === "active") return { next: killed(service, grant, "code_replay"), result: { replayed: true } };
      if (await service.bearer.isCutOff(handle.subject, client.clientId, Math.floor(grant.createdAt / 1000))) {
        throw new OAuthError("invalid_grant", "The account or the client is disabled, or was signed out everywhere.");
      }
      await service.part(createClients).markUsed(client);
      const lives = lifetimes(service);
      const refreshes = client.grantTypes.includes("refresh_token");
      const family = newFamily();
      const refreshToken = refreshes ? newRefreshToken(handle, family) : undefined;
      const active: Grant = {
        ...grant,
        state: "active",
        authMethod: method,
        absoluteExpiresAt: now + (refreshes ? lives.refreshAbsolute : lives.accessToken),
        lastIssuedAt: now,
        ...(refreshToken === undefined
          ? {}
          : {
              idleExpiresAt: now + lives.refreshIdle,
              familyHash: sha256(family),
              current: { hash: sha256(refreshToken), at: now },
              previous: [],
            }),
      };
      const redeemed = { subject: handle.subject, grantId: handle.grantId, grant: active, refreshToken };
      return { next: { grant: active, expiresAt: expiryOf(active) }, result: { redeemed } };
    },
    request.grant,
  );
  if ("redeemed" in outcome) return outcome.redeemed;
  audit(service, exchange, "reuse", { client: client.clientId, subject: handle.subject, grant: handle.grantId, reason: "code_replay" });
  throw new OAuthError("invalid_grant", "The code was used before; its grant has been ended.");
}

function checkRequest(grant: Grant, codeHash: string, clientId: string, pkce: "required" | "optional", request: CodeRequest): void {
  if (grant.codeHash === undefined || !sameDigest(codeHash, grant.codeHash))
    throw new OAuthError("invalid_grant", "The code is not one of ours.");
  if (grant.clientId !== clientId) throw new OAuthError("invalid_grant", "The code was issued to another client.");
  checkRedirectUri(grant, pkce, request.redirectUri);
  checkVerifier(grant.codeChallenge, request.verifier);
  if (request.resource !== undefined && request.resource !== grant.resource) {
    throw new OAuthError("invalid_target", "The code was issued for another resource.");
  }
}

/** RFC 6749 §4.1.3 asks for it; with PKCE it adds nothing (OAuth 2.1 §10.2), so that clients may leave it out. */
function checkRedirectUri(grant: Grant, pkce: "required" | "optional", redirectUri: string | undefined): void {
  if (redirectUri === undefined && pkce === "required") return;
  if (redirectUri !== grant.redirectUri) throw new OAuthError("invalid_grant", "redirect_uri differs from the authorization request's.");
}

/** RFC 9700 §2.1.1 and §4.8.2: a verifier without a challenge is a downgrade attempt, a challenge without one a theft. */
function checkVerifier(challenge: string | undefined, verifier: string | undefined): void {
  if (challenge === undefined) {
    if (verifier !== undefined)
      throw new OAuthError("invalid_grant", "code_verifier was sent, but the authorization request had no code_challenge.");
    return;
  }
  if (verifier === undefined || !/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) {
    throw new OAuthError("invalid_grant", "code_verifier is missing or not 43 to 128 unreserved characters.");
  }
  const presented = sha256(verifier);
  if (!sameDigest(presented, challenge)) throw new OAuthError("invalid_grant", "code_verifier does not fit the code_challenge.");
}
