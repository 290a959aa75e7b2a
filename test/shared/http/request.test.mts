import assert from "node:assert/strict";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { test } from "node:test";
import { type Config, loadConfig } from "../../../shared/config.ts";
import { addressOf, header, hostOf, isLocal } from "../../../shared/http/request.ts";

function arrived(headers: Readonly<Record<string, string>>, peer?: string): IncomingMessage {
  const socket = new Socket();
  if (peer !== undefined) Object.defineProperty(socket, "remoteAddress", { value: peer });
  const message = new IncomingMessage(socket);
  Object.assign(message.headers, headers);
  return message;
}

function originOf(message: IncomingMessage, config: Config) {
  return { address: addressOf(message, config), host: hostOf(message, config), loopback: isLocal(message, config) };
}

const direct = loadConfig({});
const behindOne = loadConfig({ TRUSTED_PROXIES: "1" });

test("a client that reset its connection is nobody, whatever its headers say", () => {
  const message = arrived({ host: "evil.example", "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "localhost:4000" });
  assert.deepEqual(originOf(message, direct), { address: "unknown", host: "evil.example", loopback: false });
});

test("a client on this machine is told by its socket and the host it names", () => {
  assert.deepEqual(originOf(arrived({ host: "localhost:4000" }, "127.0.0.1"), direct), {
    address: "127.0.0.1",
    host: "localhost:4000",
    loopback: true,
  });
  assert.equal(originOf(arrived({ host: "portico.example" }, "127.0.0.1"), direct).loopback, false);
  assert.equal(originOf(arrived({ host: "127.999.0.1" }, "127.0.0.1"), direct).loopback, false);
});

test("any sign of a hop in between makes a request one from elsewhere", () => {
  for (const name of ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded", "via", "x-real-ip", "cf-connecting-ip"]) {
    assert.equal(originOf(arrived({ host: "localhost:4000", [name]: "127.0.0.1" }, "127.0.0.1"), direct).loopback, false, name);
  }
});

test("addresses are counted from the right, past the trusted proxies alone", () => {
  const headers = { host: "portico.example", "x-forwarded-for": "6.6.6.6, 203.0.113.7" };
  assert.equal(originOf(arrived(headers, "10.0.0.1"), behindOne).address, "203.0.113.7");
  assert.equal(originOf(arrived(headers, "10.0.0.1"), direct).address, "10.0.0.1");
  assert.equal(originOf(arrived({ ...headers, "x-forwarded-for": "x".repeat(1000) }, "10.0.0.1"), behindOne).address, "unknown");
});

test("another host is believed only of a trusted proxy", () => {
  const headers = { host: "10.0.0.9", "x-forwarded-host": "portico.example" };
  assert.equal(originOf(arrived(headers, "10.0.0.1"), direct).host, "10.0.0.9");
  assert.equal(originOf(arrived(headers, "10.0.0.1"), behindOne).host, "portico.example");
});

test("an address that a proxy gives with its port is the address, so that not all of its clients are nobody", () => {
  for (const [given, address] of [
    ["203.0.113.7:4711", "203.0.113.7"],
    ["[2001:db8::7]:4711", "2001:db8::7"],
    ["[2001:db8::7]", "2001:db8::7"],
    ["2001:db8::7", "2001:db8::7"],
    ["203.0.113.7:4711:1", "unknown"],
    ["[203.0.113.7", "unknown"],
    ["203.0.113:80", "unknown"],
    ["evil.example:80", "unknown"],
  ] as const) {
    assert.equal(originOf(arrived({ host: "portico.example", "x-forwarded-for": given }, "10.0.0.1"), behindOne).address, address, given);
  }
});

test("cookies that arrive in several headers are one list, in which no cookie's value can pose as another", () => {
  const message = arrived({});
  Object.assign(message.headers, { cookie: ["a=1, b=2", "c=3"] });
  assert.equal(header(message, "cookie"), "a=1, b=2; c=3");
});
