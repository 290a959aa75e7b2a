import { randomToken, sha256 } from "../../shared/hash.ts";

/**
 * What clients hold of a grant. Both handles name the grant, because a grant lies with its owner and is found by both;
 * to clients they are opaque.
 */
export interface Handle {
  readonly subject: string;
  readonly grantId: string;
}

export interface RefreshHandle extends Handle {
  readonly familyHash: string;
  readonly hash: string;
}

const PART = "[A-Za-z0-9_-]{8,64}";
const CODE = new RegExp(`^(${PART})\\.(${PART})\\.(${PART})$`);
const REFRESH = new RegExp(`^(${PART})\\.(${PART})\\.(${PART})\\.(${PART})$`);

export function formatCode({ subject, grantId }: Handle, secret: string): string {
  return `${subject}.${grantId}.${secret}`;
}

export function parseCode(code: string): (Handle & { readonly hash: string }) | undefined {
  const [, subject, grantId] = CODE.exec(code) ?? [];
  return subject && grantId ? { subject, grantId, hash: sha256(code) } : undefined;
}

/** A new family: constant for its grant, it proves that a token was once issued. */
export function newFamily(): string {
  return randomToken(16);
}

export function newRefreshToken({ subject, grantId }: Handle, family: string): string {
  return `${subject}.${grantId}.${family}.${randomToken()}`;
}

export function parseRefreshToken(token: string): (RefreshHandle & { readonly family: string }) | undefined {
  const [, subject, grantId, family] = REFRESH.exec(token) ?? [];
  return subject && grantId && family ? { subject, grantId, family, familyHash: sha256(family), hash: sha256(token) } : undefined;
}
