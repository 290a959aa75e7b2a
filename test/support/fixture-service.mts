import { createService, install } from "../../shared/service.ts";
import { readApp } from "../../tools/encore/app.mts";
import { loadEndpoints } from "../../tools/encore/endpoints.mts";
import { startHost } from "../../tools/host.mts";
import { createFixtures } from "../conformance/fixtures.mts";
import { PROJECT } from "./host.mts";

/** The service with the fixtures beside its own capabilities, in a process of its own, for tests that need several. */
const host = await startHost({
  endpoints: await loadEndpoints(PROJECT),
  cors: readApp(PROJECT).global_cors,
  host: "127.0.0.1",
  port: 0,
  async open(port) {
    const service = await createService({ env: { ...process.env, PORT: String(port) }, providers: [createFixtures()] });
    install(service);
    return service;
  },
});
process.on("SIGTERM", () => void host.close().then(() => process.exit(0)));
process.stdout.write(`It listens on http://127.0.0.1:${host.port}\n`);
