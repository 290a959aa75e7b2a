import { refreshGrant } from "../grants/refresh.ts";
import { OAuthError } from "../oauth-error.ts";
import type { GrantHandler } from "./grant-handler.ts";

/** grant_type=refresh_token (RFC 6749 §6). */
export const exchangeRefreshToken: GrantHandler = async (service, client, parameters, grant) => {
  const refreshToken = parameters.get("refresh_token");
  if (refreshToken === undefined) throw new OAuthError("invalid_request", "refresh_token is missing.");
  const refreshed = await refreshGrant(service, client, {
    refreshToken,
    scope: parameters.get("scope"),
    resource: parameters.get("resource"),
    grant,
  });
  service.log.info({ event: "token_refreshed", client: client.client.clientId }, "security");
  return {
    access_token: refreshed.accessToken.token,
    token_type: "Bearer",
    expires_in: Math.max(0, Math.floor((refreshed.accessToken.expiresAt - service.clock()) / 1000)),
    refresh_token: refreshed.refreshToken,
    scope: refreshed.scopes.join(" "),
    ...(refreshed.idToken === undefined ? {} : { id_token: refreshed.idToken }),
  };
};
