import { redeemCode } from "../grants/redemption.ts";
import { mintAccessToken, mintIdToken } from "../keys/tokens.ts";
import { OAuthError } from "../oauth-error.ts";
import type { GrantHandler } from "./grant-handler.ts";

/** grant_type=authorization_code (RFC 6749 §4.1.3). */
export const exchangeCode: GrantHandler = async (service, client, parameters, grant) => {
  const code = parameters.get("code");
  if (code === undefined) throw new OAuthError("invalid_request", "code is missing.");
  const redeemed = await redeemCode(service, client, {
    code,
    redirectUri: parameters.get("redirect_uri"),
    verifier: parameters.get("code_verifier"),
    resource: parameters.get("resource"),
    grant,
  });
  const { scopes, nonce } = redeemed.grant;
  const accessToken = await mintAccessToken(service, redeemed, scopes);
  service.log.info({ event: "token_issued", client: client.client.clientId, grant: redeemed.grantId, scopes }, "security");
  return {
    access_token: accessToken.token,
    token_type: "Bearer",
    expires_in: Math.floor((accessToken.expiresAt - service.clock()) / 1000),
    ...(redeemed.refreshToken === undefined ? {} : { refresh_token: redeemed.refreshToken }),
    scope: scopes.join(" "),
    ...(scopes.includes("openid") ? { id_token: await mintIdToken(service, redeemed, accessToken.token, nonce) } : {}),
  };
};
