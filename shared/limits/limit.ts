import { sha256 } from "../hash.ts";
import { HttpError } from "../http/exchange.ts";
import type { Service } from "../service.ts";
import { isShared, networkOf } from "./address.ts";
import { type Budget, createBudgets } from "./budgets.ts";

const HOUR = 60 * 60 * 1000;

export { counterKind } from "./budgets.ts";

/**
 * One layer of a limit: what is counted, for whom, how much of it and in which time. Layers are never keyed on what
 * everyone shares: not on a client id that is a metadata document's address alone, but on it and an address or a subject.
 */
export interface Layer {
  readonly name: string;
  /** Whom it is counted for; a hash of it is kept. */
  readonly key: readonly string[];
  readonly max: number;
  /** Milliseconds. */
  readonly window: number;
}

/**
 * A layer that counts by address: by /64 in IPv6, which is one household or server. Empty for addresses of
 * SHARED_EGRESS, behind which too many people stand.
 * @param beside What else the key has: a client's id, for one.
 */
export function addressLayer(
  { config }: Pick<Service, "config">,
  name: string,
  address: string,
  { max, window = HOUR }: { readonly max: number; readonly window?: number },
  ...beside: string[]
): readonly Layer[] {
  return isShared(address, config.sharedEgress) ? [] : [{ name, key: [networkOf(address), ...beside], max, window }];
}

/**
 * Counts one more in each layer, through the store, so that all replicas count together.
 * @throws {HttpError} 429 with Retry-After when one of them is used up.
 * @throws {Unavailable} when the store cannot count.
 */
export async function limit(service: Service, layers: readonly Layer[]): Promise<void> {
  const budgets = service.part(createBudgets);
  const allowed = await Promise.all(layers.map((layer) => budgets.spend(budgetOf(layer, service.clock()))));
  const refused = layers.filter((_, index) => !allowed[index]);
  if (refused.length > 0) throw tooMany(refused, service.clock());
}

/**
 * Refuses who has used up a layer, without counting: before the work whose failures {@link limit} counts. It knows what
 * this process has met, so that it costs no read.
 * @throws {HttpError} 429 with Retry-After.
 */
export function refuseSpent(service: Service, layers: () => readonly Layer[]): void {
  const budgets = service.part(createBudgets);
  if (!budgets.anySpent()) return;
  const now = service.clock();
  const refused = layers().filter((layer) => budgets.isSpent(budgetOf(layer, now)));
  if (refused.length > 0) throw tooMany(refused, now);
}

/** {@link limit} with one layer by address and hour. */
export async function limitPerAddress(service: Service, name: string, address: string, max: number): Promise<void> {
  await limit(service, addressLayer(service, name, address, { max }));
}

/** {@link limit} with one layer by hour. @param key Whom it is counted for. */
export async function limitPerHour(service: Service, name: string, key: string, max: number): Promise<void> {
  await limit(service, [{ name, key: [key], max, window: HOUR }]);
}

function budgetOf({ name, key, max, window }: Layer, now: number): Budget {
  const start = Math.floor(now / window) * window;
  const hash = sha256(key.length === 1 && key[0] !== undefined ? key[0] : JSON.stringify(key));
  return { id: `${name}:${start}:${hash}`, max, endsAt: start + window };
}

function tooMany(layers: readonly Layer[], now: number): HttpError {
  const endsAt = Math.max(...layers.map(({ window }) => (Math.floor(now / window) + 1) * window));
  return new HttpError(429, "Too many requests. Try again later.", {
    "retry-after": String(Math.max(1, Math.ceil((endsAt - now) / 1000))),
  });
}
