import { after, before, describe } from "node:test";
import type { Store, StoreOptions } from "../../shared/state/store.ts";
import { createBench } from "./state-bench.mts";
import { describePages } from "./state-suite-pages.mts";
import { describeRecords } from "./state-suite-records.mts";

/**
 * The contract of shared/state/store.ts, the same for every database.
 *
 * @param open Opens a store on one and the same database at each call; it may hold records of earlier runs.
 */
export function describeStore(name: string, open: (options: StoreOptions) => Promise<Store>): void {
  describe(`${name} keeps the contract of a store`, () => {
    const bench = createBench(open);
    before(bench.open);
    after(bench.close);
    describeRecords(bench);
    describePages(bench);
  });
}
