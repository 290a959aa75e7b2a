import { z } from "zod";

/** One environment variable: its parser, and what the generated pages say of it. */
export interface Variable<T = unknown> {
  /** What it is for, in one or two sentences of Markdown. */
  readonly about: string;
  /** From the text of the variable to its value. */
  readonly schema: z.ZodType<T, string>;
  /** What holds when it is unset outside production, in the variable's own notation. */
  readonly development?: string;
  /** The same in production; "required" where there is no default that is safe for everyone. */
  readonly production?: string;
  readonly requiredInProduction?: boolean;
  readonly example: string;
}

function wholeNumber(least: number, most: number): z.ZodType<number, string> {
  return z
    .string()
    .refine((text) => /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most, {
      error: `must be a whole number from ${least} to ${most}`,
    })
    .transform(Number);
}

/** A number with the same default everywhere. */
export function numberVariable(about: string, standard: number, least: number, most: number) {
  const text = String(standard);
  return { about, schema: wholeNumber(least, most), development: text, production: text, example: text } satisfies Variable<number>;
}
