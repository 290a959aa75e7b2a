import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import dns from "node:dns/promises";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createGuardedFetch, FetchFault, type GuardSettings } from "../../../shared/net/guarded-fetch.ts";

const WANTED = { accept: "application/json", acceptable: /^application\/json/, limit: 1_000 };
const JSON_HEADERS = { "content-type": "application/json" };

function fetchWith(url: string, settings: Partial<GuardSettings> = {}, wanted: Partial<typeof WANTED & { etag: string }> = {}) {
  return createGuardedFetch({ loopback: true, ...settings })({ url, ...WANTED, ...wanted });
}

async function listen(context: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function serving(context: TestContext, listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(context, createServer(listener))}/`;
}

function isFault(kind: FetchFault["kind"], message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof FetchFault, String(error));
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, message);
    return true;
  };
}

/** A resolver that no address may get to. */
function never(): Promise<never> {
  assert.fail("a name was looked up");
}

test("an address that is not a public https one is refused before anything is looked up", async () => {
  const refused = [
    "http://example.com/x",
    "ftp://example.com/x",
    "file:///etc/passwd",
    "data:application/json,{}",
    "https://user@example.com/x",
    "https://user:password@example.com/x",
    "https://example.com/x#fragment",
    "https:example.com/x",
    "https:\\\\example.com\\x",
    "https://127.0.0.1/x",
    "https://127.1/x",
    "https://0x7f.1/x",
    "https://0x7f000001/x",
    "https://2130706433/x",
    "https://017700000001/x",
    "https://0/x",
    "https://[::1]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://[64:ff9b::a9fe:a9fe]/x",
    "https://[2002:7f00:1::]/x",
    "https://[fe80::1]/x",
    "https://[fec0::1]/x",
    "https://169.254.169.254/latest/meta-data",
    "https://1。1。1。1/x",
    "https://１.1.1.1/x",
    "https://0x01010101/x",
    "https://example.com@127.0.0.1/x",
    "https://example.com./x",
    "",
    "x",
    `https://example.com/${"x".repeat(2_000)}`,
  ];
  for (const url of refused) {
    await assert.rejects(fetchWith(url, { loopback: false, resolve: never }), isFault("refused", /^the address /), url);
  }
});

test("a name is refused when any of its addresses is not public, whatever the others are", async () => {
  for (const inner of ["127.0.0.1", "10.0.0.7", "169.254.169.254", "100.64.0.1", "::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"]) {
    const addresses = ["1.1.1.1", inner].map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    const resolve = () => Promise.resolve(addresses);
    await assert.rejects(fetchWith("https://example.com/", { resolve }), isFault("refused", /not public/), inner);
  }
});

test("this machine is asked only where that is switched on, and only by its own names", async (context) => {
  const url = await serving(context, (_, response) => response.writeHead(200, JSON_HEADERS).end("{}"));
  assert.equal((await fetchWith(url)).status, 200);
  await assert.rejects(fetchWith(url, { loopback: false }), isFault("refused", /not https/));
  const home = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
  await assert.rejects(fetchWith("https://example.com/", { resolve: home }), isFault("refused", /not public/));
  const elsewhere = () => Promise.resolve([{ address: "10.0.0.1", family: 4 }]);
  await assert.rejects(fetchWith("http://localhost/", { resolve: elsewhere }), isFault("refused", /not public/));
});

test("a name that changes its meaning after the check changes nothing: it is looked up once", async (context) => {
  const url = await serving(context, (_, response) => response.writeHead(200, JSON_HEADERS).end("{}"));
  const answers = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
  let asked = 0;
  const resolve = () => Promise.resolve([{ address: answers[asked++] ?? "", family: 4 }]);
  assert.equal((await fetchWith(url.replace("127.0.0.1", "localhost"), { resolve })).status, 200);
  assert.equal(asked, 1);
});

test("a redirect is refused, and where it leads is not asked", async (context) => {
  let reached = 0;
  const target = await serving(context, (_, response) => {
    reached += 1;
    response.writeHead(200, JSON_HEADERS).end("{}");
  });
  for (const status of [301, 302, 303, 307, 308]) {
    const url = await serving(context, (_, response) => response.writeHead(status, { location: target }).end());
    await assert.rejects(fetchWith(url), isFault("refused", new RegExp(String(status))));
  }
  assert.equal(reached, 0);
});

test("a server's own fault is no refusal, a client's is", async (context) => {
  for (const [status, kind] of [
    [500, "unreachable"],
    [502, "unreachable"],
    [503, "unreachable"],
    [429, "unreachable"],
    [404, "refused"],
    [410, "refused"],
    [401, "refused"],
    [204, "refused"],
    [304, "refused"],
  ] as const) {
    const url = await serving(context, (_, response) => response.writeHead(status, JSON_HEADERS).end());
    await assert.rejects(fetchWith(url), isFault(kind, new RegExp(String(status))), String(status));
  }
});

test("another content type and compression are refused", async (context) => {
  for (const headers of [{ "content-type": "text/html" }, {}, { ...JSON_HEADERS, "content-encoding": "gzip" }]) {
    const url = await serving(context, (_, response) => response.writeHead(200, headers).end("{}"));
    await assert.rejects(fetchWith(url), isFault("refused", /content type|compression/));
  }
});

