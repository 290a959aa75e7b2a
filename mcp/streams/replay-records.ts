import { z } from "zod";
import { type Blob, blobCodec } from "../../shared/state/blobs.ts";
import type { Kind } from "../../shared/state/store.ts";

const streamCodec = z.strictObject({
  /** The key of the session whose stream it is. */
  session: z.string(),
  state: z.enum(["open", "finished"]),
  /** The number of the last event when this was written; the priming event has 0. */
  last: z.number(),
});
export type StreamRecord = z.infer<typeof streamCodec>;

/** Id: the stream. Expires {@link KEPT} after the last sign of the replica that writes it. */
export const streamKind: Kind<StreamRecord> = { name: "mcp_stream", codec: streamCodec };

/** Owner: the stream. Id: {@link sequenceId}. Expires after {@link KEPT}. */
export const eventKind: Kind<Blob> = { name: "mcp_event", codec: blobCodec };

/**
 * Milliseconds. Enough for a closed lid or a tunnel; a person who comes back later starts anew, and what was sent is
 * private and should not lie about.
 */
export const KEPT = 10 * 60_000;

/** Zero-padded: the store lists ids in byte order. */
export function sequenceId(sequence: number): string {
  return String(sequence).padStart(10, "0");
}

/** Names its stream, as event ids must (MCP 2025-11-25 basic/transports §resumability). */
export function eventIdOf(stream: string, sequence: number): string {
  return `${stream}.${sequence}`;
}

/** The stream and the number of an event; nothing for what is no event id. */
export function parseEventId(eventId: string): { readonly stream: string; readonly sequence: number } | undefined {
  const [, stream, sequence] = /^([\w-]{16})\.(\d{1,10})$/.exec(eventId) ?? [];
  return stream === undefined ? undefined : { stream, sequence: Number(sequence) };
}

/** What messages of a stream are sealed for. */
export function purposeOf(stream: string): string {
  return `mcp-event ${stream}`;
}
