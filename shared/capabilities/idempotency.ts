import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { SurfaceName } from "../bearer/audience.ts";
import { sha256 } from "../hash.ts";
import type { Service } from "../service.ts";
import { blobCodec, createBlobs } from "../state/blobs.ts";
import type { Entry, Kind } from "../state/store.ts";
import { InputRequired } from "./ask.ts";
import { canonicalJson } from "./canonical.ts";
import { type Caller, type Capability, CapabilityError, type CapabilityErrorCode } from "./capability.ts";

const recordCodec = z.strictObject({
  /** Hash of the input: a key stands for one call and no other. */
  input: z.string(),
  /** Until then the first call is under way, unless it has a result. */
  leaseUntil: z.number(),
  /** What the first call gave, sealed. */
  result: blobCodec.optional(),
});
type Attempt = z.infer<typeof recordCodec>;

/** Owner: the subject. Id: the hash of surface, client, capability and key. Expires: {@link KEPT} after the first call. */
const idempotencyKind: Kind<Attempt> = { name: "idempotency", codec: recordCodec };

/** Milliseconds for which a key is remembered. */
const KEPT = 24 * 60 * 60_000;
/** Milliseconds between two looks at a call that is under way elsewhere: three seconds in all. */
const WAITS = [25, 50, 100, 200, 400, 800, 1_400];
/** Seconds. */
const RETRY_AFTER = 5;
/** Milliseconds beyond a call's time limit, after which its process must be gone. */
const LEASE_SLACK = 30_000;
/** Reads that found a record gone before a call gives up. */
const TRIES = 5;

/** What a client may send as a key. */
const KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * The outcomes after which nothing has been done, so that the key is free again. After any other failure nobody knows.
 */
const UNDONE: ReadonlySet<CapabilityErrorCode> = new Set([
  "unauthenticated",
  "insufficient_scope",
  "forbidden",
  "invalid_input",
  "not_found",
  "conflict",
  "rate_limited",
  "unavailable",
  "client_capability",
  "interaction_required",
]);

/** A call that its client gave a key, so that it may send it again without doing it again. */
export interface KeyedCall {
  readonly capability: Pick<Capability, "name" | "idempotent" | "timeLimit">;
  /** Each keeps results as it gives them, and gets none of the other's. */
  readonly surface: SurfaceName;
  readonly caller: Caller;
  /** The client's key. */
  readonly key: string;
  /** As the client sent it. */
  readonly input: unknown;
  readonly signal: AbortSignal;
}

/**
 * Does the work of a call once for its key: the same call again gets the first result for a day, here and on every
 * replica. The caller's access has been checked. A result is what JSON keeps of it.
 *
 * @throws {CapabilityError} `invalid_input` for a key that is none, `key_reused` when the key came with another input,
 *   `conflict` while the first call is under way (after a short wait) and when nobody knows what became of it; and what
 *   the work throws.
 * @throws {Unavailable}
 */
export async function once<T>(service: Service, call: KeyedCall, work: () => Promise<T>): Promise<T> {
  const { capability, surface, caller, key, input } = call;
  if (!KEY.test(key)) throw new CapabilityError("invalid_input", "An idempotency key has 1 to 255 visible ASCII characters.");
  const { store, clock } = service;
  const id = { owner: caller.subject, id: sha256(JSON.stringify([surface, caller.clientId, capability.name, key])) };
  const hash = sha256(canonicalJson(input ?? {}));
  const expiresAt = clock() + KEPT;
  const begun = (): Attempt => ({ input: hash, leaseUntil: clock() + capability.timeLimit + LEASE_SLACK });

  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (await store.create(idempotencyKind, id, begun(), expiresAt)) return run();
    const found = await settled();
    if (!found) continue;
    if (found.value.result) return read(found.value.result);
    // Another process may be gone in the middle of it; doing it again is safe only where that changes nothing.
    if (capability.idempotent) {
      if (await store.replace(idempotencyKind, id, found.version, begun(), expiresAt)) return run();
      continue;
    }
    throw new CapabilityError(
      "conflict",
      "A call with this idempotency key began, and it is not known what it did. Look before you call anew with another key.",
    );
  }
  throw underWay();

  /** The record of an earlier call, over; nothing when the key is free again. */
  async function settled(): Promise<Entry<Attempt> | undefined> {
    for (const wait of [...WAITS, undefined]) {
      const entry = await store.get(idempotencyKind, id);
      if (!entry) return undefined;
      if (entry.value.input !== hash) {
        throw new CapabilityError(
          "key_reused",
          "This idempotency key was used for a call with another input. Use a new key for a new call.",
        );
      }
      if (entry.value.result || entry.value.leaseUntil <= clock()) return entry;
      if (wait !== undefined) await pause(wait, call.signal);
    }
    throw underWay();
  }

  async function run(): Promise<T> {
    let result: T;
    try {
      result = await work();
    } catch (error) {
      const undone = error instanceof InputRequired || (error instanceof CapabilityError && UNDONE.has(error.code));
      await remember(undone ? free : giveUp);
      throw error;
    }
    await remember(() => keep(result));
    return result;
  }

  /** What the call gave is worth more than the memory of it. */
  async function remember(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (cause) {
      service.log.error({ capability: capability.name, cause: String(cause) }, "the outcome of a call with an idempotency key is not kept");
    }
  }

  async function keep(result: T): Promise<void> {
    const box = await service.part(createBlobs).write(purpose(), JSON.stringify(result), expiresAt);
    await change((now) => ({ ...now, result: box }));
  }

  async function giveUp(): Promise<void> {
    await change((now) => ({ ...now, leaseUntil: clock() }));
  }

  async function free(): Promise<void> {
    await store.take(idempotencyKind, id);
  }

  async function change(next: (now: Attempt) => Attempt): Promise<void> {
    const entry = await store.get(idempotencyKind, id);
    if (entry) await store.replace(idempotencyKind, id, entry.version, next(entry.value), expiresAt);
  }

  async function read(blob: NonNullable<Attempt["result"]>): Promise<T> {
    const text = await service.part(createBlobs).read(purpose(), blob);
    if (text !== undefined) return JSON.parse(text) as T;
    throw new CapabilityError("conflict", "The call with this idempotency key was done, and its result can no longer be read.");
  }

  function purpose(): string {
    return `idempotency ${id.id}`;
  }
}

/** Nobody is left to answer when the client goes away. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch {
    throw underWay();
  }
}

function underWay(): CapabilityError {
  return new CapabilityError("conflict", "A call with this idempotency key is under way. Try again shortly.", { retryAfter: RETRY_AFTER });
}
