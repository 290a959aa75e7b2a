import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { AuthenticatedClient } from "../../../auth/clients/authentication.ts";
import type { AuthMethod, Client } from "../../../auth/clients/client.ts";
import { keyOf } from "../../../auth/grants/grants.ts";
import { formatCode, type Handle } from "../../../auth/grants/handles.ts";
import { redeemCode } from "../../../auth/grants/redemption.ts";
import { refreshGrant } from "../../../auth/grants/refresh.ts";
import { revokeToken } from "../../../auth/grants/revocation.ts";
import { mintAccessToken } from "../../../auth/keys/tokens.ts";
import { OAuthError } from "../../../auth/oauth-error.ts";
import { sha256 } from "../../../shared/hash.ts";
import type { Service } from "../../../shared/service.ts";
import { grantKind } from "../../../shared/state/records.ts";
import { type Store, Unavailable } from "../../../shared/state/store.ts";
import { SECOND, type TestClock } from "../../support/clock.mts";

/** Whether the next write of a grant fails, and whether it was applied when it did. */
export type Crash = "none" | "before" | "after";
export type Answer = { readonly refreshToken: string } | "refused" | "crashed";

const VERIFIER = "v".repeat(43);
const TRAIL = { id: "test", note: () => {} };

/** A grant in the real service, with the one client that holds it. */
export interface RealGrant {
  redeem(crash: Crash, verifier?: string): Promise<Answer>;
  refresh(token: string, crash: Crash, by?: AuthenticatedClient): Promise<Answer>;
  revoke(token: string, crash: Crash): Promise<"done" | "crashed">;
  /** A refresh token with the grant's own family, if `token` has it, and a secret that was never issued. */
  forge(token: string, family?: string): string;
  /** "gone" when the record has expired. */
  state(): Promise<"pending" | "active" | "dead" | "gone">;
  isAlive(accessToken: string): Promise<boolean>;
  readonly accessTokens: readonly string[];
}

/** What is to be answered, and what it does to the grant when the write is applied. */
export interface Expected {
  readonly answer: "tokens" | "refused";
  /** Absent when nothing is written. */
  readonly write?: () => void;
}

/** Applies an expectation as the store would: a crash before the write leaves nothing, one after it everything. */
export function settle(answer: Answer, crash: Crash, { answer: wanted, write }: Expected): Answer {
  if (write && crash !== "before") write();
  if (write && crash !== "none") assert.equal(answer, "crashed");
  else if (wanted === "refused") assert.equal(answer, "refused");
  else assert.ok(typeof answer === "object", `tokens, not ${String(answer)}`);
  return answer;
}

export const PUBLIC = clientOf("app", "none");
export const CONFIDENTIAL = clientOf("app", "client_secret_basic");
export const STRANGER = clientOf("stranger", "none");

function clientOf(clientId: string, method: AuthMethod): AuthenticatedClient {
  const client: Client = {
    clientId,
    origin: "configured",
    authMethods: [method],
    redirectUris: ["http://127.0.0.1/callback"],
    grantTypes: ["authorization_code", "refresh_token"],
    surfaces: ["mcp"],
    pkce: "required",
    createdAt: 0,
  };
  return { client, method };
}

/** A pending grant, as an Allow leaves it. */
export async function beginGrant(service: Service, clock: TestClock, owner = PUBLIC): Promise<RealGrant> {
  const random = (bytes: number) => randomBytes(bytes).toString("base64url");
  const handle: Handle = { subject: random(16), grantId: random(16) };
  const code = formatCode(handle, random(32));
  const resource = `${service.config.publicUrl}/mcp`;
  const now = clock();
  await service.store.create(
    grantKind,
    keyOf(handle),
    {
      state: "pending",
      clientId: "app",
      redirectUri: "http://127.0.0.1/callback",
      scopes: ["todos:read"],
      resource,
      profile: { email: "ann@example.com", emailVerified: true },
      authTime: now,
      createdAt: now,
      absoluteExpiresAt: now + service.config.lifetimes.refreshAbsolute,
      codeHash: sha256(code),
      codeChallenge: sha256(VERIFIER),
      deadJtis: [],
    },
    now + 60 * SECOND,
  );
  const accessTokens: string[] = [];

  async function attempt(
    crash: Crash,
    work: (service: Service) => Promise<{ readonly refreshToken: string | undefined }>,
  ): Promise<Answer> {
    try {
      const { refreshToken } = await work(withCrash(service, crash));
      assert.ok(refreshToken !== undefined);
      return { refreshToken };
    } catch (error) {
      if (error instanceof Unavailable) return "crashed";
      assert.ok(error instanceof OAuthError && error.code === "invalid_grant", String(error));
      return "refused";
    }
  }

  return {
    accessTokens,
    redeem: (crash, verifier = VERIFIER) =>
      attempt(crash, async (crashing) => {
        const request = { code, redirectUri: undefined, verifier, resource: undefined, grant: undefined };
        const redeemed = await redeemCode(crashing, TRAIL, owner, request);
        accessTokens.push((await mintAccessToken(service, redeemed, redeemed.grant.scopes)).token);
        return redeemed;
      }),
    refresh: (refreshToken, crash, by = owner) =>
      attempt(crash, async (crashing) => {
        const refreshed = await refreshGrant(crashing, TRAIL, by, {
          refreshToken,
          scope: undefined,
          resource: undefined,
          grant: undefined,
        });
        accessTokens.push(refreshed.accessToken.token);
        return refreshed;
      }),
    async revoke(token, crash) {
      try {
        await revokeToken(withCrash(service, crash), TRAIL, owner.client, token);
        return "done";
      } catch (error) {
        assert.ok(error instanceof Unavailable, String(error));
        return "crashed";
      }
    },
    forge(token, family = token.split(".")[2]) {
      return [handle.subject, handle.grantId, family, random(32)].join(".");
    },
    state: async () => (await service.store.get(grantKind, keyOf(handle)))?.value.state ?? "gone",
    async isAlive(accessToken) {
      service.bearer.forget(handle.grantId);
      try {
        await service.bearer.verify(`Bearer ${accessToken}`, "mcp");
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** The process dies, or the store is lost, at the first write of a grant. */
function withCrash(service: Service, crash: Crash): Service {
  if (crash === "none") return service;
  const store: Store = {
    ...service.store,
    async replace(kind, ...parameters) {
      if (kind.name !== grantKind.name) return service.store.replace(kind, ...parameters);
      if (crash === "after") await service.store.replace(kind, ...parameters);
      throw new Unavailable("crashed");
    },
  };
  return { ...service, store };
}
