import { z } from "zod";
import { randomToken } from "../hash.ts";
import type { Service } from "../service.ts";
import { SealError } from "./seal.ts";
import { type Kind, MAX_VALUE_BYTES } from "./store.ts";

/** A text of any size as a record can hold it: sealed in place, or in pieces elsewhere. */
export const blobCodec = z.union([z.strictObject({ box: z.string() }), z.strictObject({ pieces: z.string(), count: z.number() })]);
export type Blob = z.infer<typeof blobCodec>;

/** Texts that may be large and may be private. */
export interface Blobs {
  /**
   * Seals a text, and stores what is too large for a record.
   * @param purpose It opens for the same purpose only.
   * @param expiresAt When stored pieces expire.
   * @throws {Unavailable}
   */
  write(purpose: string, text: string, expiresAt: number): Promise<Blob>;
  /** The text; nothing when a piece is gone or it cannot be opened, which is logged. @throws {Unavailable} */
  read(purpose: string, blob: Blob): Promise<string | undefined>;
  /** Deletes stored pieces. @throws {Unavailable} */
  remove(blob: Blob): Promise<void>;
}

/** Owner: what names the pieces. Id: the piece's number. */
const pieceKind: Kind<string> = { name: "mcp_blob", codec: z.string() };

/** Characters, each of them a byte: room is left for the fields beside a box. */
const PIECE = MAX_VALUE_BYTES - 16 * 1024;
/** Pieces under way at once. */
const AT_ONCE = 8;

export function createBlobs({ store, sealer, log }: Pick<Service, "store" | "sealer" | "log">): Blobs {
  return {
    async write(purpose, text, expiresAt) {
      const box = sealer.seal(purpose, text);
      if (box.length <= PIECE) return { box };
      const pieces = randomToken(12);
      const count = Math.ceil(box.length / PIECE);
      await inGroups(count, (index) => {
        const piece = box.slice(index * PIECE, (index + 1) * PIECE);
        return store.create(pieceKind, { owner: pieces, id: String(index) }, piece, expiresAt);
      });
      return { pieces, count };
    },
    async read(purpose, blob) {
      const box = "box" in blob ? blob.box : await collect(blob.pieces, blob.count);
      if (box === undefined) {
        log.warn({ purpose }, "a stored message is gone");
        return undefined;
      }
      try {
        return sealer.open(purpose, box);
      } catch (error) {
        if (!(error instanceof SealError)) throw error;
        log.error({ purpose, cause: error.message }, "a stored message cannot be opened");
        return undefined;
      }
    },
    async remove(blob) {
      if ("box" in blob) return;
      await inGroups(blob.count, (index) => store.take(pieceKind, { owner: blob.pieces, id: String(index) }));
    },
  };

  async function collect(pieces: string, count: number): Promise<string | undefined> {
    const found = await inGroups(count, (index) => store.get(pieceKind, { owner: pieces, id: String(index) }));
    return found.every((entry) => entry !== undefined) ? found.map(({ value }) => value).join("") : undefined;
  }
}

async function inGroups<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let start = 0; start < count; start += AT_ONCE) {
    const group = Array.from({ length: Math.min(AT_ONCE, count - start) }, (_, offset) => work(start + offset));
    results.push(...(await Promise.all(group)));
  }
  return results;
}
