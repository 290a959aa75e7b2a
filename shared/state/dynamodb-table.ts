import { setTimeout as pause } from "node:timers/promises";
import {
  type AttributeDefinition,
  BatchGetItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  GetItemCommand,
  type KeySchemaElement,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  type TableDescription,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { type Connection, connect, type DynamoOptions, describeFault, type Request, StateTableError } from "./dynamodb-client.ts";
import { itemOf, keyOf, numeric, partitionOf, TTL_ATTRIBUTE } from "./dynamodb-items.ts";

export interface TableReport {
  /** What keeps the service from working, in sentences. */
  readonly faults: readonly string[];
  /** What an operator should know all the same. */
  readonly notes: readonly string[];
}

const KEY_SCHEMA = [
  { AttributeName: "pk", KeyType: "HASH" },
  { AttributeName: "sk", KeyType: "RANGE" },
] satisfies KeySchemaElement[];
const KEY_TYPES = [
  { AttributeName: "pk", AttributeType: "S" },
  { AttributeName: "sk", AttributeType: "S" },
] satisfies AttributeDefinition[];

/** A new table is usually there within seconds. Milliseconds. */
const CREATION = { patience: 120_000, interval: 500 };
const PROBE = { kind: "check", owner: "check", id: "check" };
const PROBE_LIFE = 60_000;

/**
 * Makes the table that a URL names, paid by request and with time to live, and waits until it can be used. For local
 * use: in production the table belongs to the deployment. False if it was there already.
 *
 * @throws {StateTableError} when it cannot be made, or is there and is not a state table.
 */
export async function createTable(url: string, options?: DynamoOptions): Promise<boolean> {
  const connection = await connect(url, options);
  try {
    const made = await make(connection);
    const wrong = schemaFault(await untilActive(connection));
    if (wrong !== undefined) throw new Error(wrong);
    if (!(await isTimeToLiveOn(connection))) await switchTimeToLiveOn(connection);
    return made;
  } catch (error) {
    throw new StateTableError(`${connection.table}: the state table cannot be made: ${describeFault(error)}`, { cause: error });
  } finally {
    connection.close();
  }
}

/**
 * Tries everything that the service does with the table, on one record of its own that it removes again.
 *
 * @throws {StateTableError} when the URL is not that of a table.
 */
export async function checkTable(url: string, options?: DynamoOptions): Promise<TableReport> {
  const connection = await connect(url, options);
  try {
    const faults: string[] = [];
    const notes: string[] = [];
    try {
      const wrong = schemaFault(await describe(connection));
      // With another schema every probe would only say so once more.
      if (wrong !== undefined) return { faults: [wrong], notes };
    } catch (error) {
      if (!isDenied(error)) return { faults: [describeFault(error)], notes };
      notes.push(`the schema was not checked: dynamodb:DescribeTable is not allowed`);
    }
    for (const [action, request] of probes(connection.table)) {
      await connection.repeat<unknown>(request).catch((error: unknown) => faults.push(`dynamodb:${action}: ${describeFault(error)}`));
    }
    notes.push(...(await timeToLiveNotes(connection)));
    return { faults, notes };
  } finally {
    connection.close();
  }
}

/** In an order that leaves nothing behind. */
function probes(table: string): [action: string, request: Request<unknown>][] {
  const now = Date.now();
  const target = { TableName: table, Key: keyOf(PROBE.kind, PROBE.owner, PROBE.id) };
  const item = itemOf(PROBE.kind, { ...PROBE, value: "1", version: "check", expiresAt: now + PROBE_LIFE });
  const sum = { UpdateExpression: "ADD content :by", ExpressionAttributeValues: { ":by": numeric(1) } };
  const partition = {
    KeyConditionExpression: "pk = :pk",
    ExpressionAttributeValues: { ":pk": { S: partitionOf(PROBE.kind, PROBE.owner) } },
  };
  return [
    ["PutItem", (client, options) => client.send(new PutItemCommand({ TableName: table, Item: item }), options)],
    ["UpdateItem", (client, options) => client.send(new UpdateItemCommand({ ...target, ...sum }), options)],
    ["GetItem", (client, options) => client.send(new GetItemCommand({ ...target, ConsistentRead: true }), options)],
    [
      "BatchGetItem",
      (client, options) => client.send(new BatchGetItemCommand({ RequestItems: { [table]: { Keys: [target.Key] } } }), options),
    ],
    ["Query", (client, options) => client.send(new QueryCommand({ TableName: table, ...partition, ConsistentRead: true }), options)],
    ["Scan", (client, options) => client.send(new ScanCommand({ TableName: table, Limit: 1 }), options)],
    ["DeleteItem", (client, options) => client.send(new DeleteItemCommand(target), options)],
  ];
}

async function timeToLiveNotes(connection: Connection): Promise<readonly string[]> {
  try {
    if (await isTimeToLiveOn(connection)) return [];
    return [`time to live is not on for the attribute ${TTL_ATTRIBUTE}: expired records stay until a sweep deletes them`];
  } catch (error) {
    return [`time to live was not checked: ${describeFault(error)}`];
  }
}

async function isTimeToLiveOn(connection: Connection): Promise<boolean> {
  const request = { TableName: connection.table };
  const answer = await connection.repeat((client, options) => client.send(new DescribeTimeToLiveCommand(request), options));
  const { TimeToLiveStatus: status, AttributeName: attribute } = answer.TimeToLiveDescription ?? {};
  return attribute === TTL_ATTRIBUTE && (status === "ENABLED" || status === "ENABLING");
}

async function describe(connection: Connection): Promise<TableDescription> {
  const request = { TableName: connection.table };
  const { Table: table = {} } = await connection.repeat((client, options) => client.send(new DescribeTableCommand(request), options));
  return table;
}

function schemaFault({ TableStatus: status, KeySchema: schema, AttributeDefinitions: types = [] }: TableDescription): string | undefined {
  // Both states serve requests.
  if (status !== "ACTIVE" && status !== "UPDATING") return `the table is ${status}, not ACTIVE`;
  const found = schema?.map(({ AttributeName: name, KeyType: role }) => {
    return `${name} ${role} ${types.find((type) => type.AttributeName === name)?.AttributeType}`;
  });
  if (found?.join() === "pk HASH S,sk RANGE S") return undefined;
  return `the table's key is (${found?.join(", ")}); a state table has (pk HASH S, sk RANGE S)`;
}

async function make(connection: Connection): Promise<boolean> {
  const definition = { AttributeDefinitions: KEY_TYPES, KeySchema: KEY_SCHEMA, BillingMode: "PAY_PER_REQUEST" } as const;
  const request = { TableName: connection.table, ...definition };
  try {
    await connection.repeat((client, options) => client.send(new CreateTableCommand(request), options));
    return true;
  } catch (error) {
    if (causeName(error) === "ResourceInUseException") return false;
    throw error;
  }
}

async function untilActive(connection: Connection): Promise<TableDescription> {
  const end = performance.now() + CREATION.patience;
  for (;;) {
    const table = await describe(connection).catch((error: unknown): TableDescription => {
      // The table may be known in one place and not yet in another.
      if (causeName(error) === "ResourceNotFoundException") return { TableStatus: "CREATING" };
      throw error;
    });
    if (table.TableStatus !== "CREATING" || performance.now() > end) return table;
    await pause(CREATION.interval);
  }
}

/** What stands in for DynamoDB on a laptop may not have it, and needs it least of all. */
async function switchTimeToLiveOn(connection: Connection): Promise<void> {
  const specification = { AttributeName: TTL_ATTRIBUTE, Enabled: true };
  const request = { TableName: connection.table, TimeToLiveSpecification: specification };
  try {
    await connection.repeat((client, options) => client.send(new UpdateTimeToLiveCommand(request), options));
  } catch (error) {
    if (causeName(error) !== "UnknownOperationException") throw error;
  }
}

function isDenied(error: unknown): boolean {
  return causeName(error) === "AccessDeniedException";
}

/** The name of DynamoDB's own error. */
function causeName(error: unknown): string | undefined {
  const { cause } = error as { cause?: { name?: string } };
  return cause?.name;
}
