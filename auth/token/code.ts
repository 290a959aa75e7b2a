import { audit } from "../audit.ts";
import { redeemCode } from "../grants/redemption.ts";
import { mintAccessToken, mintIdToken } from "../keys/tokens.ts";
import { OAuthError } from "../oauth-error.ts";
import { type GrantHandler, tokenReply } from "./grant-handler.ts";

/** grant_type=authorization_code (RFC 6749 §4.1.3). */
export const exchangeCode: GrantHandler = async ({ service, exchange, authenticated, parameters, grant }) => {
  const code = parameters.get("code");
  if (code === undefined) throw new OAuthError("invalid_request", "code is missing.");
  const redeemed = await redeemCode(service, exchange, authenticated, {
    code,
    redirectUri: parameters.get("redirect_uri"),
    verifier: parameters.get("code_verifier"),
    resource: parameters.get("resource"),
    grant,
  });
  const { clientId, scopes, resource, nonce } = redeemed.grant;
  const { subject, grantId, refreshToken } = redeemed;
  const accessToken = await mintAccessToken(service, redeemed, scopes);
  const idToken = scopes.includes("openid") ? await mintIdToken(service, redeemed, accessToken.token, nonce) : undefined;
  const { method } = authenticated;
  audit(service, exchange, "issue", {
    client: clientId,
    subject,
    grant: grantId,
    grantType: "authorization_code",
    scopes,
    resource,
    method,
  });
  return tokenReply(service, { accessToken, scopes, refreshToken, idToken });
};
