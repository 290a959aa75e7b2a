import type { Exchange } from "../../shared/http/exchange.ts";
import type { Parameters } from "../../shared/http/form.ts";
import type { Service } from "../../shared/service.ts";
import type { Grant } from "../../shared/state/records.ts";
import type { Entry } from "../../shared/state/store.ts";
import type { AuthenticatedClient } from "../clients/authentication.ts";
import type { AccessToken } from "../keys/tokens.ts";

/** RFC 6749 §5.1 and OpenID Connect Core §3.1.3.3. Custom GPTs need all of the first four. */
export interface TokenReply {
  readonly access_token: string;
  readonly token_type: "Bearer";
  /** Seconds. */
  readonly expires_in: number;
  readonly refresh_token?: string;
  readonly scope: string;
  readonly id_token?: string;
}

/** A request to the token endpoint whose client is proved and registered for the grant. */
export interface TokenRequest {
  readonly service: Service;
  readonly exchange: Exchange;
  readonly authenticated: AuthenticatedClient;
  readonly parameters: Parameters;
  /** The grant that the request names, as it was read with the client. */
  readonly grant: Entry<Grant> | undefined;
}

/** One file a grant, the same shape each. */
export type GrantHandler = (request: TokenRequest) => Promise<TokenReply>;

/** What was issued, as the token endpoint says it. */
export interface Issued {
  readonly accessToken: AccessToken;
  readonly scopes: readonly string[];
  readonly refreshToken?: string | undefined;
  readonly idToken?: string | undefined;
}

export function tokenReply({ clock }: Service, { accessToken, scopes, refreshToken, idToken }: Issued): TokenReply {
  return {
    access_token: accessToken.token,
    token_type: "Bearer",
    expires_in: Math.max(0, Math.floor((accessToken.expiresAt - clock()) / 1000)),
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    scope: scopes.join(" "),
    ...(idToken === undefined ? {} : { id_token: idToken }),
  };
}
