import { sameDigest, sha256 } from "../../shared/hash.ts";
import type { Exchange } from "../../shared/http/exchange.ts";
import type { Parameters } from "../../shared/http/form.ts";
import type { Service } from "../../shared/service.ts";
import { audit } from "../audit.ts";
import { OAuthError } from "../oauth-error.ts";
import { ASSERTION_TYPE, assertedClientId, verifyAssertion } from "./assertion.ts";
import type { AuthMethod, Client } from "./client.ts";
import { createClients } from "./clients.ts";
import { explainFault } from "./fetched.ts";

export interface AuthenticatedClient {
  readonly client: Client;
  readonly method: AuthMethod;
}

/** Whom a request says it is from, and what it shows of that: a secret or an assertion, by the method. Nothing is proved. */
export interface Credentials {
  readonly clientId: string;
  readonly method: AuthMethod;
  readonly proof: string;
}

/**
 * Proves which client calls the token or revocation endpoint (RFC 6749 §2.3, RFC 7521 §4.2).
 * @throws {OAuthError} `invalid_client`, or `invalid_request` for two methods at once.
 * @throws {HttpError} 503 when the client's document or keys cannot be reached: that is never the client's fault.
 */
export async function authenticateClient(exchange: Exchange, credentials: Credentials, service: Service): Promise<AuthenticatedClient> {
  const { clientId, method } = credentials;
  exchange.note({ client: clientId.slice(0, 200) });
  try {
    const client = await service.part(createClients).find(clientId, exchange.address);
    if (!client) throw new OAuthError("invalid_client", "The client is not known here.");
    checkMethod(client, method, service);
    await prove(client, credentials, exchange, service);
    return { client, method };
  } catch (error) {
    if (error instanceof OAuthError) audit(service, exchange, "refusal", { client: clientId, method, reason: error.code });
    throw error;
  }
}

function checkMethod(client: Client, method: AuthMethod, { config }: Service): void {
  if (!client.authMethods.includes(method)) {
    throw new OAuthError("invalid_client", `The client authenticates with ${client.authMethods.join(" or ")}, not ${method}.`);
  }
  if (!config.clientAuthMethods.includes(method)) {
    throw new OAuthError("invalid_client", `Clients do not authenticate with ${method} here.`);
  }
}

async function prove(client: Client, { method, proof }: Credentials, { address }: Exchange, service: Service): Promise<void> {
  if (method === "none") return;
  if (method === "private_key_jwt") {
    await verifyAssertion(service, client, proof, address).catch(explainFault("keys"));
  } else if (client.secretHash === undefined || !sameDigest(sha256(proof), client.secretHash)) {
    throw new OAuthError("invalid_client", "The client secret is wrong.");
  }
}

/** @throws {OAuthError} when a request does not say well whom it is from. */
export async function credentialsOf(exchange: Exchange, parameters: Parameters): Promise<Credentials> {
  const basic = basicCredentials(exchange.header("authorization"));
  const clientId = parameters.get("client_id");
  const secret = parameters.get("client_secret");
  const assertion = assertionOf(parameters);
  if ([basic, secret, assertion].filter((credential) => credential !== undefined).length > 1) {
    throw new OAuthError("invalid_request", "Authenticate in one way only (RFC 6749 §2.3).");
  }
  const named = basic?.clientId ?? (assertion === undefined ? clientId : await assertedClientId(assertion));
  if (named === undefined) throw new OAuthError("invalid_client", "client_id is missing.");
  if (clientId !== undefined && clientId !== named) {
    throw new OAuthError("invalid_request", "client_id differs from whom the credentials name.");
  }
  if (basic) return { clientId: named, method: "client_secret_basic", proof: basic.secret };
  if (assertion !== undefined) return { clientId: named, method: "private_key_jwt", proof: assertion };
  return { clientId: named, method: secret === undefined ? "none" : "client_secret_post", proof: secret ?? "" };
}

/** RFC 7521 §4.2. */
function assertionOf(parameters: Parameters): string | undefined {
  const assertion = parameters.get("client_assertion");
  const type = parameters.get("client_assertion_type");
  if (assertion === undefined && type === undefined) return undefined;
  if (assertion === undefined) throw new OAuthError("invalid_request", "client_assertion is missing.");
  if (type !== ASSERTION_TYPE) throw new OAuthError("invalid_client", `client_assertion_type must be ${ASSERTION_TYPE}.`);
  return assertion;
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
