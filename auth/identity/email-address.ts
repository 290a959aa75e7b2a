import { domainToASCII } from "node:url";

/**
 * What a local part may be made of (RFC 5321 §4.1.2, without quotes), and not all of it: `%` and `!` are routes to
 * another host for some mail servers and `=?` begins an encoded word, so that a code could leave the domain that admits.
 */
const LOCAL_PART = /^(?!.*=\?)[a-z0-9#$&'*+/=?^_`{|}~.-]{1,64}$/;
const DOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
const MAX_LENGTH = 254;

/**
 * @returns The address in lower case, its domain in ASCII (RFC 5891), or nothing when it is none that mail is sent to:
 * RFC 5321's bounds, no comments, quotes or address literals, and an ASCII name.
 */
export function normalizeEmail(text: string): string | undefined {
  if (text.length > MAX_LENGTH * 2) return undefined;
  const trimmed = text.trim();
  const at = trimmed.lastIndexOf("@");
  const local = trimmed.slice(0, at).toLowerCase();
  const domain = domainToASCII(trimmed.slice(at + 1)).toLowerCase();
  const email = `${local}@${domain}`;
  return at > 0 && email.length <= MAX_LENGTH && LOCAL_PART.test(local) && DOMAIN.test(domain) ? email : undefined;
}

/** Whose mail it is, as far as anyone can tell: what follows a `+` is the reader's own affair (RFC 5233). */
export function mailboxOf(email: string): string {
  return email.replace(/^([^+@]+)\+[^@]*@/, "$1@");
}

/** What stands after the last `@`. */
export function domainOf(email: string): string {
  return email.slice(email.lastIndexOf("@") + 1);
}
