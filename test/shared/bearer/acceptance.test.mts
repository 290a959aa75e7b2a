import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createBearerVerifier } from "../../../shared/bearer/bearer.ts";
import { BearerError } from "../../../shared/bearer/bearer-error.ts";
import { loadConfig } from "../../../shared/config.ts";
import { createLog } from "../../../shared/log.ts";
import { grantKind, SIGNING_KEYS, signingKeysKind } from "../../../shared/state/records.ts";
import { openSqlite } from "../../../shared/state/sqlite.ts";
import { openStore, type Store } from "../../../shared/state/store.ts";

/** What is known of a bearer that was let in is honoured for its own age, whatever is read while others wait. */

const START = 1_700_000_000_000;
const ISSUER = "http://localhost:4000";
const FAR = START + 86_400_000;

interface Key {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: Record<string, unknown>;
}

function keyOf(kid: string): Key {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { kid, privateKey, publicJwk: { ...publicKey.export({ format: "jwk" }) } };
}

/** @param header Members in place of the usual ones. @param claims The same. */
function tokenOf(
  { kid, privateKey }: Key,
  {
    gid,
    jti,
    header = {},
    claims: others = {},
  }: { readonly gid: string; readonly jti: string; readonly header?: object; readonly claims?: object },
): string {
  const claims = {
    iss: ISSUER,
    sub: "ann",
    aud: `${ISSUER}/mcp`,
    exp: FAR / 1000,
    iat: START / 1000,
    jti,
    client_id: "app",
    scope: "",
    gid,
    ...others,
  };
  const text = [{ alg: "RS256", typ: "at+jwt", kid, ...header }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `Bearer ${text}.${sign("sha256", Buffer.from(text), privateKey).toString("base64url")}`;
}

/** A verifier whose reads of a kind can be held up. */
async function openVerifier(t: test.TestContext) {
  const time = { now: START };
  const clock = () => time.now;
  const store = openStore(await openSqlite(":memory:"), { clock, log: createLog("silent") });
  t.after(() => store.close());
  const held = new Map<string, Promise<void>>();
  const slow: Store = {
    ...store,
    async get(kind, key, known) {
      const entry = await store.get(kind, key, known);
      await held.get(kind.name);
      return entry;
    },
  };
  const keys = [keyOf("one"), keyOf("two")] as const;
  const write = async (...left: readonly Key[]) => {
    await store.take(signingKeysKind, SIGNING_KEYS);
    const stored = left.map(({ kid, publicJwk }) => ({ kid, alg: "RS256" as const, publicJwk, sealed: "", publishedAt: 0, signFrom: 0 }));
    await store.create(signingKeysKind, SIGNING_KEYS, { keys: stored }, null);
  };
  await write(...keys);
  const grant = { clientId: "app", scopes: [], resource: `${ISSUER}/mcp`, createdAt: START, deadJtis: [] };
  for (const id of ["grant-one", "grant-two"]) {
    await store.create(grantKind, { owner: "ann", id }, { ...grant, state: "active" }, FAR);
  }
  const verifier = createBearerVerifier({ config: loadConfig({}), store: slow, clock });
  return {
    keys,
    write,
    at(milliseconds: number) {
      time.now = START + milliseconds;
    },
    /** Holds up what is read of this kind until the function it gives is called. */
    hold(kind: string) {
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(kind, promise);
      return () => {
        held.delete(kind);
        resolve();
      };
    },
    async revoke(id: string) {
      await store.take(grantKind, { owner: "ann", id });
      await store.create(grantKind, { owner: "ann", id }, { ...grant, state: "dead" }, FAR);
    },
    accepts: async (authorization: string) => {
      try {
        await verifier.verify(authorization, "mcp");
        return true;
      } catch (error) {
        assert.ok(error instanceof BearerError);
        return false;
      }
    },
    verifier,
  };
}

test("a grant that another replica ended lets nobody in after ten seconds, also who asked while the keys were read", async (t) => {
  const { keys, at, hold, revoke, accepts } = await openVerifier(t);
  const [first, second] = ["1", "2"].map((jti) => tokenOf(keys[0], { gid: "grant-one", jti })) as [string, string];
  const letKeysCome = hold(signingKeysKind.name);
  const early = accepts(first);
  await turn();
  at(40);
  letKeysCome();
  assert.ok(await early);
  at(100);
  await revoke("grant-one");
  at(7_520);
  const letKeysComeAgain = hold(signingKeysKind.name);
  const waiting = accepts(first);
  await turn();
  at(7_545);
  const other = accepts(second);
  await turn();
  at(7_560);
  letKeysComeAgain();
  await waiting;
  assert.equal(await other, false);
  for (const later of [7_600, 10_100, 12_000]) {
    at(later);
    assert.equal(await accepts(first), false, `${later} ms`);
  }
});

test("a key that was removed lets nobody in after ten seconds, also who asked while the grant was read", async (t) => {
  const { keys, write, at, hold, accepts } = await openVerifier(t);
  assert.ok(await accepts(tokenOf(keys[0], { gid: "grant-one", jti: "1" })));
  at(100);
  await write(keys[1]);
  at(7_490);
  const letGrantCome = hold(grantKind.name);
  const token = tokenOf(keys[0], { gid: "grant-two", jti: "2" });
  const waiting = accepts(token);
  await turn();
  at(7_510);
  const renewing = accepts(tokenOf(keys[0], { gid: "grant-one", jti: "3" }));
  await turn();
  await turn();
  at(7_530);
  letGrantCome();
  await Promise.all([waiting, renewing]);
  for (const later of [10_100, 12_000]) {
    at(later);
    assert.equal(await accepts(token), false, `${later} ms`);
  }
});

test("a token for one surface is no token for another, also when it was let in a moment ago", async (t) => {
  const { keys, accepts, verifier } = await openVerifier(t);
  const token = tokenOf(keys[0], { gid: "grant-one", jti: "1" });
  assert.ok(await accepts(token));
  await assert.rejects(async () => verifier.verify(token, "actions"), BearerError);
  assert.equal((await verifier.verify(token, "issuer")).subject, "ann");
});

test("a good signature is not enough: the header must say what it is, and the claims whose", async (t) => {
  const { keys, accepts } = await openVerifier(t);
  const good = { gid: "grant-one", jti: "good" };
  const of = (changes: { readonly header?: object; readonly claims?: object }) => tokenOf(keys[0], { ...good, ...changes });
  assert.equal(await accepts(of({})), true);
  assert.equal(await accepts(of({ header: { typ: "application/at+jwt" } })), true);
  const wrong = [
    { header: { typ: "JWT" } },
    { header: { typ: "at+jwt2" } },
    { header: { typ: undefined } },
    { header: { alg: "ES256" } },
    { header: { alg: "none" } },
    { header: { kid: "two" } },
    { header: { kid: "three" } },
    { claims: { iss: "https://other.example" } },
    { claims: { gid: undefined } },
    { claims: { exp: START / 1000 } },
    { claims: { iat: START / 1000 + 60 } },
  ];
  // Once more, when what was refused has been seen before.
  for (const changes of [...wrong, ...wrong]) assert.equal(await accepts(of(changes)), false, JSON.stringify(changes));
  assert.equal(await accepts(of({})), true);
});

test("a token has one spelling: padding, another alphabet and bits that no byte has are refused", async (t) => {
  const { keys, accepts } = await openVerifier(t);
  const token = tokenOf(keys[0], { gid: "grant-one", jti: "1" });
  const last = token.at(-1) ?? "";
  const twin = String.fromCharCode(last.charCodeAt(0) + 1);
  const alphabet = token.slice(0, token.lastIndexOf(".")) + token.slice(token.lastIndexOf(".")).replaceAll("-", "+").replaceAll("_", "/");
  for (const other of [`${token}=`, `${token}==`, alphabet, token.slice(0, -1) + twin])
    assert.equal(await accepts(other), false, other.slice(-8));
  assert.ok(await accepts(token.replace("Bearer ", "bearer   ")));
});

test("what has the signature of a token that was let in a moment ago, or its end, is not that token", async (t) => {
  const { keys, accepts } = await openVerifier(t);
  const [own, others] = ["1", "2"].map((jti) => tokenOf(keys[0], { gid: "grant-one", jti })) as [string, string];
  assert.ok(await accepts(own));
  const signature = own.slice(own.lastIndexOf("."));
  const otherWords = others.slice(0, others.lastIndexOf("."));
  assert.equal(await accepts(otherWords + signature), false, "other claims, the same signature");
  const end = -100;
  assert.equal(await accepts(others.slice(0, end) + own.slice(end)), false, "another signature, the same end");
  assert.equal(await accepts(signature.slice(end)), false, "the end alone");
  assert.ok(await accepts(own));
});
