import assert from "node:assert/strict";
import { test } from "node:test";
import { openDynamo } from "../../shared/state/dynamodb.ts";
import { startDynalite, stateUrl } from "../support/dynamodb.mts";
import { admin } from "./admin-command.mts";

const STATE_KEYS_JSON = JSON.stringify({ keys: [{ kty: "oct", kid: "1", k: Buffer.alloc(32, 7).toString("base64url") }] });

test("a sweep by hand goes to the end of a large table", async (context) => {
  const dynamo = await startDynalite();
  context.after(dynamo.close);
  const driver = await openDynamo(stateUrl(dynamo));
  const now = Date.now();
  const large = JSON.stringify("x".repeat(250_000));
  const row = (id: string, value: string, expiresAt: number | null) => ({ owner: "", id, value, version: id, expiresAt });
  for (let index = 0; index < 100; index++) await driver.create("note", row(`live-${index}`, large, null), now);
  for (let index = 0; index < 20; index++) await driver.create("note", row(`over-${index}`, '"x"', now + 1), now);
  await driver.close();
  const env = { STATE_URL: stateUrl(dynamo), STATE_KEYS_JSON };
  const swept = await admin(["state", "sweep", "--json"], env);
  assert.equal(swept.status, 0);
  assert.equal(JSON.parse(swept.stdout).swept, 20);
});
