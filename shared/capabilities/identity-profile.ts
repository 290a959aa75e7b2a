import { z } from "zod";
import { CapabilityError, defineCapability } from "./capability.ts";

export const identityProfile = defineCapability({
  name: "identity_profile",
  title: "Who is signed in",
  description: "Use this when you need to know who the user is: their account's id, e-mail address and name, as the sign-in gave them.",
  scopes: ["openid", "profile", "email"],
  effect: "read",
  input: z.object({}),
  output: z.object({
    sub: z.string().describe("The account's id in this service. It never changes."),
    email: z.string().optional().describe("The e-mail address, when the sign-in gave one."),
    email_verified: z.boolean().optional().describe("Whether the address was proved to be theirs."),
    name: z.string().optional().describe("The name to show, when the sign-in gave one."),
  }),
  path: "profile",
  run(_input, { caller }) {
    if (!caller) throw new CapabilityError("unauthenticated", "This needs a signed-in person.");
    const { email, emailVerified, name } = caller.profile ?? {};
    return { sub: caller.subject, email, email_verified: emailVerified, name };
  },
});
