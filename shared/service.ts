import type { Awaitable } from "./awaitable.ts";
import { type BearerVerifier, createBearerVerifier } from "./bearer/bearer.ts";
import { type Changes, createChanges } from "./capabilities/changes.ts";
import type { Catalog, Provider } from "./capabilities/offer.ts";
import { createRegistry, type Registry } from "./capabilities/registry.ts";
import { type Config, loadConfig } from "./config.ts";
import { createLog, type Log } from "./log.ts";
import { openState } from "./state/open.ts";
import { createSealer, type Sealer } from "./state/seal.ts";
import type { Store } from "./state/store.ts";
import { startSweeper } from "./state/sweeper.ts";

/** The composition root: what every room needs, made once for a process. */
export interface Service {
  readonly config: Config;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly store: Store;
  /** Encrypts what must be secret in the store. */
  readonly sealer: Sealer;
  readonly registry: Registry;
  readonly changes: Changes;
  readonly bearer: BearerVerifier;
  /** Aborts when the service begins to stop: streams end then. */
  readonly stopping: AbortSignal;
  /** A room's own long-lived part, made at its first use and kept. `make` is its name: a function of a module, not of a call. */
  part<T>(make: (service: Service) => T): T;
  /** Like `part`, for what follows from the catalog: made anew when that has changed. */
  derived<T>(make: (service: Service) => T): T;
  /** Ends streams; what is under way may finish. */
  stop(): void;
  /** Has `close` wait for work that must be done before the store closes. */
  finishing(work: Promise<unknown>): void;
  /** After the last request: closes the store. */
  close(): Promise<void>;
}

export interface ServiceOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch; `Date.now` when absent. */
  readonly clock?: () => number;
  readonly log?: Log;
  /** Beside the packs that the configuration names. */
  readonly providers?: readonly Provider[];
}

/** @throws {ConfigError} with all faults of the configuration. */
export async function createService({ env, clock = Date.now, log: givenLog, providers = [] }: ServiceOptions): Promise<Service> {
  const config = loadConfig(env);
  const log = givenLog ?? createLog(config.logLevel);
  const { store, keys } = await openState(config, { clock, log });
  const sealer = createSealer(keys);
  const stopping = new AbortController();
  const changes = createChanges({ store, clock, log, stopping: stopping.signal });
  const registry = createRegistry(config, { providers, announce: changes.announce, stopping: stopping.signal });
  const bearer = createBearerVerifier({ config, store, clock });
  const parts = new Map<unknown, unknown>();
  const unfinished = new Set<Promise<unknown>>();
  const made = new Map<unknown, { readonly catalog: Catalog; readonly value: unknown }>();

  const service: Service = {
    config,
    log,
    clock,
    store,
    sealer,
    registry,
    changes,
    bearer,
    stopping: stopping.signal,
    part<T>(make: (service: Service) => T): T {
      if (!parts.has(make)) parts.set(make, make(service));
      return parts.get(make) as T;
    },
    derived<T>(make: (service: Service) => T): T {
      const { catalog } = registry;
      const known = made.get(make);
      if (known?.catalog === catalog) return known.value as T;
      const value = make(service);
      made.set(make, { catalog, value });
      return value;
    },
    stop: () => stopping.abort(),
    finishing(work) {
      unfinished.add(work);
      const done = () => unfinished.delete(work);
      work.then(done, done);
    },
    async close() {
      await Promise.allSettled(unfinished);
      await store.close();
    },
  };
  startSweeper(service);
  return service;
}

let current: Awaitable<Service> | undefined;

/** The process's service. A host installs one; under Encore, which has no hook for it, the first request makes it. */
export function service(): Awaitable<Service> {
  current ??= createService({ env: process.env }).then((made) => {
    process.once("SIGTERM", made.stop);
    current = made;
    return made;
  });
  return current;
}

/** Makes `installed` the process's service. */
export function install(installed: Service): void {
  current = installed;
}
