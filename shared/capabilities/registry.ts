import type { Config } from "../config.ts";
import type { Capability } from "./capability.ts";

/** All capabilities the configuration switched on, in a fixed order. */
export interface Registry {
  readonly all: readonly Capability[];
  find(name: string): Capability | undefined;
  /** The scopes that at least one capability needs, sorted. */
  readonly scopes: readonly string[];
}

/** @throws {DefinitionError} naming the capability, what is wrong and how to mend it. */
export function createRegistry(config: Config): Registry {
  throw new Error(`to be written: ${config.capabilityPacks}`);
}
