import type { Config } from "../config.ts";
import { authSession } from "./auth-session.ts";
import type { Capability, CapabilityDefinition } from "./capability.ts";
import { compile } from "./compile.ts";
import { checkDefinitions } from "./definition-check.ts";
import { healthCheck } from "./health-check.ts";
import { identityProfile } from "./identity-profile.ts";
import type { PackName } from "./pack-names.ts";
import { todos } from "./todos.ts";

/** All capabilities the configuration switched on, in a fixed order. */
export interface Registry {
  readonly all: readonly Capability[];
  find(name: string): Capability | undefined;
  /** The scopes that at least one capability needs, sorted. */
  readonly scopes: readonly string[];
}

/** What `CAPABILITIES` can name. */
const PACKS: Readonly<Record<PackName, readonly CapabilityDefinition[]>> = {
  core: [healthCheck, identityProfile, authSession],
  todos,
};

/**
 * @throws {DefinitionError} naming the capability, what is wrong and how to mend it.
 */
export function createRegistry({ capabilityPacks }: Pick<Config, "capabilityPacks">): Registry {
  return registryOf([...new Set(capabilityPacks)].flatMap((pack) => PACKS[pack]));
}

/** @throws {DefinitionError} with every fault of every definition. */
export function registryOf(definitions: readonly CapabilityDefinition[]): Registry {
  checkDefinitions(definitions);
  const all = definitions.map(compile);
  const byName = new Map(all.map((capability) => [capability.name, capability]));
  return {
    all,
    find: (name) => byName.get(name),
    scopes: [...new Set(all.flatMap(({ access }) => (access === "public" ? [] : access)))].sort(),
  };
}
