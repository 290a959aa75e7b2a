import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createTable } from "../../shared/state/dynamodb-table.ts";

const require = createRequire(import.meta.url);

/** A real HTTP server that speaks DynamoDB's protocol, and one state table in it. */
export interface Dynamo {
  readonly endpoint: string;
  readonly table: string;
  readonly region: string;
  /** Removes the table and ends the server if it was started here. */
  close(): Promise<void>;
}

/** Starts dynalite on a free port. */
export async function startDynalite(): Promise<Dynamo> {
  // It has no types of its own.
  const dynalite: (options: object) => Server = require("dynalite");
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0 });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const dynamo = await makeTable(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    ...dynamo,
    async close() {
      await dynamo.close();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

/** A table of its own on an endpoint that is there already. */
export async function makeTable(endpoint: string): Promise<Dynamo> {
  const [table, region] = [`portico-test-${randomBytes(6).toString("hex")}`, process.env["AWS_REGION"] ?? "us-east-1"];
  await createTable(stateUrl({ endpoint, table, region }));
  return {
    endpoint,
    table,
    region,
    async close() {
      const local = { accessKeyId: "local", secretAccessKey: "local" };
      const credentials = process.env["AWS_ACCESS_KEY_ID"] || endpoint.startsWith("https:") ? {} : { credentials: local };
      const client = new DynamoDBClient({ endpoint, region, ...credentials });
      await client.send(new DeleteTableCommand({ TableName: table }));
      client.destroy();
    },
  };
}

/** STATE_URL for a table, by way of another endpoint if one is given. */
export function stateUrl({ endpoint, table, region }: Omit<Dynamo, "close">, by = endpoint): string {
  return `dynamodb://${table}?${new URLSearchParams({ region, endpoint: by })}`;
}
