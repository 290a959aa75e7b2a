import { z } from "zod";
import { numberVariable, type Variable } from "./config-variable.ts";

/** What the packs of capabilities are told beside their name. */
export interface CapabilitySettings {
  readonly knowledge: KnowledgeSettings;
  readonly weather: WeatherSettings;
  /** Absent when no search service is configured. */
  readonly webSearch: WebSearchSettings | undefined;
}

export interface KnowledgeSettings {
  readonly folder: string;
  /** Where documents can be opened, without a trailing slash. */
  readonly baseUrl: string;
  /** Who may open the pages of this service: everyone, this machine, or nobody because documents are elsewhere. */
  readonly pages: "public" | "local" | "elsewhere";
  /** Milliseconds after which the folder is looked through again, whatever the operating system says of it. */
  readonly rescan: number;
}

export interface WeatherSettings {
  readonly forecastUrl: string;
  readonly geocodingUrl: string;
  readonly key: string | undefined;
  /** Milliseconds for one call. */
  readonly timeLimit: number;
}

export const WEB_SEARCH_SERVICES = ["brave", "tavily", "searxng"] as const;

export interface WebSearchSettings {
  readonly service: (typeof WEB_SEARCH_SERVICES)[number];
  /** The service's own when absent. */
  readonly url: string | undefined;
  readonly key: string | undefined;
  /** Milliseconds for one call. */
  readonly timeLimit: number;
}

/** An address to which paths are appended; what comes out has no slash at its end. */
const baseUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:\/\//.test(text) && !/[?#\s]/.test(text) && new URL(text).username === "", {
    error: "must begin with https:// or http://, without a query, a fragment or credentials",
  })
  .transform((text) => text.replace(/\/+$/, ""));

const OWN_DOCUMENTS = "docs";
const KNOWLEDGE_PAGES = ["public", "local"] as const;

export const CAPABILITY_VARIABLES = {
  KNOWLEDGE_DIR: {
    about: "The folder of Markdown files that `search` and `fetch` serve; this project's `docs` when unset.",
    schema: z.string().min(1),
    example: "/srv/knowledge",
  },
  KNOWLEDGE_BASE_URL: {
    about:
      "Where people open those files: what a result points at is this plus a slash and the file's path in the folder. Unset, they are pages of this service, `PUBLIC_URL` + `/knowledge/…`.",
    schema: baseUrl,
    example: "https://github.com/example/handbook/blob/main",
  },
  KNOWLEDGE_PAGES: {
    about:
      "Who may open the pages of this service: `public`, everyone who has the address, without signing in, or `local`, this machine alone. This project's own docs are public; a folder of yours is local where `PUBLIC_URL` is loopback, and anywhere else needs this or `KNOWLEDGE_BASE_URL`.",
    schema: z.enum(KNOWLEDGE_PAGES),
    example: "public",
  },
  KNOWLEDGE_RESCAN: numberVariable(
    "Seconds after which a search looks through the folder again even if the operating system reported no change (network file systems report none).",
    60,
    0,
    86_400,
  ),
  OUTSIDE_TIME_LIMIT: numberVariable("Seconds that `get_weather` and `search_web` wait for the service they ask.", 10, 1, 40),
  WEATHER_URL: {
    about: "Where `get_weather` asks for forecasts: Open-Meteo or a server of yours that speaks as it does.",
    schema: baseUrl,
    development: "https://api.open-meteo.com",
    production: "https://api.open-meteo.com",
    example: "https://customer-api.open-meteo.com",
  },
  WEATHER_GEOCODING_URL: {
    about: "Where `get_weather` asks for places.",
    schema: baseUrl,
    development: "https://geocoding-api.open-meteo.com",
    production: "https://geocoding-api.open-meteo.com",
    example: "https://customer-geocoding-api.open-meteo.com",
  },
  WEATHER_KEY: {
    about: "Open-Meteo's key for commercial use, which goes with its `customer-` addresses.",
    schema: z.string().min(1),
    example: "…",
  },
  WEB_SEARCH: {
    about: "Which service `search_web` asks: `brave`, `tavily` or `searxng`. Unset, there is no `search_web`.",
    schema: z.enum(WEB_SEARCH_SERVICES),
    example: "brave",
  },
  WEB_SEARCH_KEY: { about: "Its key; Brave and Tavily need one.", schema: z.string().min(1), example: "…" },
  WEB_SEARCH_URL: {
    about: "Its address; SearXNG needs it, and must have the format `json` switched on.",
    schema: baseUrl,
    example: "https://searx.example.com",
  },
} satisfies Record<string, Variable>;

