import { z } from "zod";
import { randomToken, sha256 } from "../../shared/hash.ts";
import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import { limitPerAddress, limitPerHour } from "../../shared/limits/limit.ts";
import type { Service } from "../../shared/service.ts";
import { audit } from "../audit.ts";
import { OAuthError } from "../oauth-error.ts";
import { json } from "../surfaces.ts";
import type { AuthMethod, Client } from "./client.ts";
import { createClients } from "./clients.ts";
import { checkMetadata, clientMetadata, enabledMethod, parseMetadata } from "./metadata.ts";

const requestCodec = clientMetadata.extend({
  redirect_uris: z.array(z.string()).min(1, "at least one is needed").max(10, "at most 10 are allowed"),
});

/**
 * Dynamic client registration (RFC 7591): for clients that know of no other way.
 * @throws {OAuthError} `invalid_redirect_uri` or `invalid_client_metadata`.
 */
export async function handleRegistration(exchange: Exchange, service: Service): Promise<Reply> {
  const { config } = service;
  if (!config.registration.open) throw new HttpError(404, "Clients do not register themselves here. Ask the operator for a client id.");
  if (exchange.method !== "POST") throw new HttpError(405, "Register with POST.", { allow: "POST" });
  await limitPerAddress(service, "registration", exchange.address, config.registration.perAddress);
  try {
    return await register(exchange, service);
  } catch (error) {
    if (error instanceof OAuthError) audit(service, exchange, "refusal", { reason: error.code });
    throw error;
  }
}

async function register(exchange: Exchange, service: Service): Promise<Reply> {
  const { config, clock } = service;
  const request = parseMetadata(requestCodec, jsonOf(await exchange.body()));
  const authMethods = authMethodsOf(request.token_endpoint_auth_method, service);
  const checked = checkMetadata(request, authMethods, config);
  const secret = authMethods.some((method) => method.startsWith("client_secret")) ? randomToken() : undefined;
  const client: Client = {
    clientId: randomToken(16),
    origin: "dynamic",
    ...checked,
    secretHash: secret === undefined ? undefined : sha256(secret),
    surfaces: ["mcp"],
    pkce: "required",
    createdAt: clock(),
  };
  // Counted when it is about to be written, so that refused requests do not use up what is there for everyone.
  await limitPerHour(service, "registration", "all", config.registration.ceiling);
  await service.part(createClients).add(client);
  audit(service, exchange, "registration", { client: client.clientId, method: authMethods.join(" ") });
  return json(201, {
    client_id: client.clientId,
    client_id_issued_at: Math.floor(client.createdAt / 1000),
    ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
    client_name: client.name,
    redirect_uris: client.redirectUris,
    token_endpoint_auth_method: request.token_endpoint_auth_method ?? authMethods[0],
    grant_types: client.grantTypes,
    response_types: ["code"],
    jwks: client.jwks,
    jwks_uri: client.jwksUri,
  });
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new OAuthError("invalid_client_metadata", "The body must be a JSON object.");
  }
}

/**
 * RFC 7591 §2: the default is Basic; clients that name nothing send the secret either way. Where secrets are not
 * enabled, a client that names nothing is public.
 */
function authMethodsOf(method: string | undefined, { config }: Service): readonly AuthMethod[] {
  if (method !== undefined) return [enabledMethod(method, config)];
  const secrets = config.clientAuthMethods.filter((enabled) => enabled.startsWith("client_secret"));
  return secrets.length > 0 ? secrets : [enabledMethod("none", config)];
}
