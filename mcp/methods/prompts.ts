import { McpError } from "../protocol/errors.ts";
import type { MethodHandler } from "./call.ts";
import { createListing } from "./listing.ts";

/** `prompts/list`: no capability has prompts. */
export const listPrompts = createListing<{ readonly name: string }>({ member: "prompts", items: [], keyOf: ({ name }) => name });

/** `prompts/get` */
export const getPrompt: MethodHandler = ({ params }) => {
  if (typeof params["name"] !== "string") throw new McpError("invalid_params", "prompts/get needs a name.");
  throw new McpError("invalid_params", "There is no prompt with this name.");
};