test("an answer that is too large is refused, whether it says so or not", async (context) => {
  const text = "x".repeat(1_001);
  const declared = await serving(context, (_, response) => response.writeHead(200, { ...JSON_HEADERS, "content-length": 1_001 }).end(text));
  await assert.rejects(fetchWith(declared), isFault("refused", /more than 1000 bytes/));
  const endless = await serving(context, (_, response) => {
    response.writeHead(200, JSON_HEADERS);
    const more = () => {
      while (response.write("x".repeat(100)));
    };
    response.on("drain", more);
    more();
  });
  await assert.rejects(fetchWith(endless), isFault("refused", /more than 1000 bytes/));
  const fits = await serving(context, (_, response) => response.writeHead(200, JSON_HEADERS).end("x".repeat(1_000)));
  assert.equal((await fetchWith(fits)).body.length, 1_000);
});

test("the deadline holds for the look-up, the connection, the head and a body that drips", async (context) => {
  const hanging = () => new Promise<never>(() => {});
  await assert.rejects(
    fetchWith("https://example.com/", { resolve: hanging, deadline: 50 }),
    isFault("unreachable", /did not answer within 50 ms/),
  );
  const silent = await serving(context, () => {});
  await assert.rejects(fetchWith(silent, { deadline: 100 }), isFault("unreachable", /within 100 ms/));
  const dripping = await serving(context, (_, response) => {
    response.writeHead(200, JSON_HEADERS);
    const drip = setInterval(() => response.write(" "), 10);
    response.on("close", () => clearInterval(drip));
  });
  await assert.rejects(fetchWith(dripping, { deadline: 150 }), isFault("unreachable", /within 150 ms/));
  const tcp = createTcpServer((socket) => {
    const drip = setInterval(() => socket.write("H"), 10);
    socket.on("close", () => clearInterval(drip)).on("error", () => {});
  });
  await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
  context.after(() => tcp.close());
  const { port } = tcp.address() as AddressInfo;
  await assert.rejects(fetchWith(`http://127.0.0.1:${port}/`, { deadline: 150 }), isFault("unreachable", /127\.0\.0\.1/));
});

test("nobody there and an answer cut short are unreachable", async (context) => {
  const cut = await serving(context, (_, response) => {
    response.writeHead(200, { ...JSON_HEADERS, "content-length": 100 });
    response.write("{", () => response.destroy());
  });
  await assert.rejects(fetchWith(cut), isFault("unreachable", /cannot be reached/));
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  await assert.rejects(fetchWith(`http://127.0.0.1:${port}/`), isFault("unreachable", /cannot be reached/));
  const nowhere = () => Promise.reject(new Error("ENOTFOUND"));
  await assert.rejects(fetchWith("https://example.com/", { resolve: nowhere }), isFault("unreachable", /cannot be reached/));
  await assert.rejects(fetchWith("https://example.com/", { resolve: () => Promise.resolve([]) }), isFault("unreachable", /has no address/));
});

test("it sends no credentials and no cookies, and asks whether a copy still holds", async (context) => {
  let sent: NodeJS.Dict<string | string[]> = {};
  const url = await serving(context, (request, response) => {
    sent = request.headers;
    response.writeHead(304, { etag: '"1"' }).end();
  });
  assert.equal((await fetchWith(url, {}, { etag: '"1"' })).status, 304);
  assert.deepEqual(Object.keys(sent).sort(), ["accept", "accept-encoding", "connection", "host", "if-none-match", "user-agent"]);
  assert.equal(sent["accept-encoding"], "identity");
});

test("a certificate is verified, also where the process was told not to", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "portico-tls-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, ...subject], { stdio: "ignore" });
  const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
    response.writeHead(200, JSON_HEADERS).end("{}");
  });
  const port = await listen(context, server);
  const resolve = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
  const ca = readFileSync(cert, "utf8");
  assert.equal((await fetchWith(`https://localhost:${port}/`, { resolve, ca })).status, 200);
  await assert.rejects(fetchWith(`https://127.0.0.1:${port}/`, { resolve, ca }), isFault("unreachable", /cannot be reached/));
  const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  context.after(() => {
    if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
  });
  await assert.rejects(fetchWith(`https://localhost:${port}/`, { resolve }), isFault("unreachable", /cannot be reached/));
});

test("a name server that keeps silent holds none of the threads that files and signatures need", async (context) => {
  const silent = createSocket("udp4");
  await new Promise<void>((resolve) => silent.bind(0, "127.0.0.1", resolve));
  const before = dns.getServers();
  const asked = new Set<string>();
  silent.on("message", (message) => asked.add(message.toString("latin1")));
  dns.setServers([`127.0.0.1:${silent.address().port}`]);
  context.after(() => {
    dns.setServers(before);
    silent.close();
  });
  const names = Array.from({ length: 8 }, (_, number) => `https://slow${number}.example/`);
  const fetches = names.map((url) => assert.rejects(fetchWith(url, { deadline: 200 }), isFault("unreachable", /did not answer/)));
  // Each needs a thread of its own; with none left it would wait for the name server.
  await Promise.all(Array.from({ length: 4 }, () => readFile(import.meta.filename)));
  await Promise.all(fetches);
  assert.ok(asked.size >= names.length);
});
