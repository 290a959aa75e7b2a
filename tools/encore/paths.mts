/** A piece of an endpoint's path between slashes. */
export type Segment =
  | { readonly kind: "static"; readonly text: string }
  | { readonly kind: "parameter"; readonly name: string }
  | { readonly kind: "wildcard"; readonly name: string };

/** The methods an endpoint may declare; `"*"` is all of them. Encore knows no others. */
export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] as const;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const TEXT = /^[A-Za-z0-9._~-]+$/;

/** @throws {Error} saying which rule of Encore's paths it breaks. */
export function parsePath(path: string): readonly Segment[] {
  if (!path.startsWith("/")) throw new Error("a path begins with /");
  if (path === "/") return [];
  const segments = path.slice(1).split("/").map(parseSegment);
  if (segments.slice(0, -1).some((segment) => segment.kind === "wildcard")) throw new Error("a wildcard is the last segment");
  return segments;
}

function parseSegment(text: string): Segment {
  if (text === "") throw new Error("a path has no empty segment and no slash at its end");
  const sign = text[0];
  if (sign === "!") throw new Error("fallback segments are not served here");
  if (sign !== ":" && sign !== "*") {
    if (!TEXT.test(text)) throw new Error(`"${text}" is neither plain text (letters, digits, . _ ~ -) nor a parameter`);
    return { kind: "static", text };
  }
  const name = text.slice(1);
  if (!NAME.test(name)) throw new Error(`"${text}" needs a name of letters, digits and underscores`);
  return { kind: sign === ":" ? "parameter" : "wildcard", name };
}

/** How two paths relate: the same routes, a conflict that Encore refuses or confuses, or neither. */
export type Relation = { readonly same: boolean; readonly conflict?: string };

/**
 * Encore's gateway keeps one tree for all services and methods (matchit 0.7). Static text may stand beside a parameter
 * or a wildcard and wins; a parameter beside a wildcard is a conflict, and so are two names for one parameter.
 */
export function relatePaths(one: readonly Segment[], other: readonly Segment[]): Relation {
  for (let at = 0; ; at++) {
    const [left, right] = [one[at], other[at]];
    if (left === undefined && right === undefined) return { same: true };
    if (left === undefined || right === undefined) {
      const rest = left ?? right;
      // A wildcard also answers for its bare folder, which is a route of its own at the root only.
      return at === 0 && rest?.kind === "wildcard" ? { same: false, conflict: `/ and *${rest.name} both answer for /` } : { same: false };
    }
    if (left.kind === "static" || right.kind === "static") {
      if (left.kind !== right.kind || (right.kind === "static" && left.kind === "static" && left.text !== right.text))
        return { same: false };
      continue;
    }
    if (left.kind !== right.kind) return { same: false, conflict: `${sign(left)} and ${sign(right)} stand at one position` };
    if (left.name !== right.name) return { same: false, conflict: `${sign(left)} and ${sign(right)} name one position differently` };
  }
}

function sign(segment: Exclude<Segment, { kind: "static" }>): string {
  return `${segment.kind === "parameter" ? ":" : "*"}${segment.name}`;
}
