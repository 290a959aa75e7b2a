import type { Capability } from "../shared/capabilities/capability.ts";
import { flatten } from "../shared/capabilities/flat-schema.ts";
import type { Catalog } from "../shared/capabilities/offer.ts";
import { fitsQuery, propertiesOf } from "../shared/capabilities/schemas.ts";

/** A capability as REST has it. */
export interface Operation {
  readonly capability: Capability;
  /** "get": its input is the query. "post": its input is a body. */
  readonly method: "get" | "post";
}

/** What Actions offer, in a fixed order. */
export function operationsOf({ operations }: Pick<Catalog, "operations">): readonly Operation[] {
  return operations.map((capability) => ({ capability, method: methodOf(capability) }));
}

/** A read is a GET (RFC 9110 §9.3.1) unless its input does not fit into a query. */
function methodOf({ effect, inputSchema }: Capability): Operation["method"] {
  const inQuery = effect === "read" && propertiesOf(flatten(inputSchema)).every(([, schema]) => fitsQuery(schema));
  return inQuery ? "get" : "post";
}
