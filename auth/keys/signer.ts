import { constants, createPrivateKey, type JsonWebKey, type KeyObject, sign } from "node:crypto";
import { publicPart } from "../../shared/bearer/verification-keys.ts";
import type { Service } from "../../shared/service.ts";
import { SIGNING_KEYS, signingKeysKind } from "../../shared/state/records.ts";
import type { Sealer } from "../../shared/state/seal.ts";
import { Unavailable } from "../../shared/state/store.ts";

/** Signs JWTs (RFC 7519) with the current key. */
export interface Signer {
  /** @param typ The media type without "application/": "at+jwt" (RFC 9068) or "JWT". */
  sign(typ: "at+jwt" | "JWT", claims: Readonly<Record<string, unknown>>): Promise<string>;
  /** Resolves once there is a key. */
  ready(): Promise<void>;
}

interface SigningKey {
  readonly kid: string;
  readonly key: KeyObject;
}

const MODULUS_BITS = 2048;
const SEALED_FOR = "signing key";
/** How old the choice of key may be, in milliseconds: replicas follow a rotation within this time. */
const MAX_AGE = 60_000;

export function createSigner(service: Service): Signer {
  let current: { readonly at: number; readonly key: Promise<SigningKey> } | undefined;

  function currentKey(): Promise<SigningKey> {
    if (current && service.clock() - current.at < MAX_AGE) return current.key;
    const key = service.config.signingKeys ? Promise.resolve(configuredKey(service.config.signingKeys)) : storedKey(service);
    const chosen = { at: service.clock(), key };
    current = chosen;
    key.catch(() => {
      if (current === chosen) current = undefined;
    });
    return key;
  }

  return {
    async ready() {
      await currentKey();
    },
    async sign(typ, claims) {
      const { kid, key } = await currentKey();
      const signed = `${encode({ alg: "RS256", typ, kid })}.${encode(claims)}`;
      const signature = sign("sha256", Buffer.from(signed), { key, padding: constants.RSA_PKCS1_PADDING });
      return `${signed}.${signature.toString("base64url")}`;
    },
  };
}

function configuredKey(jwks: readonly Readonly<Record<string, unknown>>[]): SigningKey {
  const first = jwks[0];
  if (!first) throw new Error("there is no signing key");
  return { kid: publicPart(first).kid, key: createPrivateKey({ key: first as JsonWebKey, format: "jwk" }) };
}

/** The newest key that may sign by now; the first start makes one. Of several replicas that start together, one wins. */
async function storedKey(service: Service): Promise<SigningKey> {
  const { store, sealer, clock } = service;
  for (let attempt = 0; attempt < 3; attempt++) {
    const entry = await store.get(signingKeysKind, SIGNING_KEYS);
    if (!entry) {
      await createFirstKey(service);
      continue;
    }
    const now = clock();
    const usable = entry.value.keys.filter((key) => key.signFrom <= now && (key.retireAt ?? now + 1) > now);
    const newest = usable.sort((a, b) => b.signFrom - a.signFrom)[0];
    if (!newest) throw new Unavailable("no stored key may sign now");
    return { kid: newest.kid, key: unseal(sealer, newest.sealed) };
  }
  throw new Unavailable("the signing keys cannot be made");
}

function unseal(sealer: Sealer, sealed: string): KeyObject {
  try {
    return createPrivateKey({ key: JSON.parse(sealer.open(SEALED_FOR, sealed)) as JsonWebKey, format: "jwk" });
  } catch (cause) {
    throw new Error("the signing keys in the store were sealed with a state key that is not among STATE_KEYS_JSON", { cause });
  }
}

async function createFirstKey({ store, sealer, clock, bearer, log }: Service): Promise<void> {
  const { calculateJwkThumbprint, exportJWK, generateKeyPair } = await import("jose");
  const pair = await generateKeyPair("RS256", { modulusLength: MODULUS_BITS, extractable: true });
  const privateJwk = await exportJWK(pair.privateKey);
  const publicJwk = publicPart({ ...privateJwk, kid: await calculateJwkThumbprint(privateJwk) });
  const now = clock();
  const key = {
    kid: publicJwk.kid,
    alg: publicJwk.alg,
    publicJwk,
    sealed: sealer.seal(SEALED_FOR, JSON.stringify(privateJwk)),
    publishedAt: now,
    signFrom: now,
  };
  if (await store.create(signingKeysKind, SIGNING_KEYS, { keys: [key] }, null)) log.info({ kid: key.kid }, "made the first signing key");
  bearer.keys.refresh();
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
