import type { SurfaceName } from "../shared/bearer/audience.ts";
import type { VerificationKey } from "../shared/bearer/verification-keys.ts";
import { ASSERTION_ALGORITHMS } from "../shared/client-keys.ts";
import { conditional, type Kept, publicly } from "../shared/http/etag.ts";
import { type Exchange, HttpError, type Reply } from "../shared/http/exchange.ts";
import type { Service } from "../shared/service.ts";
import { PROMPTS } from "./authorize/request.ts";
import { createSigner } from "./keys/signer.ts";
import { lifetimes } from "./lifetimes.ts";
import { audiencesOf } from "./resources.ts";
import { supportedScopes, surfaceScopes } from "./scopes.ts";
import { GRANT_TYPES } from "./token/token.ts";

/** Authorization server metadata (RFC 8414 §2) and OpenID Provider metadata (Discovery §3): one document serves both. */
export function handleMetadata(exchange: Exchange, service: Service): Reply {
  return conditional(exchange, service.derived(createMetadata));
}

function createMetadata(service: Service): Kept {
  const { config } = service;
  const { publicUrl: issuer } = config;
  const authMethods = config.clientAuthMethods;
  // RFC 8414 §2: there must be algorithms if and only if there is a method that signs.
  const algorithms = authMethods.includes("private_key_jwt") ? ASSERTION_ALGORITHMS : undefined;
  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    token_endpoint: `${issuer}/oauth/token`,
    // Only where a stranger may use it.
    registration_endpoint: config.registration.open ? `${issuer}/oauth/register` : undefined,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    userinfo_endpoint: `${issuer}/oauth/userinfo`,
    end_session_endpoint: `${issuer}/oauth/end_session`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    scopes_supported: supportedScopes(service),
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: GRANT_TYPES,
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    token_endpoint_auth_methods_supported: authMethods,
    token_endpoint_auth_signing_alg_values_supported: algorithms,
    revocation_endpoint_auth_methods_supported: authMethods,
    revocation_endpoint_auth_signing_alg_values_supported: algorithms,
    code_challenge_methods_supported: ["S256"],
    client_id_metadata_document_supported: config.clientDocuments.enabled,
    prompt_values_supported: PROMPTS,
    claims_supported: ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "name", "email", "email_verified"],
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    authorization_response_iss_parameter_supported: true,
    ui_locales_supported: ["en"],
    service_documentation: `${issuer}/`,
    op_policy_uri: `${issuer}/privacy`,
  };
  return publicly(JSON.stringify(metadata), JSON_TYPE, maxAge(service));
}

/**
 * The issuer has no path, so there is nothing under a path-suffixed form; clients that probe one fall back to the root.
 * An answer there would name an issuer they did not ask for, which makes them give up.
 */
export function handleSuffixedMetadata(): Reply {
  throw new HttpError(404, "The issuer has no path: its metadata is at /.well-known/oauth-authorization-server.");
}

/** Protected resource metadata (RFC 9728 §2), one document for each path under which a surface is reached. */
export function handleResourceMetadata(exchange: Exchange, service: Service): Reply {
  const resource = service.config.publicUrl + exchange.path.slice("/.well-known/oauth-protected-resource".length);
  const surface = service.part(audiencesOf).surfaceOf(resource);
  if (!surface) throw new HttpError(404, "There is no protected resource at this path.");
  return conditional(exchange, resourceMetadataOf(resource, surface, service));
}

function resourceMetadataOf(resource: string, surface: SurfaceName, service: Service): Kept {
  const { publicUrl } = service.config;
  const metadata = {
    resource,
    authorization_servers: [publicUrl],
    // offline_access is between a client and the authorization server (MCP 2026-07-28 basic/authorization).
    scopes_supported: surfaceScopes(surface, service).filter((scope) => scope !== "offline_access"),
    bearer_methods_supported: ["header"],
    resource_name: "Portico",
  };
  return publicly(JSON.stringify(metadata), JSON_TYPE, maxAge(service));
}

/** The public keys (RFC 7517 §5). The first request makes the first key, so that the set is never empty. */
export async function handleKeys(exchange: Exchange, service: Service): Promise<Reply> {
  await service.part(createSigner).ready();
  return conditional(exchange, service.part(createKeySets).of(await service.bearer.keys.all()));
}

/** The key set as it is sent, made anew when the keys change. */
function createKeySets(service: Service) {
  let made: { readonly keys: readonly VerificationKey[]; readonly kept: Kept } | undefined;
  return {
    of(keys: readonly VerificationKey[]): Kept {
      if (made?.keys !== keys) {
        const body = JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
        made = { keys, kept: publicly(body, { "content-type": "application/jwk-set+json" }, maxAge(service)) };
      }
      return made.kept;
    },
  };
}

const JSON_TYPE = { "content-type": "application/json" };

/** Clients and their caches may be this much behind, in seconds. */
function maxAge(service: Service): number {
  return Math.floor(lifetimes(service).jwksCache / 1000);
}
