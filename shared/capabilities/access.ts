import { type Access, type Caller, CapabilityError } from "./capability.ts";

/** Whether a caller, or a stranger, may use what has this access. */
export function mayUse(access: Access, caller: Caller | undefined): boolean {
  if (access === "public") return true;
  return caller !== undefined && access.every((scope) => caller.scopes.has(scope));
}

/** @throws {CapabilityError} `unauthenticated` or `insufficient_scope`, which adapters say with 401 and 403. */
export function requireAccess(access: Access, caller: Caller | undefined): void {
  if (access === "public" || mayUse(access, caller)) return;
  if (!caller) throw new CapabilityError("unauthenticated", "This needs a signed-in person.");
  throw new CapabilityError("insufficient_scope", `This needs the scopes ${access.join(" ")}.`, { scopes: access });
}
