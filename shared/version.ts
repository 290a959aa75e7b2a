/** The release, as `package.json` has it: clients are told it, and a bundle has no `package.json` beside it. */
export const VERSION = "0.1.0";
