import type { Entry, Key, Kind, Store } from "./store.ts";

/** All records of one owner, in order of id. @throws {Unavailable} */
export async function listAll<T>(store: Pick<Store, "list">, kind: Kind<T>, owner: string): Promise<Entry<T>[]> {
  const entries: Entry<T>[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list(kind, owner, cursor);
    entries.push(...page.entries);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return entries;
}

/** Writes over exactly what was read, or where nothing was: false if that changed meanwhile. @throws {Unavailable} */
export function writeOver<T>(
  store: Pick<Store, "create" | "replace">,
  kind: Kind<T>,
  key: Key,
  read: Entry<T> | undefined,
  value: T,
  expiresAt: number | null,
): Promise<boolean> {
  return read ? store.replace(kind, key, read.version, value, expiresAt) : store.create(kind, key, value, expiresAt);
}
