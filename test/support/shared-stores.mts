import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stateUrl as dynamoUrl, startDynalite } from "./dynamodb.mts";
import { startPostgres, whyNoPostgres } from "./postgres.mts";

/** A store that several processes can share. */
export interface SharedStore {
  readonly name: string;
  /** Why it cannot be had here. */
  readonly missing?: string | undefined;
  /** An empty one of its own. */
  readonly start: () => Promise<StartedStore>;
}

export interface StartedStore {
  readonly stateUrl: string;
  readonly stop: () => Promise<void> | void;
}

export const STORES: readonly SharedStore[] = [
  {
    name: "SQLite",
    async start() {
      const folder = mkdtempSync(join(tmpdir(), "portico-shared-"));
      return { stateUrl: `sqlite:${join(folder, "state.db")}`, stop: () => rmSync(folder, { recursive: true }) };
    },
  },
  {
    name: "DynamoDB (dynalite)",
    async start() {
      const dynamo = await startDynalite();
      return { stateUrl: dynamoUrl(dynamo), stop: dynamo.close };
    },
  },
  {
    name: "PostgreSQL",
    missing: whyNoPostgres(),
    async start() {
      const server = await startPostgres();
      return { stateUrl: server.url(await server.createDatabase()), stop: server.remove };
    },
  },
];
