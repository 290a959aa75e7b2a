import type { Parameters } from "../../shared/http/form.ts";
import { isRegistered } from "../../shared/net/redirect-uri.ts";
import type { Service } from "../../shared/service.ts";
import type { Client } from "../clients/client.ts";
import { createClients } from "../clients/clients.ts";
import { normalizeEmail } from "../identity/email-address.ts";
import { OAuthError } from "../oauth-error.ts";
import { resourceOf } from "../resources.ts";
import { grantableScopes } from "../scopes.ts";

/** Whom an answer may be sent to: proved before anything else is looked at (RFC 9700 §4.11). */
export interface Recipient {
  readonly client: Client;
  readonly redirectUri: string;
  readonly state: string | undefined;
}

/** What is asked of the person (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2.1, OpenID Connect Core §3.1.2.1). */
export interface AuthorizationRequest {
  readonly scopes: readonly string[];
  readonly resource: string;
  readonly codeChallenge: string | undefined;
  readonly nonce: string | undefined;
  readonly prompt: readonly Prompt[];
  /** Seconds. */
  readonly maxAge: number | undefined;
  /** An e-mail address. */
  readonly loginHint: string | undefined;
  readonly idTokenHint: string | undefined;
  readonly acrValues: string | undefined;
}

const MAX_ACR_VALUES = 500;

export const PROMPTS = ["none", "login", "consent", "select_account"] as const;
export type Prompt = (typeof PROMPTS)[number];

/** A client or redirect URI that is not proved: nothing is sent anywhere, the person is told. */
export class UnprovedRecipient extends OAuthError {}

/**
 * @param address Who asks: a client's metadata document may have to be fetched.
 * @throws {UnprovedRecipient} when the client is unknown or the redirect URI is not one of its own.
 */
export async function recipientOf(parameters: Parameters, address: string, service: Service): Promise<Recipient> {
  const clientId = parameters.get("client_id");
  if (clientId === undefined) throw new UnprovedRecipient("invalid_request", "The request names no client (client_id is missing).");
  const client = await service.part(createClients).find(clientId, address);
  if (!client)
    throw new UnprovedRecipient("invalid_client", "The application that sent you here is not registered, or its registration has expired.");
  const redirectUri = parameters.get("redirect_uri") ?? onlyOne(client.redirectUris);
  if (redirectUri === undefined || !isRegistered(redirectUri, client.redirectUris, service.config.publicUrl)) {
    throw new UnprovedRecipient("invalid_request", "The address to return to (redirect_uri) is not one that the application registered.");
  }
  return { client, redirectUri, state: parameters.get("state") };
}

/** @throws {OAuthError} with the code that is sent to the client. */
export function authorizationRequestOf(parameters: Parameters, { client }: Recipient, service: Service): AuthorizationRequest {
  if (parameters.has("request")) throw new OAuthError("request_not_supported", "The request parameter is not supported.");
  if (parameters.has("request_uri")) throw new OAuthError("request_uri_not_supported", "The request_uri parameter is not supported.");
  const responseType = parameters.get("response_type");
  if (responseType === undefined) throw new OAuthError("invalid_request", "response_type is missing.");
  if (responseType !== "code") throw new OAuthError("unsupported_response_type", "Only response_type code is supported.");
  if ((parameters.get("response_mode") ?? "query") !== "query")
    throw new OAuthError("invalid_request", "Only response_mode query is supported.");
  const resource = resourceOf(parameters.get("resource"), client, service);
  return {
    scopes: scopesOf(parameters.get("scope"), client, service),
    resource,
    codeChallenge: codeChallengeOf(parameters, client),
    nonce: parameters.get("nonce"),
    prompt: promptOf(parameters.get("prompt")),
    maxAge: maxAgeOf(parameters.get("max_age")),
    loginHint: normalizeEmail(parameters.get("login_hint") ?? ""),
    idTokenHint: parameters.get("id_token_hint"),
    acrValues: acrValuesOf(parameters.get("acr_values")),
  };
}

/** RFC 6749 §3.1.2.3: it may be left out when there is only one. */
function onlyOne(uris: readonly string[]): string | undefined {
  return uris.length === 1 ? uris[0] : undefined;
}

/** Scopes we do not have are left out (RFC 6749 §3.3); a request for none of ours is a fault. */
function scopesOf(requested: string | undefined, client: Client, service: Service): string[] {
  const grantable = grantableScopes(client, service);
  if (requested === undefined) return [...grantable];
  const asked = new Set(requested.split(" "));
  const scopes = grantable.filter((scope) => asked.has(scope));
  if (scopes.length === 0) throw new OAuthError("invalid_scope", `None of these scopes can be granted. There are: ${grantable.join(" ")}.`);
  return scopes;
}

/** S256 only (RFC 9700 §2.1.1); whoever may go without it is still held to it once it is sent. */
function codeChallengeOf(parameters: Parameters, client: Client): string | undefined {
  const challenge = parameters.get("code_challenge");
  const method = parameters.get("code_challenge_method");
  if (challenge === undefined) {
    if (method !== undefined) throw new OAuthError("invalid_request", "code_challenge_method was sent without a code_challenge.");
    if (client.pkce === "required")
      throw new OAuthError("invalid_request", "PKCE is required: send code_challenge with code_challenge_method S256.");
    return undefined;
  }
  if (method !== "S256") throw new OAuthError("invalid_request", "code_challenge_method must be S256.");
  if (!/^[A-Za-z0-9_-]{43}$/.test(challenge)) throw new OAuthError("invalid_request", "code_challenge must be a SHA-256 in base64url.");
  return challenge;
}

/** Values we do not know are left out, as unknown parameters are. */
function promptOf(text: string | undefined): Prompt[] {
  const asked = text?.split(" ") ?? [];
  const prompt = PROMPTS.filter((known) => asked.includes(known));
  if (prompt.includes("none") && prompt.length > 1) throw new OAuthError("invalid_request", "prompt none goes with no other value.");
  return prompt;
}

/** Asked of a provider that people are sent to. Voluntary (OpenID Connect Core §3.1.2.1): what makes no sense is left out. */
function acrValuesOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(text) && text.length <= MAX_ACR_VALUES ? text : undefined;
}

function maxAgeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new OAuthError("invalid_request", "max_age must be a number of seconds.");
  return Number(text);
}
