import { type StoredKey, stateOf } from "../../auth/keys/key-set.ts";
import { type KeyKeeper, revokeKey, rotateKeys } from "../../auth/keys/stored-keys.ts";
import { signingAlgOf } from "../../shared/bearer/key-algorithms.ts";
import type { Config } from "../../shared/config.ts";
import type { State } from "../../shared/state/open.ts";
import { SIGNING_KEYS, signingKeysKind } from "../../shared/state/records.ts";
import { createSealer } from "../../shared/state/seal.ts";
import { type Call, CommandError, type Family, type Outcome } from "./command.mts";
import { requireState, withState } from "./connect.mts";
import { auditOperator } from "./operator.mts";

export const keys: Family = {
  about: "the keys that sign tokens",
  commands: {
    list: { about: "shows every key, what it does now and until when", run: runList },
    rotate: { about: "publishes new keys, which sign after a while; the old ones stay until their last token is dead", run: runRotate },
    revoke: {
      about: "removes a key at once: within ten seconds no token that it signed is honoured anywhere",
      parameters: ["KID"],
      run: runRevoke,
    },
  },
};

async function runList({ config }: Call): Promise<Outcome> {
  if (config.signingKeys)
    return shown(config.signingKeys.map((jwk) => ({ kid: String(jwk["kid"]), alg: signingAlgOf(jwk), from: "configuration" })));
  requireState(config);
  const stored = await withState(config, async ({ store }) => (await store.get(signingKeysKind, SIGNING_KEYS))?.value.keys ?? []);
  return shown(stored.map((key) => described(key, stored)));
}

async function runRotate({ config }: Call): Promise<Outcome> {
  refuseConfigured(config);
  return withKeeper(config, async (keeper) => {
    const all = await rotateKeys(keeper);
    const made = all.filter(({ signFrom, retireAt }) => retireAt === undefined && signFrom > keeper.clock() - 1000);
    for (const { kid } of made) auditOperator(config, "key_changed", { reason: "rotated", key: kid });
    const { lines, report } = shown(all.map((key) => described(key, all)));
    return { ok: true, lines, report };
  });
}

async function runRevoke({ config, parameters: [kid = ""] }: Call): Promise<Outcome> {
  refuseConfigured(config);
  return withKeeper(config, async (keeper) => {
    const left = await revokeKey(keeper, kid);
    if (!left) throw new CommandError(`there is no key ${kid}; npm run admin -- keys list shows all`);
    auditOperator(config, "key_changed", { reason: "revoked", key: kid });
    const { lines, report } = shown(left.map((key) => described(key, left)));
    return {
      ok: true,
      lines: [`removed ${kid}; within 10 seconds nothing that it signed is honoured`, ...lines],
      report: { revoked: kid, ...report },
    };
  });
}

/** @throws {CommandError} when the keys are not the store's. */
function refuseConfigured({ signingKeys }: Config): void {
  if (!signingKeys) return;
  throw new CommandError(
    "the keys are those of SIGNING_KEYS_JSON or SIGNING_KEYS_FILE: change them there, a new one last until all replicas have it",
  );
}

function withKeeper(config: Config, work: (keeper: KeyKeeper) => Promise<Outcome>): Promise<Outcome> {
  requireState(config);
  return withState(config, ({ store, keys: stateKeys }: State) =>
    work({ config, store, sealer: createSealer(stateKeys), clock: Date.now }),
  );
}

interface Described {
  readonly kid: string;
  readonly alg: string | undefined;
  readonly [detail: string]: string | undefined;
}

function described(key: StoredKey, all: readonly StoredKey[]): Described {
  const { kid, alg, publishedAt, signFrom, retireAt } = key;
  const times = { published: iso(publishedAt), signs_from: iso(signFrom), ...(retireAt === undefined ? {} : { retires: iso(retireAt) }) };
  return { kid, alg, state: stateOf(key, all, Date.now()), ...times };
}

function shown(all: readonly Described[]): Outcome {
  const lines = all.map((key) =>
    Object.entries(key)
      .map(([name, value]) => (name === "kid" ? value : `${name} ${value}`))
      .join("  "),
  );
  return {
    ok: true,
    lines: lines.length === 0 ? ["there are no keys yet; the service makes them at its first start"] : lines,
    report: { keys: all },
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
