import type { Service } from "../../shared/service.ts";
import { audit } from "../audit.ts";
import type { Client } from "../clients/client.ts";
import { machineHandle, standingGrant } from "../grants/machine.ts";
import { permittedScopes } from "../identity/admission.ts";
import { mintAccessToken } from "../keys/tokens.ts";
import { OAuthError } from "../oauth-error.ts";
import { audiencesOf, resourceOf } from "../resources.ts";
import { grantableScopes, IDENTITY_SCOPES, narrowScopes } from "../scopes.ts";
import { type GrantHandler, tokenReply } from "./grant-handler.ts";

/** What a person is, and that it may be away. */
const OF_PEOPLE: ReadonlySet<string> = new Set(IDENTITY_SCOPES);

/**
 * grant_type=client_credentials (RFC 6749 §4.4, MCP's extension SEP-1046): a machine in its own name. There is no
 * refresh token (§4.4.3) and no ID token, because there is nobody to identify.
 */
export const issueToMachine: GrantHandler = async ({ service, exchange, authenticated, parameters, grant }) => {
  const { client, method } = authenticated;
  if (method === "none") throw new OAuthError("unauthorized_client", "The grant client_credentials is for clients that authenticate.");
  const resource = resourceOf(parameters.get("resource"), client, service);
  const allowed = machineScopes(client, service);
  const scopes = narrowScopes(allowed, parameters.get("scope"));
  if (scopes.length === 0) throw new OAuthError("invalid_scope", "The client is registered for no scope that a machine can have.");
  const standing = await standingGrant(service, authenticated, resource, allowed, grant);
  const accessToken = await mintAccessToken(service, standing, scopes);
  const { subject, grantId } = standing;
  const about = { client: client.clientId, subject, grant: grantId, grantType: "client_credentials", scopes, resource, method };
  audit(service, exchange, "issue", about);
  return tokenReply(service, { accessToken, scopes });
};

/** Where the standing grant of a request is, if it names a resource. */
export function handleOfMachine(resource: string | undefined, clientId: string, service: Service) {
  return machineHandle(clientId, resource ?? service.part(audiencesOf).standard("mcp"));
}

/**
 * What a machine can have: scopes of capabilities, none of a person. A scope that SCOPE_RULES keeps for groups of people
 * is a machine's only where the operator wrote it into the client's own list.
 */
function machineScopes(client: Client, service: Service): readonly string[] {
  const grantable = grantableScopes(client, service).filter((scope) => !OF_PEOPLE.has(scope));
  return client.scopes ? grantable : permittedScopes(service.config, grantable);
}
