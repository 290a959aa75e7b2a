import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { PROJECT, spawnService } from "../support/host.mts";
import { serviceFile, writeApp } from "./app-folder.mts";

/** Endpoints that show how a process ends: they wait for the service to stop, or for ever. */
const app = writeApp({
  "ends/encore.service.ts": serviceFile("ends"),
  "ends/endpoints.ts": `
    import { api } from "encore.dev/api";
    import { service } from ${JSON.stringify(pathToFileURL(join(PROJECT, "shared/service.ts")).href)};
    const atTheEnd = async (answer) => (await service()).stopping.addEventListener("abort", answer);
    export const fast = api.raw({ expose: true, method: "GET", path: "/fast" }, async (_request, response) => {
      response.end((await service()).config.publicUrl);
    });
    export const slow = api.raw({ expose: true, method: "GET", path: "/slow" }, (_request, response) => {
      process.stdout.write("slow is under way\\n");
      atTheEnd(() => setImmediate(() => response.end("finished")));
    });
    export const stream = api.raw({ expose: true, method: "GET", path: "/stream" }, (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(": open\\n\\n");
      atTheEnd(() => response.end("data: bye\\n\\n"));
    });
    export const stuck = api.raw({ expose: true, method: "GET", path: "/stuck" }, () => {
      process.stdout.write("stuck is under way\\n");
    });
  `,
});
after(app.remove);

test("it says where everything is, with a public URL that follows the port that was free", async () => {
  const service = await spawnService({ root: app.root });
  assert.equal(await (await fetch(`${service.url}/fast`)).text(), service.url);
  for (const place of ["/", "/mcp", "/actions/openapi.json", "/oauth/authorize", "/oauth/token"]) {
    assert.ok(service.output().includes(`  ${service.url}${place}\n`), place);
  }
  assert.match(service.output(), /State +in memory/);
  assert.deepEqual(await service.stop(), { code: 0, signal: null });
});

test("a public URL that is set stays, whatever the port", async () => {
  const service = await spawnService({ root: app.root, env: { PUBLIC_URL: "https://portico.example.com" } });
  assert.equal(await (await fetch(`${service.url}/fast`)).text(), "https://portico.example.com");
  assert.match(service.output(), /MCP +https:\/\/portico\.example\.com\/mcp\n/);
  await service.stop();
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} lets a request finish, ends a stream and exits with 0`, async () => {
    const service = await spawnService({ root: app.root });
    const slow = fetch(`${service.url}/slow`).then((reply) => reply.text());
    const stream = await fetch(`${service.url}/stream`);
    await service.says(/slow is under way/);
    service.process.kill(signal);
    assert.deepEqual(await Promise.all([slow, stream.text()]), ["finished", ": open\n\ndata: bye\n\n"]);
    assert.deepEqual(await service.exit, { code: 0, signal: null });
  });
}

test("a second SIGTERM exits at once", async () => {
  const service = await spawnService({ root: app.root, env: { LOG_LEVEL: "info" } });
  const stuck = assert.rejects(fetch(`${service.url}/stuck`));
  await service.says(/stuck is under way/);
  service.process.kill("SIGTERM");
  await service.says(/"msg":"stopping"/);
  service.process.kill("SIGTERM");
  assert.deepEqual(await service.exit, { code: 1, signal: null });
  await stuck;
});

test("a port in use is one line and exit code 1", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => other.once("listening", done));
  const { port } = other.address() as AddressInfo;
  const { status, stderr, stdout } = run({ PORT: String(port) });
  assert.equal(status, 1);
  assert.equal(stderr, `Portico cannot start: port ${port} of 127.0.0.1 is in use; stop what listens there or set PORT to another\n`);
  assert.equal(stdout, "");
  other.close();
});

test("all faults of the configuration are told without a stack, with exit code 1", () => {
  const { status, stderr } = run({ PORT: "nowhere", PUBLIC_URL: "http://localhost:4000/", LOG_LEVEL: "chatty" });
  assert.equal(status, 1);
  for (const name of ["PORT", "PUBLIC_URL", "LOG_LEVEL"]) assert.match(stderr, new RegExp(`^  ${name}: `, "m"));
  assert.doesNotMatch(stderr, /^ +at /m);
});

function run(env: Readonly<Record<string, string>>) {
  return spawnSync(process.execPath, [join(PROJECT, "tools/start.mjs"), app.root], {
    env: { PATH: process.env["PATH"], NODE_ENV: "test", STATE_URL: "sqlite::memory:", PORT: "0", ...env },
    encoding: "utf8",
  });
}
