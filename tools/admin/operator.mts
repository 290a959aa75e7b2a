import { type AuditEvent, type AuditFields, audit } from "../../auth/audit.ts";
import type { Config } from "../../shared/config.ts";
import { createLog } from "../../shared/log.ts";

/** What an operator does leaves the line that the service would write, on standard error, with "admin" for the request. */
export function auditOperator(config: Config, event: AuditEvent, fields: AuditFields): void {
  audit({ log: createLog(config.logLevel, 2) }, { id: "admin", note: () => {} }, event, fields);
}
