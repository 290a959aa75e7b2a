import { constants } from "node:fs";
import { open, readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/** A Markdown file of the folder. */
export interface FoundFile {
  /** Its path in the folder, with slashes: the document's id. */
  readonly path: string;
  /** Changes whenever the file does. */
  readonly version: string;
}

export interface Listing {
  /** In order of path. */
  readonly files: readonly FoundFile[];
  /** All folders, the root too, as absolute paths. */
  readonly folders: readonly string[];
  /** Files left out because they, or all together, are too much. */
  readonly leftOut: number;
}

/** What a file holds. */
export interface FileContent {
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
}

const MAX_FILE_BYTES = 2 * 1024 * 1024;
const MAX_ALL_BYTES = 256 * 1024 * 1024;
const MAX_FILES = 10_000;
const MAX_DEPTH = 16;
const MAX_PATH = 500;

/** A pipe is opened without waiting for someone to write into it. Windows has neither flag. */
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** A relative path of visible names that ends as Markdown does: nothing in it leads up, out or to hidden things. */
export function isDocumentPath(path: string): boolean {
  if (path.length > MAX_PATH || !/\.(?:md|markdown)$/i.test(path)) return false;
  return path.split("/").every((name) => isVisible(name) && !/[\\\p{Cc}\p{Cs}]/u.test(name));
}

function isVisible(name: string): boolean {
  return name !== "" && !name.startsWith(".") && name !== "node_modules";
}

/**
 * The Markdown files of a folder and of the folders in it. Symbolic links and hidden names are passed over.
 * @throws {Error} of the file system, when the folder itself cannot be read.
 */
export async function listFiles(root: string): Promise<Listing> {
  const files: FoundFile[] = [];
  const folders: string[] = [];
  let bytes = 0;
  let leftOut = 0;

  const take = async (path: string) => {
    const about = await stat(join(root, path), { bigint: true }).catch(() => undefined);
    // It was there a moment ago.
    if (!about?.isFile()) return;
    if (about.size > MAX_FILE_BYTES || bytes + Number(about.size) > MAX_ALL_BYTES || files.length >= MAX_FILES) {
      leftOut++;
      return;
    }
    bytes += Number(about.size);
    files.push({ path, version: `${about.ino}-${about.size}-${about.mtimeNs}-${about.ctimeNs}` });
  };
  const walk = async (folder: string, depth: number): Promise<void> => {
    const here = join(root, folder);
    const entries = await readdir(here, { withFileTypes: true }).catch((error: unknown) => {
      if (depth === 0) throw error;
      return [];
    });
    folders.push(here);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      // An entry that is a link is neither a file nor a folder here.
      if (entry.isFile() && isDocumentPath(path)) await take(path);
      else if (entry.isDirectory() && isVisible(entry.name) && depth < MAX_DEPTH) await walk(path, depth + 1);
    }
  };
  await walk("", 0);
  return { files, folders, leftOut };
}

/**
 * Reads a document, wherever its path comes from.
 * @returns Nothing when there is none, when it is too large, or when a link stands anywhere on the way to it.
 */
export async function readDocument(root: string, path: string): Promise<FileContent | undefined> {
  if (!isDocumentPath(path)) return undefined;
  try {
    const wanted = join(await realpath(root), ...path.split("/"));
    if ((await realpath(wanted)) !== wanted) return undefined;
    const file = await open(wanted, READ);
    try {
      const about = await file.stat();
      if (!about.isFile() || about.size > MAX_FILE_BYTES) return undefined;
      return { text: (await file.readFile("utf8")).replace(/^\uFEFF/, ""), modifiedAt: about.mtimeMs };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isNowhere(error)) return undefined;
    throw error;
  }
}

function isNowhere(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code !== undefined && ["ENOENT", "ENOTDIR", "ELOOP", "EISDIR", "ENAMETOOLONG", "EACCES"].includes(code);
}
