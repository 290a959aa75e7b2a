import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isRegistered, redirectHost, redirectUriFault } from "../../../shared/net/redirect-uri.ts";

const ISSUER = "https://portico.example";
const LOCAL_ISSUER = "http://localhost:4000";

test("an address is taken only as browsers read it, wherever they read it", () => {
  const refused = [
    "https:/oauth/authorize?client_id=x",
    "https:evil.example/cb",
    "https:../../x",
    "http:/localhost/cb",
    "https://@evil.example/cb",
    "https://evil.example./cb",
    "https://EVIL.example/cb",
    "https://例え.jp/cb",
    "https://host.example/cb/путь",
    "http://0x7f000001/cb",
    "http://2130706433/cb",
    "http://127.1/cb",
    "https://a.example\\@b.example/",
    "https://a.example/\tb",
    "https://a.example:0443/cb",
  ];
  for (const uri of refused) assert.notEqual(redirectUriFault(uri, ISSUER), undefined, uri);
});

test("no address leads back to this service, in any spelling", () => {
  assert.match(redirectUriFault(`${ISSUER}/cb`, ISSUER) ?? "", /leads back/);
  assert.match(redirectUriFault(`${ISSUER}:443/cb`, ISSUER) ?? "", /leads back/);
  for (const host of ["localhost", "127.0.0.1", "127.0.0.2", "[::1]"]) {
    assert.match(redirectUriFault(`http://${host}:4000/cb`, LOCAL_ISSUER) ?? "", /leads back/, host);
    assert.equal(redirectUriFault(`http://${host}:4001/cb`, LOCAL_ISSUER), undefined, host);
    assert.equal(isRegistered(`http://${host}:4000/cb`, [`http://${host}/cb`], LOCAL_ISSUER), false, host);
    assert.equal(isRegistered(`http://${host}:4001/cb`, [`http://${host}/cb`], LOCAL_ISSUER), true, host);
  }
});

test("what follows a private-use scheme is not shown as a host", () => {
  assert.equal(redirectHost("https.claude.ai://claude.ai/cb"), "https.claude.ai:");
  assert.equal(redirectHost("com.example.app:/cb"), "com.example.app:");
  assert.equal(redirectHost("https://claude.ai/cb"), "claude.ai");
});

test("whatever differs from a registered address by anything but a loopback port is not it", () => {
  const registered = ["https://app.example/callback", "http://127.0.0.1/callback"];
  fc.assert(
    fc.property(fc.constantFrom(...registered), fc.nat(200), fc.string({ minLength: 1, maxLength: 3 }), (uri, at, piece) => {
      const changed = uri.slice(0, at) + piece + uri.slice(at);
      const onlyPort = /^http:\/\/127\.0\.0\.1:\d*\/callback$/.test(changed);
      return isRegistered(changed, registered, ISSUER) === (onlyPort && URL.canParse(changed));
    }),
  );
});
