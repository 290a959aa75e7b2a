import type { Service } from "../../shared/service.ts";
import { listAll } from "../../shared/state/entries.ts";
import { type Grant, grantKind } from "../../shared/state/records.ts";
import type { Entry } from "../../shared/state/store.ts";
import { audit, type Trail } from "../audit.ts";
import { type EndReason, endGrant } from "./grants.ts";

/** Living grants of one person and one client. Each install of an application has one of its own. */
const MAX_GRANTS = 50;

/** Ends the least recently refreshed grants above {@link MAX_GRANTS}. */
export async function limitGrants(service: Service, subject: string, clientId: string, exchange: Trail): Promise<void> {
  const living = (await listGrants(service, subject)).filter(({ value }) => value.clientId === clientId && value.state !== "dead");
  const surplus = living.sort((a, b) => lastUse(a.value) - lastUse(b.value)).slice(0, Math.max(0, living.length - MAX_GRANTS));
  await endGrants(service, exchange, subject, surplus, "too_many");
}

/** Ends grants of one person, each with a line in the audit: their tokens stop within ten seconds everywhere, at once in this process. */
export async function endGrants(
  service: Service,
  exchange: Trail,
  subject: string,
  grants: readonly Entry<Grant>[],
  reason: EndReason,
): Promise<void> {
  const end = async ({ id, value }: Entry<Grant>) => {
    const ended = await endGrant(service, { subject, grantId: id }, reason);
    if (ended) audit(service, exchange, "revoke", { client: value.clientId, subject, grant: id, reason });
  };
  await Promise.all(grants.map(end));
}

/** All grants of an owner, the dead ones too. */
export function listGrants({ store }: Pick<Service, "store">, subject: string): Promise<Entry<Grant>[]> {
  return listAll(store, grantKind, subject);
}

/** Milliseconds since the epoch. */
export function lastUse({ lastIssuedAt, createdAt }: Grant): number {
  return lastIssuedAt ?? createdAt;
}
