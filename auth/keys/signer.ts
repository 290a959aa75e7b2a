import { createPrivateKey, type JsonWebKey, sign } from "node:crypto";
import { type Awaitable, andThen } from "../../shared/awaitable.ts";
import { type Scheme, type SigningAlg, schemeOf, signingAlgOf } from "../../shared/bearer/key-algorithms.ts";
import type { Service } from "../../shared/service.ts";
import { Unavailable } from "../../shared/state/store.ts";
import { currentKey, type StoredKey } from "./key-set.ts";
import { algsInUse, completeKeys, openKey } from "./stored-keys.ts";

/** Signs JWTs (RFC 7519) with the current key. */
export interface Signer {
  /** @param typ The media type without "application/": "at+jwt" (RFC 9068) or "JWT". */
  sign(typ: "at+jwt" | "JWT", claims: Readonly<Record<string, unknown>>): Awaitable<string>;
  /** Resolves once there is a key for each algorithm in use. */
  ready(): Promise<void>;
}

interface SigningKey extends Scheme {
  readonly kid: string;
  readonly alg: SigningAlg;
}

export function createSigner(service: Service): Signer {
  const { config } = service;
  const keyFor = config.signingKeys ? configuredKeys(config.signingKeys) : storedKeys(service);
  return {
    async ready() {
      await Promise.all(algsInUse(config).map(async (alg) => keyFor(alg)));
    },
    sign: (typ, claims) =>
      andThen(keyFor(typ === "at+jwt" ? config.accessTokenAlg : "RS256"), (key) => {
        const signed = `${encode({ alg: key.alg, typ, kid: key.kid })}.${encode(claims)}`;
        return `${signed}.${sign(key.digest, Buffer.from(signed), key.keyInput).toString("base64url")}`;
      }),
  };
}

type KeyFor = (alg: SigningAlg) => Awaitable<SigningKey>;

/** The first of each algorithm signs. */
function configuredKeys(jwks: readonly Readonly<Record<string, unknown>>[]): KeyFor {
  const keys = new Map<SigningAlg, SigningKey>();
  for (const jwk of jwks) {
    const alg = signingAlgOf(jwk);
    if (alg === undefined || keys.has(alg)) continue;
    keys.set(alg, { kid: String(jwk["kid"]), alg, ...schemeOf(alg, createPrivateKey({ key: jwk as JsonWebKey, format: "jwk" })) });
  }
  return (alg) => {
    const key = keys.get(alg);
    if (!key) throw new Error(`there is no signing key for ${alg}`);
    return key;
  };
}

/** The keys that the verifier has read, so that replicas begin and stop to sign with a key as they learn of it. */
function storedKeys(service: Service): KeyFor {
  const { bearer, clock, log } = service;
  let opened = new Map<string, SigningKey>();
  let completing: Promise<void> | undefined;

  async function complete(): Promise<void> {
    const keys = await completeKeys(service);
    log.info({ kids: keys.map(({ kid }) => kid) }, "made signing keys");
    bearer.keys.refresh();
  }

  function open(alg: SigningAlg, keys: readonly StoredKey[]): SigningKey | undefined {
    if (!keys.some((key) => key.alg === alg && key.retireAt === undefined)) return undefined;
    // Until its first key may sign, RS256 does.
    const key = currentKey(keys, alg, clock()) ?? currentKey(keys, "RS256", clock());
    if (!key) return undefined;
    const known = opened.get(key.kid) ?? { kid: key.kid, alg: key.alg, ...schemeOf(key.alg, openKey(service, key)) };
    if (!opened.has(key.kid)) opened = new Map([...opened].filter(([kid]) => keys.some((one) => one.kid === kid))).set(key.kid, known);
    return known;
  }

  async function openOrMake(alg: SigningAlg): Promise<SigningKey> {
    for (let attempt = 0; attempt < 3; attempt++) {
      completing ??= complete().finally(() => {
        completing = undefined;
      });
      await completing;
      const key = open(alg, (await bearer.keys.stored())?.keys ?? []);
      if (key) return key;
    }
    throw new Unavailable("there is no key that may sign");
  }

  return (alg) => andThen(bearer.keys.stored(), (stored) => open(alg, stored?.keys ?? []) ?? openOrMake(alg));
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
