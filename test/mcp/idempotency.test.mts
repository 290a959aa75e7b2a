import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { defineCapability } from "../../shared/capabilities/capability.ts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { type ConnectedClient, connectModern } from "../support/mcp-clients.mts";
import { connect } from "../support/oauth.mts";

const KEY = "io.portico/idempotencyKey";

let paid = 0;
const pay = defineCapability({
  name: "pay",
  title: "Pay",
  aliases: ["make_payment"],
  description: "Use this when you test.",
  scopes: [],
  effect: "write",
  input: z.object({ amount: z.int().describe("How much.") }),
  output: z.object({ number: z.int() }),
  async run({ amount }, { ask }) {
    if (amount > 100) await ask.form("sure", "Are you sure?", z.object({ sure: z.boolean() }));
    paid += 1;
    return { number: paid };
  },
});

let host: TestHost;
let accessToken: string;
before(async () => {
  host = await startPlainHost({ env: { CAPABILITIES: "core" }, providers: [{ start: () => ({ capabilities: [pay] }) }] });
  ({ accessToken } = await connect(host.url, { parameters: { resource: `${host.url}/mcp` } }));
});
after(() => host.close());

for (const mode of ["auto", "legacy"] as const) {
  async function withClient(use: (client: ConnectedClient) => Promise<void>): Promise<void> {
    const client = await connectModern({ url: host.url, accessToken }, mode);
    try {
      await use(client);
    } finally {
      await client.close();
    }
  }

  test(`a write with an idempotency key is done once (${mode})`, () =>
    withClient(async ({ call }) => {
      const meta = { [KEY]: `once-${mode}` };
      const first = await call("pay", { amount: 1 }, { meta });
      const again = await call("pay", { amount: 1 }, { meta });
      assert.deepEqual(again.structuredContent, first.structuredContent);
      assert.deepEqual(again.content, first.content);
      const other = await call("pay", { amount: 1 }, { meta: { [KEY]: `other-${mode}` } });
      assert.notDeepEqual(other.structuredContent, first.structuredContent);
      await assert.rejects(call("pay", { amount: 2 }, { meta }), /another input/);
      await assert.rejects(call("pay", { amount: 1 }, { meta: { [KEY]: 7 } }), /must be a string/);
    }));

  test(`a question on the way does not use a key up (${mode})`, () =>
    withClient(async ({ call }) => {
      const meta = { [KEY]: `asked-${mode}` };
      const before = paid;
      const first = await call("pay", { amount: 1_000 }, { meta });
      assert.deepEqual((await call("pay", { amount: 1_000 }, { meta })).structuredContent, first.structuredContent);
      assert.equal(paid, before + 1);
    }));

  test(`an old name is answered and not listed (${mode})`, () =>
    withClient(async ({ call, ...client }) => {
      assert.equal((await call("make_payment", { amount: 1 })).isError ?? false, false);
      assert.ok(!JSON.stringify(await client.tools()).includes("make_payment"));
    }));
}
