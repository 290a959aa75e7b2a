import { after, before, describe, test } from "node:test";
import { MCP_FLOWS, OAUTH_FLOWS } from "../support/flows.mts";
import { HOSTS, type TestHost } from "../support/host.mts";

for (const { host: name, start } of HOSTS) {
  describe(`on ${name}`, () => {
    let host: TestHost;
    before(async () => {
      host = await start({});
    });
    after(() => host.close());

    for (const { does, run } of [...MCP_FLOWS, ...OAUTH_FLOWS]) test(does, () => run(host.url));
  });
}
