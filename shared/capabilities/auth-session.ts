import { z } from "zod";
import { CapabilityError, defineCapability } from "./capability.ts";

export const authSession = defineCapability({
  name: "auth_session",
  title: "What this access allows",
  description:
    "Use this when you need to know what the current access allows and how long it lasts: account, client, scopes, audience and times.",
  scopes: ["openid"],
  effect: "read",
  input: z.object({}),
  output: z.object({
    subject: z.string().describe("The account's id in this service."),
    client_id: z.string().describe("The client that acts for the user."),
    scopes: z.array(z.string()).describe("What was granted, sorted."),
    audience: z.string().describe("The resource that the access token is for."),
    issued_at: z.iso.datetime().describe("When the access token was issued."),
    expires_at: z.iso.datetime().describe("When the access token ends."),
    auth_time: z.iso.datetime().optional().describe("When the user signed in."),
  }),
  path: "session",
  run(_input, { caller }) {
    if (!caller) throw new CapabilityError("unauthenticated", "This needs a signed-in person.");
    return {
      subject: caller.subject,
      client_id: caller.clientId,
      scopes: [...caller.scopes].sort(),
      audience: caller.audience,
      issued_at: isoOf(caller.issuedAt),
      expires_at: isoOf(caller.expiresAt),
      auth_time: caller.authTime === undefined ? undefined : isoOf(caller.authTime),
    };
  },
});

/** @param seconds Since the epoch. */
function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
