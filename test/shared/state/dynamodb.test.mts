import { after, before } from "node:test";
import { openDynamo } from "../../../shared/state/dynamodb.ts";
import { openStore } from "../../../shared/state/store.ts";
import { type Dynamo, makeTable, startDynalite, stateUrl } from "../../support/dynamodb.mts";
import { describeStore } from "../../support/state-suite.mts";

let dynalite: Dynamo | undefined;
before(async () => {
  dynalite = await startDynalite();
});
after(() => dynalite?.close());
describeStore("DynamoDB (dynalite)", async (options) => openStore(await openDynamo(stateUrl(dynalite as Dynamo)), options));

const endpoint = process.env["PORTICO_TEST_DYNAMODB_ENDPOINT"];
if (endpoint) {
  let given: Dynamo | undefined;
  before(async () => {
    given = await makeTable(endpoint);
  });
  after(() => given?.close());
  describeStore(`DynamoDB at ${endpoint}`, async (options) => openStore(await openDynamo(stateUrl(given as Dynamo)), options));
}
