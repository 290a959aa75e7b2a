import { z } from "zod";
import type { Variable } from "./config-variable.ts";

/** What `ACTIONS_OPERATIONS` says for none at all. */
const NONE = "none";

export const ACTIONS_VARIABLES = {
  ACTIONS_OPERATIONS: {
    about:
      "The capabilities that GPT Actions offer, by name, separated by spaces or commas: ChatGPT takes at most 30. All that may be offered there when unset; `none` for none.",
    schema: z
      .string()
      .transform((text) => text.split(/[\s,]+/).filter((name) => name !== ""))
      .transform((names) => (names.length === 1 && names[0] === NONE ? [] : names)),
    example: "list_todos create_todo complete_todo",
  } satisfies Variable<readonly string[]>,
};