type CapabilityValues = {
  readonly [N in keyof typeof CAPABILITY_VARIABLES]?: z.output<(typeof CAPABILITY_VARIABLES)[N]["schema"]> | undefined;
};

/** Where documents are opened depends on where the service itself is. */
interface Place {
  readonly publicUrl: string;
  readonly publicUrlIsLoopback: boolean;
}

export function capabilitySettingsOf(values: CapabilityValues, { publicUrl, publicUrlIsLoopback }: Place): CapabilitySettings {
  const timeLimit = (values.OUTSIDE_TIME_LIMIT ?? 10) * 1000;
  const own = values.KNOWLEDGE_DIR === undefined;
  const pages = values.KNOWLEDGE_PAGES ?? (own || !publicUrlIsLoopback ? "public" : "local");
  return {
    knowledge: {
      folder: values.KNOWLEDGE_DIR ?? OWN_DOCUMENTS,
      baseUrl: values.KNOWLEDGE_BASE_URL ?? `${publicUrl}/knowledge`,
      pages: values.KNOWLEDGE_BASE_URL === undefined ? pages : "elsewhere",
      rescan: (values.KNOWLEDGE_RESCAN ?? 60) * 1000,
    },
    weather: {
      forecastUrl: values.WEATHER_URL ?? "",
      geocodingUrl: values.WEATHER_GEOCODING_URL ?? "",
      key: values.WEATHER_KEY,
      timeLimit,
    },
    webSearch: values.WEB_SEARCH && { service: values.WEB_SEARCH, url: values.WEB_SEARCH_URL, key: values.WEB_SEARCH_KEY, timeLimit },
  };
}

/** What is missing for the packs that are switched on. Nobody's folder is published because nothing was said about it. */
export function capabilityFaults(
  values: CapabilityValues & { readonly CAPABILITIES?: readonly string[] | undefined },
  place: Place,
): string[] {
  const faults: string[] = [];
  const { KNOWLEDGE_DIR: folder, KNOWLEDGE_BASE_URL: base, KNOWLEDGE_PAGES: pages, WEB_SEARCH: service } = values;
  const knowledge = values.CAPABILITIES?.includes("knowledge") === true;
  if (knowledge && folder !== undefined && base === undefined && pages === undefined && !place.publicUrlIsLoopback) {
    faults.push(
      "KNOWLEDGE_BASE_URL: needed with KNOWLEDGE_DIR, so that results can be opened; or KNOWLEDGE_PAGES=public shows every file of the folder to everyone",
    );
  }
  if (pages !== undefined && base !== undefined) faults.push("KNOWLEDGE_PAGES: cannot be set together with KNOWLEDGE_BASE_URL");
  if (service === undefined) {
    for (const name of ["WEB_SEARCH_KEY", "WEB_SEARCH_URL"] as const)
      if (values[name] !== undefined) faults.push(`WEB_SEARCH: needed with ${name}: ${WEB_SEARCH_SERVICES.join(", ")}`);
  }
  if (service === "searxng" && values.WEB_SEARCH_URL === undefined) faults.push("WEB_SEARCH_URL: needed with WEB_SEARCH=searxng");
  if ((service === "brave" || service === "tavily") && values.WEB_SEARCH_KEY === undefined) {
    faults.push(`WEB_SEARCH_KEY: needed with WEB_SEARCH=${service}`);
  }
  return faults;
}
