import type { Service } from "../../shared/service.ts";
import { type Grant, grantKind } from "../../shared/state/records.ts";
import type { Entry } from "../../shared/state/store.ts";
import { audit, type Trail } from "../audit.ts";
import { endGrant } from "./grants.ts";

/** Living grants of one person and one client. Each install of an application has one of its own. */
const MAX_GRANTS = 50;

/** Ends the least recently refreshed grants above {@link MAX_GRANTS}. */
export async function limitGrants(service: Service, subject: string, clientId: string, exchange: Trail): Promise<void> {
  const living = (await listGrants(service, subject)).filter(({ value }) => value.clientId === clientId && value.state !== "dead");
  const surplus = living.sort((a, b) => lastUse(a.value) - lastUse(b.value)).slice(0, Math.max(0, living.length - MAX_GRANTS));
  for (const { id } of surplus) {
    const ended = await endGrant(service, { subject, grantId: id }, "too_many");
    if (ended) audit(service, exchange, "revoke", { client: clientId, subject, grant: id, reason: "too_many" });
  }
}

/** All grants of an owner, the dead ones too. */
export async function listGrants({ store }: Pick<Service, "store">, subject: string): Promise<Entry<Grant>[]> {
  const grants: Entry<Grant>[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list(grantKind, subject, cursor);
    grants.push(...page.entries);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return grants;
}

function lastUse({ lastIssuedAt, createdAt }: Grant): number {
  return lastIssuedAt ?? createdAt;
}
