/**
 * The release, as in package.json. A constant, because a bundle has no package.json beside it; a test compares the two.
 */
export const VERSION = "0.1.0";
