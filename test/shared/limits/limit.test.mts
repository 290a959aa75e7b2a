import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpError } from "../../../shared/http/exchange.ts";
import { addressLayer, counterKind, type Layer, limit, limitPerAddress, limitPerHour, refuseSpent } from "../../../shared/limits/limit.ts";
import { createService, type Service } from "../../../shared/service.ts";
import type { Store } from "../../../shared/state/store.ts";
import { createClock, HOUR, MINUTE } from "../../support/clock.mts";

const clock = createClock();

/** Several replicas of the service on one store, which counts how often it is written to. */
async function replicas(count: number, env: Readonly<Record<string, string>> = {}) {
  const { store } = await replica(env);
  const seen = { increments: 0 };
  const counting: Store = {
    ...store,
    increment(...parameters) {
      seen.increments += 1;
      return store.increment(...parameters);
    },
  };
  const services = await Promise.all(Array.from({ length: count }, () => replica(env, counting)));
  return { services, seen };
}

async function replica(env: Readonly<Record<string, string>>, store?: Store): Promise<Service> {
  const service = await createService({
    env: { NODE_ENV: "test", STATE_URL: "sqlite::memory:", LOG_LEVEL: "silent", SWEEP_INTERVAL: "0", ...env },
    clock,
  });
  const shared = store ? { ...service, store } : service;
  const parts = new Map<unknown, unknown>();
  return {
    ...shared,
    part<T>(make: (service: Service) => T): T {
      if (!parts.has(make)) parts.set(make, make(shared));
      return parts.get(make) as T;
    },
  };
}

async function isAllowed(work: () => Promise<void> | void): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    assert.ok(error instanceof HttpError && error.status === 429, String(error));
    return false;
  }
}

async function allowed(count: number, work: (index: number) => Promise<void>): Promise<number> {
  let passed = 0;
  for (let index = 0; index < count; index++) if (await isAllowed(() => work(index))) passed += 1;
  return passed;
}

test("exactly as many pass as are allowed, one after another and all at once, until the window ends", async () => {
  const { services } = await replicas(1);
  const [service] = services as [Service];
  assert.equal(await allowed(30, () => limitPerHour(service, "one", "ann", 20)), 20);
  const parallel = await Promise.all(Array.from({ length: 200 }, () => isAllowed(() => limitPerHour(service, "many", "ann", 50))));
  assert.equal(parallel.filter(Boolean).length, 50);
  assert.equal(await allowed(3, () => limitPerHour(service, "one", "bob", 20)), 3);
  clock.advance(HOUR);
  assert.equal(await allowed(30, () => limitPerHour(service, "one", "ann", 20)), 20);
});

test("a refusal says in seconds when the window ends", async () => {
  const { services } = await replicas(1);
  const [service] = services as [Service];
  clock.advance(HOUR - (clock() % HOUR) + 45 * MINUTE);
  await limitPerHour(service, "waiting", "ann", 1);
  await assert.rejects(limitPerHour(service, "waiting", "ann", 1), (error: HttpError) => {
    assert.equal(error.headers["retry-after"], String(15 * 60));
    return error.status === 429;
  });
});

test("replicas count together and never let through more than is allowed", async () => {
  const { services } = await replicas(4);
  const passed = await allowed(400, (index) => limitPerHour(services[index % 4] as Service, "together", "ann", 200));
  assert.ok(passed <= 200 && passed > 200 - 4 * 20, String(passed));
});

test("a batch is bought with one write, and a flood that is refused writes nothing more", async () => {
  const { services, seen } = await replicas(1);
  const [service] = services as [Service];
  assert.equal(await allowed(1_000, () => limitPerHour(service, "batched", "ann", 500)), 500);
  assert.ok(seen.increments <= 11, String(seen.increments));
  const before = seen.increments;
  assert.equal(await allowed(1_000, () => limitPerHour(service, "batched", "ann", 500)), 0);
  assert.equal(seen.increments, before);
});

