import type { AuthorizationServer, ClientAuth, CryptoKey, ModifyAssertionFunction } from "oauth4webapi";
import { signingAlgOf } from "../../../shared/bearer/key-algorithms.ts";
import type { Upstream } from "../../../shared/config-upstreams.ts";

/** How this service proves itself to a provider. */
export type ClientAuthentication = (metadata: AuthorizationServer) => Promise<ClientAuth>;

/**
 * As configured; a secret without a method goes in the header, form-encoded (RFC 6749 §2.3.1), unless the provider takes
 * it only in the body.
 */
export function createClientAuthentication({ secret, key, authMethod, assertionAudience }: Upstream): ClientAuthentication {
  return async (metadata) => {
    const { ClientSecretBasic, ClientSecretPost, None } = await import("oauth4webapi");
    if (key) return signedBy(key, assertionAudience);
    if (secret === undefined) return None();
    const method = authMethod ?? methodFor(metadata);
    return method === "client_secret_post" ? ClientSecretPost(secret) : ClientSecretBasic(secret);
  };
}

/** OpenID Connect Discovery §3: a provider that lists none takes client_secret_basic. */
function methodFor({ token_endpoint_auth_methods_supported: methods }: AuthorizationServer): "client_secret_basic" | "client_secret_post" {
  if (!methods || methods.includes("client_secret_basic")) return "client_secret_basic";
  return methods.includes("client_secret_post") ? "client_secret_post" : "client_secret_basic";
}

async function signedBy(jwk: Readonly<Record<string, unknown>>, audience: "issuer" | "token_endpoint"): Promise<ClientAuth> {
  const { modifyAssertion, PrivateKeyJwt } = await import("oauth4webapi");
  const { importJWK } = await import("jose");
  const key = (await importJWK(jwk, signingAlgOf(jwk))) as CryptoKey;
  const kid = typeof jwk["kid"] === "string" ? jwk["kid"] : undefined;
  return (metadata, client, body, headers) => {
    // Some take the issuer alone, some the token endpoint alone; both at once would let one be used at the other.
    const aim: ModifyAssertionFunction = (_header, payload) => {
      if (audience === "token_endpoint") payload["aud"] = metadata.token_endpoint;
    };
    return PrivateKeyJwt(kid === undefined ? { key } : { key, kid }, { [modifyAssertion]: aim })(metadata, client, body, headers);
  };
}
