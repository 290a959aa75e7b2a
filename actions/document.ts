import { DefinitionError } from "../shared/capabilities/definition-check.ts";
import { conditional, type Kept, publicly } from "../shared/http/etag.ts";
import type { Exchange, Reply } from "../shared/http/exchange.ts";
import type { Service } from "../shared/service.ts";
import { checkActionsLimits } from "./actions-limits.ts";
import { requireMethod } from "./faults.ts";
import { createOpenApi } from "./openapi.ts";

/** Seconds for which a client may keep the document. */
const MAX_AGE = 300;

/** `/actions/openapi.json` and `/openapi.json`: what a Custom GPT imports. */
export function handleDocument(exchange: Exchange, service: Service): Reply {
  requireMethod(exchange, ["GET", "HEAD"]);
  return conditional(exchange, service.derived(createDocument));
}

/** The document as it is sent, made anew when what is offered changes. */
function createDocument(service: Service): Kept {
  const { registry, config, log } = service;
  const faults = documentFaults(service);
  // What changes while the service runs must not take away the rest.
  if (faults.length > 0) log.error({ faults }, "ChatGPT will not take the OpenAPI document");
  const body = JSON.stringify(createOpenApi(registry, config.publicUrl), null, 2);
  return publicly(body, { "content-type": "application/json" }, MAX_AGE);
}

/**
 * For a host, before it serves.
 * @throws {DefinitionError} with all that ChatGPT would refuse of the document.
 */
export function checkDocument(service: Service): void {
  const faults = documentFaults(service);
  if (faults.length > 0) throw new DefinitionError(faults);
}

/** Of a service that is reached without TLS, as on a laptop, only that is left out. */
function documentFaults({ registry, config }: Service): readonly string[] {
  if (registry.catalog.operations.length === 0) return [];
  const document = createOpenApi(registry, config.publicUrl.replace(/^http:/, "https:"));
  return checkActionsLimits(JSON.parse(JSON.stringify(document))).map(
    ({ path, message }) => `the OpenAPI document, ${path}: ${message}; change the capability, or leave it out with ACTIONS_OPERATIONS`,
  );
}
