import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { postBodiless } from "../../support/bodiless.mts";
import { HOSTS, type TestHost } from "../../support/host.mts";
import { connect } from "../../support/oauth.mts";

/** A body is as long as its header says, whatever it is made of: text, text beyond ASCII, and what is sent in pieces. */
for (const { host: name, start } of HOSTS) {
  describe(`bodies on ${name}`, () => {
    let host: TestHost;
    let authorization = "";
    before(async () => {
      host = await start();
      authorization = `Bearer ${(await connect(host.url)).accessToken}`;
    });
    after(() => host.close());

    test("a request that announces no body is told what is missing", async () => {
      const message = await postBodiless(`${host.url}/mcp`, { authorization, "content-type": "application/json" });
      assert.equal(message.status, 400);
      assert.equal(JSON.parse(message.body).error.code, -32700);
      const form = await postBodiless(`${host.url}/oauth/token`, { "content-type": "application/x-www-form-urlencoded" });
      assert.equal(form.status, 400);
      assert.equal(JSON.parse(form.body).error, "invalid_request");
    });

    for (const method of ["tools/list", "tools/call", "no/such/method"]) {
      for (const id of ["plain", 'é "quoted" 😀', "ÿ", "\ud800"]) {
        test(`${method} with the id ${JSON.stringify(id)}`, async () => {
          const reply = await fetch(`${host.url}/mcp`, {
            method: "POST",
            headers: { "content-type": "application/json", accept: "application/json, text/event-stream", authorization },
            body: JSON.stringify({ jsonrpc: "2.0", id, method, params: { name: "health_check" } }),
          });
          const bytes = Buffer.from(await reply.arrayBuffer());
          assert.equal(reply.headers.get("content-length"), String(bytes.length));
          const answer = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
          assert.equal(answer.id, id);
          if (method === "tools/list") assert.ok(answer.result.tools.length > 5);
          if (method === "tools/call") assert.equal(answer.result.structuredContent.status, "ok");
          if (method === "no/such/method") assert.equal(answer.error.code, -32601);
        });
      }
    }
  });
}
