import { refreshGrant } from "../grants/refresh.ts";
import { OAuthError } from "../oauth-error.ts";
import { type GrantHandler, tokenReply } from "./grant-handler.ts";

/** grant_type=refresh_token (RFC 6749 §6). */
export const exchangeRefreshToken: GrantHandler = async ({ service, exchange, authenticated, parameters, grant }) => {
  const refreshToken = parameters.get("refresh_token");
  if (refreshToken === undefined) throw new OAuthError("invalid_request", "refresh_token is missing.");
  const refreshed = await refreshGrant(service, exchange, authenticated, {
    refreshToken,
    scope: parameters.get("scope"),
    resource: parameters.get("resource"),
    grant,
  });
  return tokenReply(service, refreshed);
};
