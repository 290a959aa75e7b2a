import type { Exchange } from "../../shared/http/exchange.ts";
import { networkOf } from "../../shared/limits/address.ts";
import { addressLayer, type Layer, limit, refuseSpent } from "../../shared/limits/limit.ts";
import type { Service } from "../../shared/service.ts";
import { Unavailable } from "../../shared/state/store.ts";
import { OAuthError } from "../oauth-error.ts";

/** Whom a request to the token or revocation endpoint says it is from. */
export interface Presented {
  readonly clientId: string;
  /** Whose grant it names, if any. */
  readonly subject?: string | undefined;
  /** Whether the client has authenticated. */
  readonly isProved: boolean;
}

const WINDOW = 10 * 60 * 1000;

/**
 * Refuses who has failed too often, before anything is looked up.
 * @throws {HttpError} 429 with Retry-After.
 */
export function refuseAfterFailures(service: Service, exchange: Exchange, presented: Presented): void {
  refuseSpent(service, () => [
    ...layersOf(service, exchange, presented),
    // A client that is to be proved again leaves a record of that.
    ...clientLayer(service, exchange, { ...presented, isProved: true }),
  ]);
}

/**
 * Counts when `work` is refused. Only refusals count, because all of a vendor's users refresh from its few addresses.
 * @throws {HttpError} 429 with Retry-After instead of the refusal when it was one too many.
 */
export async function countingRefusals<T>(service: Service, exchange: Exchange, presented: Presented, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    await count(service, layersOf(service, exchange, presented));
    throw error;
  }
}

async function count(service: Service, layers: readonly Layer[]): Promise<void> {
  try {
    await limit(service, layers);
  } catch (error) {
    // Without the store nobody is counted; the request keeps the answer that it has.
    if (!(error instanceof Unavailable)) throw error;
  }
}

/**
 * What a client that proved itself does wrong counts against the person it does it for, and {@link PROVED} times less
 * against itself and its address: one person could lock out all others of a vendor's backend, but anyone can register a
 * client whose proofs are good and whose grants are invented, and each such request leaves records behind.
 */
function layersOf(service: Service, exchange: Exchange, presented: Presented): readonly Layer[] {
  const ofAddress = [...addressLayerOf(service, exchange, presented), ...clientLayer(service, exchange, presented)];
  return [...ofAddress, subjectLayer(service, exchange, presented)];
}

const PROVED = 10;

function addressLayerOf({ config }: Service, { address }: Exchange, { isProved }: Presented): readonly Layer[] {
  const max = config.limits.tokenFailuresPerAddress;
  return isProved
    ? addressLayer({ config }, "token-proved", address, { max: max * PROVED, window: WINDOW })
    : addressLayer({ config }, "token", address, { max, window: WINDOW });
}

/** By client and address, so that one broken application does not stop the others beside it. */
function clientLayer({ config }: Service, { address }: Exchange, { clientId, isProved }: Presented): readonly Layer[] {
  const max = config.limits.tokenFailuresPerClient;
  return isProved
    ? addressLayer({ config }, "token-client-proved", address, { max: max * PROVED, window: WINDOW }, clientId)
    : addressLayer({ config }, "token-client", address, { max, window: WINDOW }, clientId);
}

/**
 * By client, person and address: all that holds for SHARED_EGRESS, where client and address are the same for everyone.
 * The address is part of it, so that a stranger who knows a person's id cannot use up what is theirs.
 */
function subjectLayer(service: Service, { address }: Exchange, { clientId, subject = "" }: Presented): Layer {
  const max = service.config.limits.tokenFailuresPerSubject;
  return { name: "token-subject", key: [networkOf(address), clientId, subject], max, window: WINDOW };
}
