import type { Capability } from "../shared/capabilities/capability.ts";
import type { Catalog } from "../shared/capabilities/registry.ts";

/** The capabilities that are operations. */
export function offeredOnActions({ capabilities }: Catalog): readonly Capability[] {
  return capabilities.filter(({ surfaces }) => surfaces.includes("actions"));
}
