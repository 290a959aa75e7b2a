import type { Parameters } from "../../shared/http/form.ts";
import type { Service } from "../../shared/service.ts";
import type { Grant } from "../../shared/state/records.ts";
import type { Entry } from "../../shared/state/store.ts";
import type { AuthenticatedClient } from "../clients/authentication.ts";

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

/** One file a grant, the same shape each. */
export type GrantHandler = (
  service: Service,
  client: AuthenticatedClient,
  parameters: Parameters,
  /** The grant that the request names, as it was read with the client. */
  grant: Entry<Grant> | undefined,
) => Promise<TokenReply>;
