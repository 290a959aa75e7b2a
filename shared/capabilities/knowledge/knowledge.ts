import { watch } from "node:fs";
import { resolve } from "node:path";
import type { Log } from "../../log.ts";
import { CapabilityError } from "../capability.ts";
import { partsOf, readMarkdown, wordsOf } from "./document.ts";
import { type FoundFile, listFiles, readDocument } from "./folder.ts";
import { createTextIndex, type Found } from "./text-index.ts";

/** A part of a document to read. */
export interface Part {
  readonly path: string;
  readonly title: string;
  readonly text: string;
  /** From 1. */
  readonly part: number;
  readonly parts: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
}

/** A folder of Markdown that can be searched and read. */
export interface Knowledge {
  /** The best first. @throws {CapabilityError} `unavailable` when the folder cannot be read. */
  search(query: string, limit: number, log: Log): Promise<readonly Found[]>;
  /** Nothing when there is no such part. */
  read(path: string, part: number): Promise<Part | undefined>;
  /** Stops watching. */
  close(): void;
}

export interface KnowledgeOptions {
  readonly folder: string;
  /** Milliseconds after which a search looks through the folder again. */
  readonly rescan: number;
  /** Milliseconds since the epoch; `Date.now` when absent. */
  readonly clock?: () => number;
  /** Calls back when something in one folder changed, and returns how to stop; the operating system's when absent. */
  readonly watchFolder?: WatchFolder;
}

export type WatchFolder = (folder: string, changed: () => void) => () => void;

/** Systems have few watches to give; what lies in more folders waits for the next look. */
const MAX_WATCHED = 500;

/**
 * Looks at the folder when somebody searches: at once after a change that the operating system reports, and otherwise
 * when `rescan` has passed. Only files that changed are read again, and no timer runs while nobody asks.
 */
export function createKnowledge({ folder, rescan, clock = Date.now, watchFolder = watchWithSystem }: KnowledgeOptions): Knowledge {
  const root = resolve(folder);
  const index = createTextIndex();
  const versions = new Map<string, string>();
  const watched = new Map<string, () => void>();
  let changed = true;
  let closed = false;
  let lookedAt = 0;
  let looking: Promise<void> | undefined;

  const report = () => {
    changed = true;
  };
  const follow = (folders: readonly string[]) => {
    const wanted = new Set(closed ? [] : folders.slice(0, MAX_WATCHED));
    for (const [known, stop] of watched) {
      if (wanted.has(known)) continue;
      stop();
      watched.delete(known);
    }
    for (const each of wanted) {
      if (!watched.has(each)) watched.set(each, watchFolder(each, report));
    }
  };
  const take = async ({ path, version }: FoundFile) => {
    const content = await readDocument(root, path);
    if (!content) return drop(path);
    const { title, body } = readMarkdown(path, content.text);
    const parts = await Promise.all(partsOf(body).map(async (text, at) => ({ part: at + 1, ...(await wordsOf(text)) })));
    index.put(path, title, parts);
    versions.set(path, version);
  };
  const drop = (path: string) => {
    index.remove(path);
    versions.delete(path);
  };
  const look = async (log: Log) => {
    changed = false;
    lookedAt = clock();
    try {
      const { files, folders, leftOut } = await listFiles(root);
      follow(folders);
      const there = new Set(files.map(({ path }) => path));
      for (const path of [...versions.keys()].filter((known) => !there.has(known))) drop(path);
      const stale = files.filter(({ path, version }) => versions.get(path) !== version);
      for (const file of stale) await take(file);
      if (stale.length > 0) log.info({ documents: files.length, read: stale.length, left_out: leftOut }, "the documents are indexed");
    } catch (error) {
      changed = true;
      log.error({ err: error }, "the folder of documents cannot be read");
      throw new CapabilityError("unavailable", "The documents cannot be read at the moment.");
    }
  };
  const lookIfDue = async (log: Log) => {
    if (!looking && !changed && clock() - lookedAt < rescan) return;
    looking ??= look(log).finally(() => {
      looking = undefined;
    });
    await looking;
  };

  return {
    async search(query, limit, log) {
      await lookIfDue(log);
      return index.find(query, limit);
    },
    async read(path, part) {
      const content = await readDocument(root, path);
      if (!content) return undefined;
      const { title, body } = readMarkdown(path, content.text);
      const parts = partsOf(body);
      const text = parts[part - 1];
      return text === undefined ? undefined : { path, title, text, part, parts: parts.length, modifiedAt: content.modifiedAt };
    },
    close() {
      closed = true;
      follow([]);
    },
  };
}

/** Does not keep the process alive. A folder that cannot be watched is looked at with the rest. */
function watchWithSystem(folder: string, changed: () => void): () => void {
  try {
    const watcher = watch(folder, { persistent: false }, changed);
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => {};
  }
}
