import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { HOSTS, PROJECT } from "../support/host.mts";
import { serviceFile, writeApp } from "./app-folder.mts";

const app = writeApp({
  "facts/encore.service.ts": serviceFile("facts"),
  "facts/endpoints.ts": `
    import { api } from "encore.dev/api";
    import { service } from ${JSON.stringify(pathToFileURL(join(PROJECT, "shared/service.ts")).href)};
    export const facts = api.raw({ expose: true, method: "GET", path: "/facts" }, async (_request, response) => {
      const { config, clock } = await service();
      response.end(JSON.stringify([config.publicUrl, config.logLevel, clock()]));
    });
  `,
});
after(app.remove);

for (const { host, start } of [...HOSTS, ...HOSTS]) {
  test(`a test host on ${host} serves its own service in this process, one after the other`, async () => {
    const now = Math.round(performance.now());
    const running = await start({ root: app.root, env: { LOG_LEVEL: "error" }, clock: () => now });
    assert.equal(running.service.clock(), now);
    assert.deepEqual(await (await fetch(`${running.url}/facts`)).json(), [running.url, "error", now]);
    await running.close();
    await assert.rejects(fetch(`${running.url}/facts`));
  });
}
