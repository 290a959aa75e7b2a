import type { Config } from "../config.ts";
import type { SealKey } from "./seal.ts";
import { openStore, type Store, type StoreOptions } from "./store.ts";

export interface State {
  readonly store: Store;
  /** The configured state keys, or outside production the ones kept beside the state file. */
  readonly keys: readonly SealKey[];
}

/** Opens the store that STATE_URL names; the driver is loaded only when it is used. */
export async function openState(config: Config, options: StoreOptions): Promise<State> {
  throw new Error(`to be written: ${config.stateUrl} ${openStore.name} ${typeof options}`);
}
