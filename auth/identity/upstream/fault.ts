/**
 * Why an upstream provider was of no use. `unreachable`: it is down, slow or says that it has a fault; to try again may
 * help. `refused`: it said no, or what it said cannot be believed.
 */
export class UpstreamFault extends Error {
  override readonly name = "UpstreamFault";
  readonly kind: "unreachable" | "refused";
  /** One word for the audit line, such as the provider's own error code; never what it said in full. */
  readonly reason: string;

  constructor(kind: "unreachable" | "refused", reason: string, options?: ErrorOptions) {
    super(`upstream ${kind}: ${reason}`, options);
    this.kind = kind;
    this.reason = reason;
  }
}

/** An OAuth error code as a provider sent it, fit for a log line (RFC 6749 §5.2). */
export function printableCode(code: string): string {
  return /^[\x21-\x7e]{1,60}$/.test(code) ? code : "unprintable";
}
