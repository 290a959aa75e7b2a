/** What `CAPABILITIES` can name: apart from the registry, so that the configuration is checked before anything is built. */
export const PACK_NAMES = ["core", "todos"] as const;
export type PackName = (typeof PACK_NAMES)[number];