test("one /64 of IPv6 is one address, a mapped IPv4 address is itself, and neighbours are not counted together", async () => {
  const { services } = await replicas(1);
  const [service] = services as [Service];
  const at = (address: string) => limitPerAddress(service, "net", address, 2);
  await at("2001:db8:1:2::1");
  await at("2001:db8:1:2:ffff::9");
  assert.equal(await isAllowed(() => at("2001:db8:1:2::3")), false);
  assert.equal(await isAllowed(() => at("2001:db8:1:3::3")), true);
  await at("192.0.2.7");
  await at("::ffff:192.0.2.7");
  assert.equal(await isAllowed(() => at("192.0.2.7")), false);
  assert.equal(await isAllowed(() => at("192.0.2.8")), true);
  assert.equal(await isAllowed(() => at("unknown")), true);
});

test("an address of SHARED_EGRESS is not counted, whatever its spelling", async () => {
  const { services } = await replicas(1, { SHARED_EGRESS: "160.79.104.0/21 2001:db8::/32" });
  const [service] = services as [Service];
  for (const address of ["160.79.104.1", "160.79.111.255", "::ffff:160.79.105.3", "2001:db8:7::1"]) {
    assert.deepEqual(addressLayer(service, "shared", address, { max: 1 }), []);
    assert.equal(await allowed(5, () => limitPerAddress(service, "shared", address, 1)), 5, address);
  }
  assert.equal(await allowed(5, () => limitPerAddress(service, "shared", "160.79.112.1", 1)), 1);
});

test("of several layers each is counted and any can refuse", async () => {
  const { services } = await replicas(1);
  const [service] = services as [Service];
  const layers = (client: string): Layer[] => [
    { name: "outer", key: ["ann"], max: 5, window: HOUR },
    { name: "inner", key: ["ann", client], max: 3, window: HOUR },
  ];
  assert.equal(await allowed(4, () => limit(service, layers("a"))), 3);
  assert.equal(await allowed(4, () => limit(service, layers("b"))), 1);
});

test("a key of several parts is not the same parts joined differently", async () => {
  const { services } = await replicas(1);
  const [service] = services as [Service];
  const layer = (...key: string[]): Layer[] => [{ name: "parts", key, max: 1, window: HOUR }];
  await limit(service, layer("a", "bc"));
  assert.equal(await isAllowed(() => limit(service, layer("ab", "c"))), true);
  assert.equal(await isAllowed(() => limit(service, layer("a", "bc"))), false);
});

test("what is used up is known without a read, and not a moment longer than its window", async () => {
  const { services, seen } = await replicas(1);
  const [service] = services as [Service];
  const layers = (): Layer[] => [{ name: "spent", key: ["ann"], max: 1, window: MINUTE }];
  clock.advance(MINUTE - (clock() % MINUTE));
  assert.equal(await isAllowed(() => refuseSpent(service, layers)), true);
  await limit(service, layers());
  assert.equal(await isAllowed(() => refuseSpent(service, layers)), true);
  await isAllowed(() => limit(service, layers()));
  const before = seen.increments;
  assert.equal(await isAllowed(() => refuseSpent(service, layers)), false);
  assert.equal(seen.increments, before);
  clock.advance(MINUTE);
  assert.equal(await isAllowed(() => refuseSpent(service, layers)), true);
});

test("a counter's record outlives its window a little and no longer, and holds no key in the clear", async () => {
  const { services } = await replicas(1);
  const [service] = services as [Service];
  const start = Math.floor(clock() / HOUR) * HOUR;
  await limitPerHour(service, "kept", "ann@example.com", 10);
  const { entries } = await service.store.scan(counterKind);
  const [entry] = entries.filter(({ id }) => id.startsWith("kept:"));
  assert.equal(entry?.expiresAt, start + HOUR + MINUTE);
  assert.doesNotMatch(JSON.stringify(entries), /ann|example/);
});
