import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressFault } from "../../../shared/net/address-class.ts";

const byte = fc.integer({ min: 0, max: 255 });
const group = fc.integer({ min: 0, max: 0xffff });
const hex = (value: number) => value.toString(16);
const v4 = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join("."));
const groups = (count: number) => fc.array(group, { minLength: count, maxLength: count }).map((all) => all.map(hex).join(":"));

/** Any address within a network of which the leading bytes are given. */
function inV4(...leading: fc.Arbitrary<number>[]): fc.Arbitrary<string> {
  return fc.tuple(...leading, ...Array.from({ length: 4 - leading.length }, () => byte)).map((bytes) => bytes.join("."));
}
const exactly = fc.constant<number>;
const between = (min: number, max: number) => fc.integer({ min, max });

const NOT_PUBLIC: Readonly<Record<string, fc.Arbitrary<string>>> = {
  "0/8": inV4(exactly(0)),
  "10/8": inV4(exactly(10)),
  "carrier-grade NAT": inV4(exactly(100), between(64, 127)),
  loopback: inV4(exactly(127)),
  "link-local": inV4(exactly(169), exactly(254)),
  "172.16/12": inV4(exactly(172), between(16, 31)),
  "IETF assignments": inV4(exactly(192), exactly(0), exactly(0)),
  "documentation 1": inV4(exactly(192), exactly(0), exactly(2)),
  "documentation 2": inV4(exactly(198), exactly(51), exactly(100)),
  "documentation 3": inV4(exactly(203), exactly(0), exactly(113)),
  "192.168/16": inV4(exactly(192), exactly(168)),
  benchmarking: inV4(exactly(198), between(18, 19)),
  "multicast and reserved": inV4(between(224, 255)),
  "v4-mapped": v4.map((address) => `::ffff:${address}`),
  "v4-compatible": v4.map((address) => `::${address}`),
  "v4-translated": v4.map((address) => `::ffff:0:${address}`),
  NAT64: v4.map((address) => `64:ff9b::${address}`),
  "local NAT64": groups(5).map((rest) => `64:ff9b:1:${rest}`),
  "6to4": groups(7).map((rest) => `2002:${rest}`),
  Teredo: groups(6).map((rest) => `2001:0:${rest}`),
  "IPv6 benchmarking": groups(5).map((rest) => `2001:2:0:${rest}`),
  ORCHID: fc.tuple(between(0x20, 0x2f), groups(6)).map(([second, rest]) => `2001:${hex(second)}:${rest}`),
  "IPv6 documentation": groups(6).map((rest) => `2001:db8:${rest}`),
  "new IPv6 documentation": fc.tuple(between(0, 0xfff), groups(6)).map(([second, rest]) => `3fff:${hex(second)}:${rest}`),
  "IPv6 link-local": fc.tuple(between(0xfe80, 0xfebf), groups(7)).map(([first, rest]) => `${hex(first)}:${rest}`),
  "site-local": fc.tuple(between(0xfec0, 0xfeff), groups(7)).map(([first, rest]) => `${hex(first)}:${rest}`),
  "unique local": fc.tuple(between(0xfc00, 0xfdff), groups(7)).map(([first, rest]) => `${hex(first)}:${rest}`),
  "IPv6 multicast": fc.tuple(between(0xff00, 0xffff), groups(7)).map(([first, rest]) => `${hex(first)}:${rest}`),
  "outside 2000::/3": fc
    .tuple(
      group.filter((first) => first >> 13 !== 1),
      groups(7),
    )
    .map(([first, rest]) => `${hex(first)}:${rest}`),
};

for (const [network, address] of Object.entries(NOT_PUBLIC)) {
  test(`no address of ${network} is public`, () => {
    fc.assert(fc.property(address, (text) => addressFault(text) !== undefined));
  });
}

test("ordinary addresses are public", () => {
  for (const address of ["1.1.1.1", "160.79.104.10", "93.184.216.34", "223.255.255.254", "2606:4700:4700::1111", "2a00:1450:4001::8"]) {
    assert.equal(addressFault(address), undefined, address);
  }
});

test("what is no address is not public, and neither is one with a zone", () => {
  for (const text of ["", "localhost", "example.com", "2606:4700::1%eth0", "fe80::1%1", "1.1.1.1/32"]) {
    assert.notEqual(addressFault(text), undefined, text);
  }
});
