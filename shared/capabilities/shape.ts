import type { z } from "zod";
import { isRaw, type Shape } from "./content.ts";
import { fieldOf, type ShapeCheck, type ShapeFault } from "./shape-fault.ts";

/** Faults named of one value. */
const MAX_FAULTS = 20;

/** A shape's check, to be made once. */
export function checkOf(shape: Shape): ShapeCheck {
  return isRaw(shape) ? shape.check : zodCheckOf(shape);
}

const WORDS = { error: requiredMessage };

function zodCheckOf(schema: z.ZodObject): ShapeCheck {
  return (value) => {
    const parsed = schema.safeParse(value, WORDS);
    return parsed.success ? parsed : { success: false, faults: parsed.error.issues.flatMap(faultsOf).slice(0, MAX_FAULTS) };
  };
}

function requiredMessage(issue: z.core.$ZodRawIssue): string | undefined {
  return issue.code === "invalid_type" && issue.input === undefined ? "is required" : undefined;
}

function faultsOf(issue: z.core.$ZodIssue): ShapeFault[] {
  const { code: rule, path, message } = issue;
  if (issue.code !== "unrecognized_keys") return [{ field: fieldOf(path), message, rule }];
  return issue.keys.map((key) => ({ field: fieldOf([...path, key]), message: "is not known here", rule }));
}
