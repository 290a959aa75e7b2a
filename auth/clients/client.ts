import { z } from "zod";
import type { SurfaceName } from "../../shared/bearer/audience.ts";
import { clientKeySet } from "../../shared/client-keys.ts";
import type { AuthMethod, RegisteredClient } from "../../shared/config.ts";
import { AUTH_METHODS, CLIENT_GRANT_TYPES } from "../../shared/config-clients.ts";
import { sha256 } from "../../shared/hash.ts";
import type { Kind } from "../../shared/state/store.ts";

export type { AuthMethod };

const clientCodec = z.strictObject({
  clientId: z.string(),
  name: z.string().optional(),
  /**
   * Who says what it is: the operator in the configuration, the operator at run time, the client itself in a registration,
   * or whoever owns the address that its id is.
   */
  origin: z.enum(["configured", "added", "dynamic", "document"]),
  authMethods: z.array(z.enum(AUTH_METHODS)).min(1),
  secretHash: z.string().optional(),
  /** The keys of private_key_jwt: here, or at the address. */
  jwks: clientKeySet.optional(),
  jwksUri: z.string().optional(),
  redirectUris: z.array(z.string()),
  /** Where a browser may go on to after signing out; only an operator gives these. */
  postLogoutRedirectUris: z.array(z.string()).optional(),
  grantTypes: z.array(z.enum(CLIENT_GRANT_TYPES)),
  /** The scopes it may be granted; absent means all. */
  scopes: z.array(z.string()).optional(),
  /** The surfaces it may have tokens for; the first is what it gets when it names none. */
  surfaces: z.array(z.enum(["mcp", "actions"])).min(1),
  pkce: z.enum(["required", "optional"]),
  /** Its people may be sent upstream without a page in between. */
  trusted: z.boolean().optional(),
  /** Milliseconds since the epoch. */
  createdAt: z.number(),
  firstUsedAt: z.number().optional(),
});

export type Client = z.infer<typeof clientCodec>;

/** Id: the client id. Expires 30 days after registration, never once a code was redeemed or when an operator added it. */
export const clientKind: Kind<Client> = { name: "client", codec: clientCodec };

/** A client that an operator wrote down, as the rest of auth sees it. */
export function fromConfiguration(registered: RegisteredClient, origin: "configured" | "added" = "configured", createdAt = 0): Client {
  const method = registered.token_endpoint_auth_method;
  const secretHash =
    registered.client_secret_sha256 ?? (registered.client_secret === undefined ? undefined : sha256(registered.client_secret));
  return {
    clientId: registered.client_id,
    name: registered.client_name,
    origin,
    authMethods: method === undefined ? ["client_secret_basic", "client_secret_post"] : [method],
    secretHash,
    jwks: registered.jwks,
    jwksUri: registered.jwks_uri,
    redirectUris: registered.redirect_uris,
    postLogoutRedirectUris: registered.post_logout_redirect_uris,
    grantTypes: registered.grant_types,
    scopes: registered.scope?.split(" ").filter((scope) => scope !== ""),
    surfaces: registered.resources as SurfaceName[],
    pkce: registered.require_pkce ? "required" : "optional",
    trusted: registered.trusted,
    createdAt,
  };
}

/** The operator vouches for it. */
export function isPreRegistered({ origin }: Client): boolean {
  return origin === "configured" || origin === "added";
}

export function isPublic(client: Client): boolean {
  return client.authMethods.includes("none");
}

/**
 * The host that vouches for what a client says of itself, because its metadata document lies there; nothing for a client
 * of another kind. The host says who the client is, not that this request comes from it: a redirect to loopback may lead
 * to anyone on that machine.
 */
export function verifiedHost({ origin, clientId }: Client): string | undefined {
  return origin === "document" ? new URL(clientId).host : undefined;
}
