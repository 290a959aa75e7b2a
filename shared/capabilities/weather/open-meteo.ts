import { z } from "zod";
import type { WeatherSettings } from "../../config-capabilities.ts";
import type { Context } from "../capability.ts";
import { askOutside, type OutsideService } from "../outside-service.ts";

export interface Place {
  readonly name: string;
  readonly region: string | undefined;
  readonly country: string | undefined;
  readonly latitude: number;
  readonly longitude: number;
}

export type Units = "metric" | "imperial";

export interface Forecast {
  readonly timezone: string;
  readonly current: Readonly<z.infer<typeof currentAnswer>>;
  readonly days: readonly Day[];
}

/** Measures are null where the forecast has none. */
export interface Day {
  readonly date: string;
  readonly code: number | null;
  readonly warmest: number | null;
  readonly coldest: number | null;
  readonly precipitation: number | null;
  /** Percent. */
  readonly precipitationChance: number | null;
  readonly strongestWind: number | null;
}

/** Open-Meteo (https://open-meteo.com/en/docs), or a server that speaks as it does. */
export interface OpenMeteo {
  /** Those of that name, the most likely first. */
  findPlaces(name: string, language: string, context: Context): Promise<readonly Place[]>;
  forecast(place: Pick<Place, "latitude" | "longitude">, days: number, units: Units, context: Context): Promise<Forecast>;
}

const measure = z.number().nullable();
/** A name or a time: nothing longer is one, and what a service says must not fill an answer. */
const words = z.string().max(200);
const currentAnswer = z.object({
  time: words,
  temperature_2m: measure,
  apparent_temperature: measure,
  relative_humidity_2m: measure,
  precipitation: measure,
  weather_code: measure,
  wind_speed_10m: measure,
  wind_direction_10m: measure,
});
const dailyAnswer = z.object({
  time: z.array(words).max(16),
  weather_code: z.array(measure),
  temperature_2m_max: z.array(measure),
  temperature_2m_min: z.array(measure),
  precipitation_sum: z.array(measure),
  precipitation_probability_max: z.array(measure),
  wind_speed_10m_max: z.array(measure),
});
const forecastAnswer = z.object({ timezone: words, current: currentAnswer, daily: dailyAnswer });
/** Nothing found is an object without results. */
const placesAnswer = z.object({
  results: z
    .array(
      z.object({
        name: words,
        admin1: words.optional(),
        country: words.optional(),
        latitude: z.number(),
        longitude: z.number(),
      }),
    )
    .default([]),
});

const IMPERIAL = { temperature_unit: "fahrenheit", wind_speed_unit: "mph", precipitation_unit: "inch" };
const MAX_PLACES = 5;

export function createOpenMeteo({ forecastUrl, geocodingUrl, key, timeLimit }: WeatherSettings): OpenMeteo {
  const service: OutsideService = { name: "the weather service", timeLimit };
  const address = (path: string, query: Readonly<Record<string, string>>) => {
    const url = new URL(path);
    url.search = new URLSearchParams(key === undefined ? query : { ...query, apikey: key }).toString();
    return url;
  };

  return {
    async findPlaces(name, language, context) {
      const url = address(`${geocodingUrl}/v1/search`, { name, count: String(MAX_PLACES), language, format: "json" });
      const { results } = await askOutside(service, { url, answer: placesAnswer }, context);
      return results.slice(0, MAX_PLACES).map(({ admin1, country, ...place }) => ({ ...place, region: admin1, country }));
    },
    async forecast({ latitude, longitude }, days, units, context) {
      const url = address(`${forecastUrl}/v1/forecast`, {
        latitude: String(latitude),
        longitude: String(longitude),
        current: Object.keys(currentAnswer.shape).filter(isVariable).join(","),
        daily: Object.keys(dailyAnswer.shape).filter(isVariable).join(","),
        forecast_days: String(days),
        timezone: "auto",
        ...(units === "imperial" ? IMPERIAL : {}),
      });
      const { timezone, current, daily } = await askOutside(service, { url, answer: forecastAnswer }, context);
      return { timezone, current, days: daily.time.map((date, at) => dayOf(date, at, daily)) };
    },
  };
}

/** The time comes unasked. */
function isVariable(name: string): boolean {
  return name !== "time";
}

function dayOf(date: string, at: number, daily: z.infer<typeof dailyAnswer>): Day {
  return {
    date,
    code: daily.weather_code[at] ?? null,
    warmest: daily.temperature_2m_max[at] ?? null,
    coldest: daily.temperature_2m_min[at] ?? null,
    precipitation: daily.precipitation_sum[at] ?? null,
    precipitationChance: daily.precipitation_probability_max[at] ?? null,
    strongestWind: daily.wind_speed_10m_max[at] ?? null,
  };
}
