import { z } from "zod";
import { isoTime } from "../iso-time.ts";
import { VERSION } from "../version.ts";
import { defineCapability } from "./capability.ts";

export const healthCheck = defineCapability({
  name: "health_check",
  title: "Check the service",
  description: "Use this when you want to know whether the service answers, which version it is and what time it has. It needs no sign-in.",
  scopes: "public",
  effect: "read",
  input: z.object({}),
  output: z.object({
    status: z.literal("ok").describe("That the service answers."),
    version: z.string().describe("The service's release."),
    time: z.iso.datetime().describe("The service's clock, in UTC."),
  }),
  run: (_input, { now }) => ({ status: "ok" as const, version: VERSION, time: isoTime(now()) }),
});
