/** Languages whose common words are known, by their codes of two letters, with those of three that the libraries use. */
export const CODES = {
  ar: "ara",
  cs: "ces",
  da: "dan",
  de: "deu",
  el: "ell",
  en: "eng",
  es: "spa",
  fi: "fin",
  fr: "fra",
  hi: "hin",
  hu: "hun",
  id: "ind",
  it: "ita",
  ja: "jpn",
  ko: "kor",
  nb: "nob",
  nl: "nld",
  pl: "pol",
  pt: "por",
  ro: "ron",
  ru: "rus",
  sv: "swe",
  tr: "tur",
  uk: "ukr",
  vi: "vie",
  zh: "zho",
} as const satisfies Readonly<Record<string, string>>;

export type Language = keyof typeof CODES;
export const LANGUAGES = Object.keys(CODES) as readonly Language[];
