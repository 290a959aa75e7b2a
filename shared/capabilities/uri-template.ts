/** A URI template of RFC 6570 level 1, read. */
export interface UriTemplate {
  /** In the order they stand. */
  readonly variables: readonly string[];
  /** The variables of an address of this form, decoded; nothing for any other address. */
  match(uri: string): Readonly<Record<string, string>> | undefined;
}

/** RFC 6570 §2.3, without the dots and escapes that a name could have. */
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What may stand outside of an expression (RFC 6570 §2.1, as far as it is an address already). */
const LITERAL = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*$/;

/**
 * Reads a template: `{name}` stands for one or more characters without a slash, percent-encoded (RFC 6570 §3.2.2).
 * @throws {Error} saying what is wrong with it.
 */
export function parseUriTemplate(template: string): UriTemplate {
  const parts = template.split(/\{([^{}]*)\}/);
  const literals = parts.filter((_, index) => index % 2 === 0);
  const variables = parts.filter((_, index) => index % 2 === 1);
  const fault = faultOf(literals, variables);
  if (fault !== undefined) throw new Error(fault);
  return {
    variables,
    match(uri) {
      const values = split(uri, literals)?.map(decoded);
      if (!values?.every((value) => value !== undefined)) return undefined;
      return Object.fromEntries(variables.map((name, index) => [name, values[index] ?? ""]));
    },
  };
}

function faultOf(literals: readonly string[], variables: readonly string[]): string | undefined {
  if (literals.some((literal) => /[{}]/.test(literal))) return "its braces do not pair; write {name} for each variable";
  if (literals.some((literal) => !LITERAL.test(literal))) return "it has a character that no address has; percent-encode it";
  if (literals.every((literal) => literal === "")) return "it is nothing but a variable; begin with a scheme, such as notes://";
  const bad = variables.find((name) => !VARIABLE.test(name));
  if (bad !== undefined) return `{${bad}} is not a variable of level 1; use letters, digits and _ alone`;
  const repeated = variables.find((name, index) => variables.indexOf(name) !== index);
  if (repeated !== undefined) return `{${repeated}} is there twice; give each variable a name of its own`;
  if (literals.slice(1, -1).includes("")) return "two variables stand side by side; put something between them";
  return undefined;
}

/**
 * What stands between the literals, each piece as short as can be. To try the longer ones as well finds nothing more,
 * since no piece may have a slash, and an address of a stranger's choice costs no more than its length.
 */
function split(uri: string, literals: readonly string[]): readonly string[] | undefined {
  const [first = "", ...others] = literals;
  if (!uri.startsWith(first)) return undefined;
  if (others.length === 0) return uri === first ? [] : undefined;
  const pieces: string[] = [];
  let start = first.length;
  for (const [index, literal] of others.entries()) {
    const isLast = index === others.length - 1;
    const end = isLast ? uri.length - literal.length : uri.indexOf(literal, start + 1);
    const piece = uri.slice(start, Math.max(end, 0));
    if (end <= start || piece.includes("/") || !uri.startsWith(literal, end)) return undefined;
    pieces.push(piece);
    start = end + literal.length;
  }
  return pieces;
}

/** Nothing for an escape that is malformed or not UTF-8. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
