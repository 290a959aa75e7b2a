import { writeOver } from "../state/entries.ts";
import type { Lock } from "../state/records.ts";
import { type Kind, type Store, Unavailable } from "../state/store.ts";

const TRIES = 5;
const OPEN: Lock = { disabled: false };

/**
 * Changes what keeps a client or a subject out (`client_state`, `subject_state`). Every replica follows within ten seconds.
 * @param expiresAt `null` is for ever.
 * @returns What holds now. @throws {Unavailable} after {@link TRIES} lost races.
 */
export async function changeLock(
  store: Store,
  kind: Kind<Lock>,
  id: string,
  change: (lock: Lock) => Lock,
  expiresAt: number | null = null,
): Promise<Lock> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const known = await store.get(kind, { id });
    const lock = change(known?.value ?? OPEN);
    if (await writeOver(store, kind, { id }, known, lock, expiresAt)) return lock;
  }
  throw new Unavailable("a lock changed too often");
}
