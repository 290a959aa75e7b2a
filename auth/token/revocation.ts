import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import { parametersOf, readForm } from "../../shared/http/form.ts";
import type { Service } from "../../shared/service.ts";
import { authenticateClient, credentialsOf } from "../clients/authentication.ts";
import { revokeToken } from "../grants/revocation.ts";
import { OAuthError } from "../oauth-error.ts";
import { countingRefusals, refuseAfterFailures } from "./refusals.ts";

/** The revocation endpoint (RFC 7009): 200 whether or not there was anything to revoke. */
export async function handleRevocation(exchange: Exchange, service: Service): Promise<Reply> {
  if (exchange.method !== "POST") throw new HttpError(405, "The revocation endpoint takes POST.", { allow: "POST" });
  const parameters = parametersOf(await readForm(exchange));
  const credentials = await credentialsOf(exchange, parameters);
  const presented = { clientId: credentials.clientId, isProved: false };
  refuseAfterFailures(service, exchange, presented);
  const { client } = await countingRefusals(service, exchange, presented, authenticateClient(exchange, credentials, service));
  const token = parameters.get("token");
  if (token === undefined) throw new OAuthError("invalid_request", "token is missing.");
  await revokeToken(service, exchange, client, token);
  return { status: 200, headers: { "cache-control": "no-store" } };
}
