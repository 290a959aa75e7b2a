import type { Service } from "../../shared/service.ts";
import { type Grant, grantKind } from "../../shared/state/records.ts";
import type { Entry } from "../../shared/state/store.ts";
import { OAuthError } from "../oauth-error.ts";
import { killed, stepGrant } from "./grants.ts";

/** Living grants of one person and one client. Each install of an application has one of its own. */
const MAX_GRANTS = 50;

/** Ends the least recently refreshed grants above {@link MAX_GRANTS}. */
export async function limitGrants(service: Service, subject: string, clientId: string): Promise<void> {
  const living = (await listGrants(service, subject)).filter(({ value }) => value.clientId === clientId && value.state !== "dead");
  const surplus = living.sort((a, b) => lastUse(a.value) - lastUse(b.value)).slice(0, Math.max(0, living.length - MAX_GRANTS));
  for (const { id } of surplus) await endGrant(service, subject, id);
}

async function endGrant(service: Service, subject: string, grantId: string): Promise<void> {
  try {
    await stepGrant(service, { subject, grantId }, ({ value }) =>
      value.state !== "dead" ? { next: killed(value, "too_many", service.clock()), result: undefined } : { result: undefined },
    );
  } catch (error) {
    // It expired meanwhile, which is as good.
    if (!(error instanceof OAuthError)) throw error;
  }
}

async function listGrants({ store }: Service, subject: string): Promise<Entry<Grant>[]> {
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
