import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import { type Parameters, parametersOf, readForm } from "../../shared/http/form.ts";
import type { Service } from "../../shared/service.ts";
import type { Grant } from "../../shared/state/records.ts";
import type { Entry } from "../../shared/state/store.ts";
import { audit } from "../audit.ts";
import { authenticateClient, credentialsOf } from "../clients/authentication.ts";
import { readGrant } from "../grants/grants.ts";
import { type Handle, parseCode, parseRefreshToken } from "../grants/handles.ts";
import { createSigner } from "../keys/signer.ts";
import { OAuthError } from "../oauth-error.ts";
import { json } from "../surfaces.ts";
import { handleOfMachine, issueToMachine } from "./client-credentials.ts";
import { exchangeCode } from "./code.ts";
import type { GrantHandler, TokenReply, TokenRequest } from "./grant-handler.ts";
import { exchangeRefreshToken } from "./refresh-token.ts";
import { countingRefusals, refuseAfterFailures } from "./refusals.ts";

/** A grant, and what of a request names it. */
interface GrantType {
  readonly exchange: GrantHandler;
  readonly handleOf: (parameters: Parameters, clientId: string, service: Service) => Handle | undefined;
}

const GRANTS = {
  authorization_code: { exchange: exchangeCode, handleOf: (parameters) => parseCode(parameters.get("code") ?? "") },
  refresh_token: { exchange: exchangeRefreshToken, handleOf: (parameters) => parseRefreshToken(parameters.get("refresh_token") ?? "") },
  client_credentials: {
    exchange: issueToMachine,
    handleOf: (parameters, clientId, service) => handleOfMachine(parameters.get("resource"), clientId, service),
  },
} as const satisfies Record<string, GrantType>;

type GrantName = keyof typeof GRANTS;
export const GRANT_TYPES = Object.keys(GRANTS) as readonly GrantName[];

/** The token endpoint (RFC 6749 §3.2). Its faults are RFC 6749 §5.2 JSON, whatever they are. */
export async function handleToken(exchange: Exchange, service: Service): Promise<Reply> {
  if (exchange.method !== "POST") throw new HttpError(405, "The token endpoint takes POST.", { allow: "POST" });
  const parameters = parametersOf(await readForm(exchange));
  const grantType = parameters.get("grant_type");
  if (grantType === undefined) throw new OAuthError("invalid_request", "grant_type is missing.");
  const known = GRANT_TYPES.find((type) => type === grantType);
  exchange.note({ grantType: known ?? "unknown" });
  if (!known) throw new OAuthError("unsupported_grant_type", `There are: ${GRANT_TYPES.join(", ")}.`);
  // Said wrongly, it ends here, before anything is under way that could fail unheard.
  const credentials = await credentialsOf(exchange, parameters);
  const { clientId } = credentials;
  const handle = GRANTS[known].handleOf(parameters, clientId, service);
  const presented = { clientId, subject: handle?.subject, isProved: false };
  refuseAfterFailures(service, exchange, presented);
  // All at once: a remote store answers them in one request. Nothing of the grant is used before the client is proved.
  const [authenticated, grant] = await Promise.all([
    countingRefusals(service, exchange, presented, authenticateClient(exchange, credentials, service)),
    grantOf(handle, clientId, service),
    service.part(createSigner).ready(),
  ]);
  const issued = issue(known, { authenticated, exchange, parameters, service, grant }, handle);
  return json(200, await countingRefusals(service, exchange, { ...presented, isProved: authenticated.method !== "none" }, issued));
}

async function issue(known: GrantName, request: TokenRequest, handle: Handle | undefined): Promise<TokenReply> {
  const { client, method } = request.authenticated;
  try {
    if (!client.grantTypes.includes(known)) {
      throw new OAuthError("unauthorized_client", `The client is not registered for the grant ${known}.`);
    }
    return await GRANTS[known].exchange(request);
  } catch (error) {
    if (error instanceof OAuthError) {
      const about = { client: client.clientId, method, grantType: known, reason: error.code };
      audit(request.service, request.exchange, "refusal", handle ? { ...about, subject: handle.subject, grant: handle.grantId } : about);
    }
    throw error;
  }
}

/** The grant that a request names, read beside what tells whether its client and subject are cut off. */
async function grantOf(handle: Handle | undefined, clientId: string, service: Service): Promise<Entry<Grant> | undefined> {
  if (!handle) return undefined;
  const [grant] = await Promise.all([readGrant(service, handle), service.bearer.isCutOff(handle.subject, clientId, 0)]);
  return grant;
}
