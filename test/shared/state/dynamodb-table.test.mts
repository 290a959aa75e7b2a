import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type AttributeDefinition, CreateTableCommand, DynamoDBClient, PutItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { createLog } from "../../../shared/log.ts";
import { openDynamo } from "../../../shared/state/dynamodb.ts";
import { connect, StateTableError } from "../../../shared/state/dynamodb-client.ts";
import { checkTable, createTable } from "../../../shared/state/dynamodb-table.ts";
import { openStore, type Store } from "../../../shared/state/store.ts";
import { type Dynamo, startDynalite, stateUrl } from "../../support/dynamodb.mts";
import { startProxy } from "../../support/dynamodb-proxy.mts";
import { MINUTE, newCounter, newKind, note } from "../../support/state-bench.mts";

const QUICK = { patience: 100 };

let dynamo: Dynamo;
let client: DynamoDBClient;
before(async () => {
  dynamo = await startDynalite();
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  client = new DynamoDBClient({ endpoint: dynamo.endpoint, region: dynamo.region, credentials });
});
after(async () => {
  client.destroy();
  await dynamo.close();
});

/** A table that is not made for state. */
async function makeOther(table: string, ...keys: [name: string, type: AttributeDefinition["AttributeType"]][]): Promise<string> {
  await client.send(
    new CreateTableCommand({
      TableName: table,
      AttributeDefinitions: keys.map(([name, type]) => ({ AttributeName: name, AttributeType: type })),
      KeySchema: keys.map(([name], index) => ({ AttributeName: name, KeyType: index === 0 ? "HASH" : "RANGE" })),
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
  return stateUrl({ ...dynamo, table });
}

async function openOne(t: { after(clean: () => Promise<void>): void }, clock = Date.now): Promise<Store> {
  const store = openStore(await openDynamo(stateUrl(dynamo)), { clock, log: createLog("silent") });
  t.after(() => store.close());
  return store;
}

describe("the URL of a state table", () => {
  test("may have capitals, dots and underscores in the table's name", async () => {
    const connection = await connect("dynamodb://My_Table.v2-x?region=eu-west-1");
    assert.equal(connection.table, "My_Table.v2-x");
    connection.close();
  });

  test("is refused, with the reason, where it cannot name a table", async () => {
    for (const [url, reason] of [
      ["dynamodb:table", /write it as dynamodb:\/\/TABLE/],
      ["dynamodb://table/more?region=eu-west-1", /write it as/],
      ["dynamodb://user:secret@table?region=eu-west-1", /write it as/],
      ["dynamodb://ab?region=eu-west-1", /"ab" is not the name of a DynamoDB table/],
      ["dynamodb://state?regoin=eu-west-1", /no setting "regoin"/],
      ["dynamodb://state?endpoint=localhost:8000", /"localhost:8000" is not an http/],
    ] as const) {
      await assert.rejects(openDynamo(url), (error: Error) => error instanceof StateTableError && reason.test(error.message), url);
    }
    await assert.rejects(openDynamo("dynamodb://user:secret@table"), (error: Error) => !error.message.includes("secret"));
  });
});

describe("a state table", () => {
  test("is made once, and can be used at once", async (t) => {
    const proxy = await startProxy(dynamo.endpoint);
    t.after(() => proxy.close());
    const url = stateUrl({ ...dynamo, table: "made-here" }, proxy.endpoint);
    assert.equal(await createTable(url), true);
    assert.ok(proxy.calls.includes("UpdateTimeToLive"));
    assert.equal(await createTable(url), false);
    await (await openDynamo(url)).close();
  });

  test("is not opened where there is none, or another, and the message says which and why", async () => {
    const other = await makeOther("other-key", ["id", "S"]);
    for (const [url, reason] of [
      [stateUrl({ ...dynamo, table: "not-there" }), /^not-there: .*ResourceNotFoundException/],
      [other, /^other-key: .*ValidationException/],
      ["dynamodb://state?endpoint=http://127.0.0.1:1", /^state: .*ECONNREFUSED/],
    ] as const) {
      await assert.rejects(openDynamo(url, QUICK), (error: Error) => {
        assert.ok(error instanceof StateTableError);
        assert.match(error.message, reason);
        return true;
      });
    }
    await assert.rejects(createTable(other), { name: "StateTableError", message: /id HASH S.*pk HASH S, sk RANGE S/ });
  });

  test("is checked, and every fault is named", async (t) => {
    const { faults, notes } = await checkTable(stateUrl(dynamo));
    assert.deepEqual(faults, []);
    assert.match(notes.join(), /time to live is not on for the attribute expires_s/);
    const { Items: left } = await client.send(new ScanCommand({ TableName: dynamo.table }));
    assert.deepEqual(left, [], "the check left nothing behind");

    const missing = await checkTable(stateUrl({ ...dynamo, table: "not-there" }), QUICK);
    assert.match(missing.faults.join(), /ResourceNotFoundException/);
    const unreachable = await checkTable("dynamodb://state?endpoint=http://127.0.0.1:1", QUICK);
    assert.match(unreachable.faults.join(), /ECONNREFUSED/);
    const binary = await checkTable(await makeOther("binary-key", ["pk", "S"], ["sk", "B"]));
    assert.deepEqual(binary.faults, ["the table's key is (pk HASH S, sk RANGE B); a state table has (pk HASH S, sk RANGE S)"]);

    const proxy = await startProxy(dynamo.endpoint);
    t.after(() => proxy.close());
    const denied = ["DescribeTable", "UpdateItem", "Scan"];
    proxy.choose = (operation) => (denied.includes(operation) ? "denied" : undefined);
    const report = await checkTable(stateUrl(dynamo, proxy.endpoint));
    assert.deepEqual(
      report.faults.map((fault) => fault.split(": ").slice(0, 2).join(": ")),
      ["dynamodb:UpdateItem: AccessDeniedException", "dynamodb:Scan: AccessDeniedException"],
    );
    assert.match(report.notes.join(), /dynamodb:DescribeTable is not allowed/);
  });
});

describe("a record in the table", () => {
  test("has its expiry in whole seconds for DynamoDB's time to live, never before it expires", async (t) => {
    const [store, kind, counter] = [await openOne(t), newKind(), newCounter()];
    const expiresAt = Math.ceil(Date.now() / 1000) * 1000 + MINUTE + 1;
    await store.create(kind, { id: "a" }, note("one"), expiresAt);
    await store.increment(counter, { id: "a" }, 1, expiresAt);
    await store.create(kind, { id: "never" }, note("one"), null);
    const { Items: items = [] } = await client.send(new ScanCommand({ TableName: dynamo.table }));
    const times = items.map((item) => [item["sk"]?.S, Number(item["expires_s"]?.N)]);
    const rounded = (expiresAt - 1) / 1000 + 1;
    assert.deepEqual(times.sort(), [
      ["=a", rounded],
      ["=a", rounded],
      ["=never", 253_402_300_800],
    ]);
  });

  test("lies with its owner's, and without an owner in a partition of its own", async (t) => {
    const [store, kind] = [await openOne(t), newKind()];
    for (const id of ["a", "b"]) {
      await store.create(kind, { id }, note(id), null);
      await store.create(kind, { id, owner: "ann" }, note(id), null);
    }
    const { Items: items = [] } = await client.send(new ScanCommand({ TableName: dynamo.table }));
    const partitions = items.map((item) => item["pk"]?.S ?? "").filter((pk) => pk.startsWith(kind.name));
    assert.deepEqual(partitions.sort(), [`${kind.name}/id/a`, `${kind.name}/id/b`, ...[`${kind.name}/of/ann`, `${kind.name}/of/ann`]]);
    await assert.rejects(store.list(kind, ""), RangeError);
  });

  test("is found by a page whatever the cursor or the owner is", async (t) => {
    const [store, kind] = [await openOne(t), newKind()];
    const ids = ["a", `m${"x".repeat(899)}`, "z"];
    for (const id of ids) await store.create(kind, { id, owner: "ann" }, note(id), null);
    const after = async (cursor: string) => (await store.list(kind, "ann", cursor)).entries.map(({ id }) => ids.indexOf(id));
    assert.deepEqual(await after(""), [0, 1, 2]);
    assert.deepEqual(await after(`m${"x".repeat(5_000)}`), [2]);
    assert.deepEqual(await after(`m${"é".repeat(5_000)}`), [2]);
    assert.deepEqual(await after(`m${"a".repeat(5_000)}`), [1, 2]);
    assert.deepEqual(await after("b\0\ud800"), [1, 2]);
    for (const owner of ["x".repeat(5_000), "\ud800"]) assert.deepEqual(await store.list(kind, owner), { entries: [] });
  });

  test("that someone else put there is passed over", async (t) => {
    const [store, kind] = [await openOne(t), newKind()];
    await store.create(kind, { id: "a", owner: "ann" }, note("one"), null);
    for (const pk of [`${kind.name}/of/ann`, "something else", "%/of/ann"]) {
      const item = { pk: { S: pk }, sk: { S: "=foreign" }, expires_ms: { N: String(Date.now() + MINUTE) } };
      await client.send(new PutItemCommand({ TableName: dynamo.table, Item: item }));
    }
    assert.deepEqual(await store.get(kind, { id: "foreign", owner: "ann" }), undefined);
    assert.equal((await store.list(kind, "ann")).entries.length, 1);
    assert.equal((await store.scan(kind)).entries.length, 1);
  });
});

describe("a dump", () => {
  test("meets every live record of every kind once, in pages, as it is", async (t) => {
    let now = Date.now();
    const [store, first, second] = [await openOne(t, () => now), newKind(), newKind()];
    const driver = await openDynamo(stateUrl(dynamo));
    t.after(() => driver.close());
    for (let index = 0; index < 30; index++) {
      await store.create(first, { id: `${index}`, owner: `o${index % 3}` }, note(index), index % 5 === 0 ? now + MINUTE : null);
      await store.create(second, { id: `${index}` }, note(index), null);
    }
    now += MINUTE;
    const met: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await driver.dump(cursor, 7, now);
      assert.ok(page.rows.length <= 7);
      for (const row of page.rows.filter(({ kind }) => kind === first.name || kind === second.name)) {
        met.push(`${row.kind} ${row.owner} ${row.id}`);
        assert.deepEqual([row.value, row.expiresAt, row.version.length], [JSON.stringify(note(row.id)), null, 16]);
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    const ids = Array.from({ length: 30 }, (_, index) => index);
    const live = ids.filter((id) => id % 5 !== 0).map((id) => `${first.name} o${id % 3} ${id}`);
    assert.deepEqual(met.sort(), [...live, ...ids.map((id) => `${second.name}  ${id}`)].sort());
  });
});

describe("a sweep", () => {
  test("reads a bounded part of a large table at a time and gets to its end all the same", async (t) => {
    const proxy = await startProxy(dynamo.endpoint);
    const driver = await openDynamo(stateUrl(dynamo, proxy.endpoint));
    t.after(() => driver.close().then(() => proxy.close()));
    const [kind, now] = [newKind().name, Date.now()];
    const row = (id: number, expiresAt: number) => ({ owner: "", id: `${id}`, value: "x".repeat(250_000), version: "v", expiresAt });
    // 20 MB that stay, and among them what has to go.
    for (let id = 0; id < 90; id++) await driver.create(kind, row(id, now + (id % 6 === 0 ? 1 : MINUTE)), now);
    let swept = 0;
    for (let calls = 0; calls < 4; calls++) {
      proxy.calls.length = 0;
      swept += await driver.sweep(1_000, now + 1);
      assert.ok(proxy.calls.filter((call) => call === "Scan").length <= 16);
    }
    assert.equal(swept, 15);
    assert.equal((await driver.scan(kind, undefined, 500, now + 1)).length, 75);
  });
});
