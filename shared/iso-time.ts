let latest = Number.NaN;
let text = "";

/** A moment of now in ISO 8601, UTC: written once for all who ask within a millisecond. @param at Milliseconds since the epoch. */
export function isoTime(at: number): string {
  if (at !== latest) {
    text = new Date(at).toISOString();
    latest = at;
  }
  return text;
}
