import { z } from "zod";
import { randomToken, sha256 } from "../../shared/hash.ts";
import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import { limitPerAddress } from "../../shared/limits/limit.ts";
import { redirectUriFault } from "../../shared/net/redirect-uri.ts";
import type { Service } from "../../shared/service.ts";
import { OAuthError } from "../oauth-error.ts";
import { json } from "../surfaces.ts";
import { AUTH_METHODS, type AuthMethod, type Client } from "./client.ts";
import { createClients } from "./clients.ts";

/** RFC 7591 §2; members that are not here are ignored, as it asks. */
const requestCodec = z.object({
  redirect_uris: z.array(z.string()).min(1, "at least one is needed").max(10, "at most 10 are allowed"),
  token_endpoint_auth_method: z.string().optional(),
  grant_types: z.array(z.string()).optional(),
  response_types: z.array(z.string()).optional(),
  client_name: z.string().max(200).optional(),
});

const REGISTRATIONS_PER_HOUR = 60;

/**
 * Dynamic client registration (RFC 7591): for clients that know of no other way.
 * @throws {OAuthError} `invalid_redirect_uri` or `invalid_client_metadata`.
 */
export async function handleRegistration(exchange: Exchange, service: Service): Promise<Reply> {
  if (exchange.method !== "POST") throw new HttpError(405, "Register with POST.", { allow: "POST" });
  await limitPerAddress(service, "registration", exchange.address, REGISTRATIONS_PER_HOUR);
  const request = requestOf(await exchange.body());
  for (const uri of request.redirect_uris) {
    const fault = redirectUriFault(uri, service.config.publicUrl);
    if (fault) throw new OAuthError("invalid_redirect_uri", `redirect_uris: ${uri.slice(0, 200)} ${fault}.`);
  }
  checkResponseTypes(request.response_types);
  const authMethods = authMethodsOf(request.token_endpoint_auth_method);
  const secret = authMethods.includes("none") ? undefined : randomToken();
  const client: Client = {
    clientId: randomToken(16),
    name: request.client_name?.trim() || undefined,
    origin: "dynamic",
    authMethods,
    secretHash: secret === undefined ? undefined : sha256(secret),
    redirectUris: request.redirect_uris,
    grantTypes: grantTypesOf(request.grant_types),
    surfaces: ["mcp"],
    pkce: "required",
    createdAt: service.clock(),
  };
  await service.part(createClients).add(client);
  exchange.note({ client: client.clientId });
  service.log.info({ event: "client_registered", request: exchange.id, client: client.clientId, methods: client.authMethods }, "security");
  return json(201, {
    client_id: client.clientId,
    client_id_issued_at: Math.floor(client.createdAt / 1000),
    ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
    ...(client.name === undefined ? {} : { client_name: client.name }),
    redirect_uris: client.redirectUris,
    token_endpoint_auth_method: request.token_endpoint_auth_method ?? "client_secret_basic",
    grant_types: client.grantTypes,
    response_types: ["code"],
  });
}

function requestOf(body: Buffer): z.infer<typeof requestCodec> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new OAuthError("invalid_client_metadata", "The body must be a JSON object.");
  }
  const parsed = requestCodec.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const code = issue?.path[0] === "redirect_uris" ? "invalid_redirect_uri" : "invalid_client_metadata";
  throw new OAuthError(code, `${issue?.path.join(".")}: ${issue?.message}`);
}

/** RFC 7591 §2: the default is Basic; clients that name nothing send the secret either way. */
function authMethodsOf(method: string | undefined): AuthMethod[] {
  if (method === undefined) return ["client_secret_basic", "client_secret_post"];
  const known = AUTH_METHODS.find((candidate) => candidate === method);
  if (!known) throw new OAuthError("invalid_client_metadata", `token_endpoint_auth_method must be one of ${AUTH_METHODS.join(", ")}.`);
  return [known];
}

/**
 * Who names none gets both (RFC 7591 §3.2.1 lets a server choose): the default of §2, the code grant alone, would sign
 * people out each hour. Grants we do not have are left out of what is registered.
 */
function grantTypesOf(types: readonly string[] | undefined): Client["grantTypes"] {
  if (types !== undefined && !types.includes("authorization_code")) {
    throw new OAuthError("invalid_client_metadata", "grant_types must include authorization_code.");
  }
  return types === undefined || types.includes("refresh_token") ? ["authorization_code", "refresh_token"] : ["authorization_code"];
}

function checkResponseTypes(types: readonly string[] | undefined): void {
  if (types !== undefined && !types.includes("code")) throw new OAuthError("invalid_client_metadata", "response_types must include code.");
}
