import type { Config } from "../../../shared/config.ts";
import type { Upstream } from "../../../shared/config-upstreams.ts";
import { domainOf } from "../email-address.ts";

/** What the session of a person who signed in with an e-mail code says of where. */
export const EMAIL = "email";

/** The ways in which a client's people may sign in. */
export interface Choices {
  /** Shown by name. */
  readonly listed: readonly Upstream[];
  /** Found by the e-mail address that a person types. */
  readonly byDomain: readonly Upstream[];
  /** Whether an address may be sent a code. */
  readonly email: boolean;
}

/**
 * A client that some provider is fixed for has that one and no other way. On their own page people may come from any.
 * @param clientId Absent when someone signs in to see their own account.
 */
export function choicesFor({ upstreams, mail, production }: Config, clientId: string | undefined): Choices {
  const fixed = upstreams.filter(({ clients }) => clientId !== undefined && clients?.includes(clientId));
  const open = clientId === undefined ? upstreams : upstreams.filter(({ clients }) => clients === undefined);
  const offered = fixed.length > 0 ? fixed : open;
  return {
    listed: offered.filter(({ domains }) => domains === undefined),
    byDomain: offered.filter(({ domains }) => domains !== undefined),
    // On a laptop without a provider the code is shown or printed.
    email: fixed.length === 0 && (mail !== undefined || (upstreams.length === 0 && !production)),
  };
}

/** Whether people who signed in there may use the client. */
export function isOffered({ listed, byDomain, email }: Choices, provider: string): boolean {
  return provider === EMAIL ? email : [...listed, ...byDomain].some(({ id }) => id === provider);
}

/** The provider that an address belongs to: its people sign in there and with nothing else. */
export function providerOf({ byDomain }: Choices, email: string): Upstream | undefined {
  return byDomain.find(({ domains }) => domains?.includes(domainOf(email)));
}

/** The only way there is, when it is a provider. */
export function onlyProvider({ listed, byDomain, email }: Choices): Upstream | undefined {
  return listed.length === 1 && byDomain.length === 0 && !email ? listed[0] : undefined;
}
