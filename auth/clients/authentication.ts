import { sameDigest, sha256 } from "../../shared/hash.ts";
import type { Exchange } from "../../shared/http/exchange.ts";
import type { Parameters } from "../../shared/http/form.ts";
import type { Service } from "../../shared/service.ts";
import { OAuthError } from "../oauth-error.ts";
import type { AuthMethod, Client } from "./client.ts";
import { createClients } from "./clients.ts";

export interface AuthenticatedClient {
  readonly client: Client;
  readonly method: AuthMethod;
}

interface Credentials {
  readonly clientId: string;
  readonly secret: string | undefined;
  readonly method: AuthMethod;
}

/**
 * Proves which client calls the token or revocation endpoint (RFC 6749 §2.3).
 * @throws {OAuthError} `invalid_client`, or `invalid_request` for two methods at once.
 */
export async function authenticateClient(exchange: Exchange, parameters: Parameters, service: Service): Promise<AuthenticatedClient> {
  const { clientId, secret, method } = credentialsOf(exchange, parameters);
  exchange.note({ client: clientId.slice(0, 200) });
  const client = await service.part(createClients).find(clientId);
  if (!client) throw new OAuthError("invalid_client", "The client is not known here.");
  if (!client.authMethods.includes(method)) {
    throw new OAuthError("invalid_client", `The client authenticates with ${client.authMethods.join(" or ")}, not ${method}.`);
  }
  if (method !== "none" && !(client.secretHash && secret && sameDigest(sha256(secret), client.secretHash))) {
    throw new OAuthError("invalid_client", "The client secret is wrong.");
  }
  return { client, method };
}

/** Whom a request says it is from, before that is proved. @throws {OAuthError} when it does not say it well. */
export function presentedClientId(exchange: Exchange, parameters: Parameters): string {
  return credentialsOf(exchange, parameters).clientId;
}

function credentialsOf(exchange: Exchange, parameters: Parameters): Credentials {
  const basic = basicCredentials(exchange.header("authorization"));
  const clientId = parameters.get("client_id");
  const secret = parameters.get("client_secret");
  if (parameters.has("client_assertion")) throw new OAuthError("invalid_client", "Client assertions are not supported.");
  if (basic) {
    if (secret !== undefined)
      throw new OAuthError("invalid_request", "Authenticate in the header or in the body, not in both (RFC 6749 §2.3).");
    if (clientId !== undefined && clientId !== basic.clientId)
      throw new OAuthError("invalid_request", "client_id differs from the header's.");
    return { ...basic, method: "client_secret_basic" };
  }
  if (clientId === undefined) throw new OAuthError("invalid_client", "client_id is missing.");
  return { clientId, secret, method: secret === undefined ? "none" : "client_secret_post" };
}

/** RFC 6749 §2.3.1: both halves are form-encoded before they are joined. */
function basicCredentials(authorization: string | undefined): { clientId: string; secret: string } | undefined {
  if (authorization === undefined) return undefined;
  const encoded = /^Basic +([A-Za-z0-9+/]+=*) *$/i.exec(authorization)?.[1];
  const text = Buffer.from(encoded ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 1) throw new OAuthError("invalid_client", "The Authorization header is not HTTP Basic with a client id and a secret.");
  try {
    return { clientId: formDecode(text.slice(0, colon)), secret: formDecode(text.slice(colon + 1)) };
  } catch {
    throw new OAuthError("invalid_client", "The client id or secret in the Authorization header is not form-encoded.");
  }
}

function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}
