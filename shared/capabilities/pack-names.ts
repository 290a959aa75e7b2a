/** What `CAPABILITIES` can name: apart from the registry, so that the configuration is checked before anything is built. */
export const PACK_NAMES = ["core", "todos", "knowledge", "calculator", "weather", "web_search", "text_analysis", "own"] as const;
export type PackName = (typeof PACK_NAMES)[number];
