/**
 * Every scope there is, with what it lets a client do in the words of the consent page ("… wants to:"). A capability
 * can only ask for one of these.
 */
export const SCOPES = {
  openid: "know who you are",
  profile: "see your name",
  email: "see your e-mail address",
  offline_access: "stay connected while you are away",
  "todos:read": "see your to-dos",
  "todos:write": "add, change and delete your to-dos",
  "knowledge:read": "search and read the documents here",
  "web:search": "search the web from here",
} as const satisfies Readonly<Record<string, string>>;

export type Scope = keyof typeof SCOPES;

export function isScope(name: string): name is Scope {
  return Object.hasOwn(SCOPES, name);
}

/** What is wrong with the scopes that a thing needs, with the mend. */
export function scopeFaults(place: string, access: "public" | readonly string[]): string[] {
  if (access === "public") return [];
  return access
    .filter((scope) => !isScope(scope))
    .map((scope) => `${place}.scopes: "${scope}" is not a scope; use one of ${Object.keys(SCOPES).join(", ")} or add it to scopes.ts`);
}
