import { z } from "zod";
import type { SurfaceName } from "../../shared/bearer/audience.ts";
import type { RegisteredClient } from "../../shared/config.ts";
import { sha256 } from "../../shared/hash.ts";
import type { Kind } from "../../shared/state/store.ts";

export const AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

const clientCodec = z.strictObject({
  clientId: z.string(),
  name: z.string().optional(),
  /** Who wrote it down: the operator in the configuration, the operator on the setup page, or the client itself. */
  origin: z.enum(["configured", "added", "dynamic"]),
  authMethods: z.array(z.enum(AUTH_METHODS)),
  secretHash: z.string().optional(),
  redirectUris: z.array(z.string()),
  grantTypes: z.array(z.enum(["authorization_code", "refresh_token"])),
  /** The scopes it may be granted; absent means all. */
  scopes: z.array(z.string()).optional(),
  /** The surfaces it may have tokens for; the first is what it gets when it names none. */
  surfaces: z.array(z.enum(["mcp", "actions"])).min(1),
  pkce: z.enum(["required", "optional"]),
  /** Milliseconds since the epoch. */
  createdAt: z.number(),
  firstUsedAt: z.number().optional(),
});

export type Client = z.infer<typeof clientCodec>;

/** Id: the client id. Expires 30 days after registration, never once a code was redeemed or when an operator added it. */
export const clientKind: Kind<Client> = { name: "client", codec: clientCodec };

/** A client of OAUTH_CLIENTS_JSON as the rest of auth sees it. */
export function fromConfiguration(registered: RegisteredClient): Client {
  const method = registered.token_endpoint_auth_method;
  const secretHash =
    registered.client_secret_sha256 ?? (registered.client_secret === undefined ? undefined : sha256(registered.client_secret));
  return {
    clientId: registered.client_id,
    name: registered.client_name,
    origin: "configured",
    authMethods: method === undefined ? ["client_secret_basic", "client_secret_post"] : [method],
    secretHash,
    redirectUris: registered.redirect_uris,
    grantTypes: registered.grant_types,
    scopes: registered.scope?.split(" "),
    surfaces: registered.resources as SurfaceName[],
    pkce: registered.require_pkce ? "required" : "optional",
    createdAt: 0,
  };
}

/** The operator vouches for it. */
export function isPreRegistered(client: Client): boolean {
  return client.origin !== "dynamic";
}

export function isPublic(client: Client): boolean {
  return client.authMethods.includes("none");
}
