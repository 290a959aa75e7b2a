import { z } from "zod";
import { algorithmsOf, clientKeySet } from "../../shared/client-keys.ts";
import type { Config } from "../../shared/config.ts";
import { fetchUrlFault } from "../../shared/net/fetch-url.ts";
import { redirectUriFault } from "../../shared/net/redirect-uri.ts";
import { OAuthError } from "../oauth-error.ts";
import type { AuthMethod, Client } from "./client.ts";

/** What a client says of itself (RFC 7591 §2), whether it registers or publishes a document. Other members are ignored. */
export const clientMetadata = z.object({
  redirect_uris: z.array(z.string()).min(1, "at least one is needed").max(50, "at most 50 are allowed"),
  token_endpoint_auth_method: z.string().optional(),
  grant_types: z.array(z.string()).optional(),
  response_types: z.array(z.string()).optional(),
  client_name: z.string().max(200).optional(),
  jwks: clientKeySet.optional(),
  jwks_uri: z.string().optional(),
});
export type ClientMetadata = z.infer<typeof clientMetadata>;

/** @throws {OAuthError} `invalid_redirect_uri` or `invalid_client_metadata`, in RFC 7591's sense. */
export function parseMetadata<T>(codec: z.ZodType<T>, value: unknown): T {
  const parsed = codec.safeParse(withoutNulls(value));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const code = issue?.path[0] === "redirect_uris" ? "invalid_redirect_uri" : "invalid_client_metadata";
  throw new OAuthError(code, `${issue?.path.join(".") || "The metadata"}: ${issue?.message}`);
}

/** A member that is null is a member left out (RFC 7592 §2.2): some clients write out all that they know of. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

/** What the rest of auth needs of it, checked by the rules that hold for every client. @throws {OAuthError} as above. */
export function checkMetadata(
  metadata: ClientMetadata,
  authMethods: readonly AuthMethod[],
  config: Config,
): Pick<Client, "name" | "authMethods" | "redirectUris" | "grantTypes" | "jwks" | "jwksUri"> {
  for (const uri of metadata.redirect_uris) {
    const fault = redirectUriFault(uri, config.publicUrl);
    if (fault) throw new OAuthError("invalid_redirect_uri", `redirect_uris: ${uri.slice(0, 200)} ${fault}.`);
  }
  const { response_types: responseTypes } = metadata;
  if (responseTypes !== undefined && !responseTypes.includes("code")) {
    throw new OAuthError("invalid_client_metadata", "response_types must include code.");
  }
  const keys = authMethods.includes("private_key_jwt") ? keysOf(metadata, config) : {};
  return {
    name: metadata.client_name?.trim() || undefined,
    authMethods: [...authMethods],
    redirectUris: metadata.redirect_uris,
    grantTypes: grantTypesOf(metadata.grant_types),
    ...keys,
  };
}

/** @throws {OAuthError} for a method that is not enabled here. */
export function enabledMethod(method: string, config: Config): AuthMethod {
  const enabled = config.clientAuthMethods;
  const known = enabled.find((candidate) => candidate === method);
  if (!known) {
    throw new OAuthError("invalid_client_metadata", `token_endpoint_auth_method must be one of ${enabled.join(", ")}.`);
  }
  return known;
}

/**
 * Who names none gets both (RFC 7591 §3.2.1 lets a server choose): the default of §2, the code grant alone, would sign
 * people out each hour. Grants we do not have, or that only an operator gives, are left out.
 */
function grantTypesOf(types: readonly string[] | undefined): Client["grantTypes"] {
  if (types !== undefined && !types.includes("authorization_code")) {
    throw new OAuthError("invalid_client_metadata", "grant_types must include authorization_code.");
  }
  return types === undefined || types.includes("refresh_token") ? ["authorization_code", "refresh_token"] : ["authorization_code"];
}

/** RFC 7591 §2: one of the two. */
function keysOf({ jwks, jwks_uri: jwksUri }: ClientMetadata, { loopbackFetch }: Config): Pick<Client, "jwks" | "jwksUri"> {
  if ((jwks === undefined) === (jwksUri === undefined)) {
    throw new OAuthError("invalid_client_metadata", "private_key_jwt needs jwks or jwks_uri, and not both.");
  }
  if (jwks !== undefined) {
    if (jwks.keys.some((key) => algorithmsOf(key).length > 0)) return { jwks };
    throw new OAuthError("invalid_client_metadata", "jwks holds no key that could verify an assertion here.");
  }
  const fault = fetchUrlFault(jwksUri ?? "", loopbackFetch);
  if (fault !== undefined) throw new OAuthError("invalid_client_metadata", `jwks_uri ${fault}.`);
  return { jwksUri };
}
