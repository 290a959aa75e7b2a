import assert from "node:assert/strict";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { BoundedFetchError, createBoundedFetch } from "../../../shared/net/bounded-fetch.ts";

const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "/small": (response) => response.writeHead(200, { "content-type": "application/json" }).end('{"a":1}'),
  "/refused": (response) => response.writeHead(400, { "content-type": "application/json" }).end('{"error":"x"}'),
  "/empty": (response) => response.writeHead(204).end(),
  "/large": (response) => response.writeHead(200).end("x".repeat(2_000)),
  "/bomb": (response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("x".repeat(100_000))),
  "/endless": (response) => void response.writeHead(200).write("x"),
  "/silent": () => undefined,
  "/moved": (response) => response.writeHead(307, { location: "/small" }).end(),
  "/cut": (response) => {
    response.writeHead(200, { "content-length": "100" }).write("x");
    response.destroy();
  },
};

let server: Server;
let origin: string;
const seen: string[] = [];
before(async () => {
  server = createServer(({ url = "" }, response) => {
    seen.push(url);
    answers[url]?.(response);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const fetchBounded = createBoundedFetch({ deadline: 300, limit: 1_000 });

test("an answer within the bounds comes whole, whatever its status", async () => {
  const small = await fetchBounded(`${origin}/small`);
  assert.deepEqual([small.status, small.headers.get("content-type"), await small.json()], [200, "application/json", { a: 1 }]);
  assert.equal((await fetchBounded(`${origin}/refused`)).status, 400);
  assert.equal((await fetchBounded(`${origin}/empty`)).status, 204);
});

for (const path of ["/large", "/bomb", "/endless", "/silent", "/moved", "/cut"]) {
  test(`${path.slice(1)} is given up, and says what host it was`, async () => {
    await assert.rejects(
      fetchBounded(`${origin}${path}`),
      (error) => error instanceof BoundedFetchError && error.message.startsWith("127.0.0.1:"),
    );
  });
}

test("a redirect is not followed, and nobody answering is the same fault", async () => {
  const before = seen.length;
  await assert.rejects(fetchBounded(`${origin}/moved`), BoundedFetchError);
  assert.deepEqual(seen.slice(before), ["/moved"]);
  await assert.rejects(fetchBounded("http://127.0.0.1:9/"), BoundedFetchError);
});
