/** @returns The address in lower case, or nothing when it is none (RFC 5321 bounds, no comments or quotes). */
export function normalizeEmail(text: string): string | undefined {
  const email = text.trim().toLowerCase();
  return email.length <= 254 && /^[^\s@"(),:;<>[\]\\]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(email) ? email : undefined;
}
