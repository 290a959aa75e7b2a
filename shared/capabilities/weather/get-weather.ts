import { z } from "zod";
import type { WeatherSettings } from "../../config-capabilities.ts";
import { CapabilityError, defineCapability } from "../capability.ts";
import type { Pack } from "../offer.ts";
import { createOpenMeteo, type Day, type Place } from "./open-meteo.ts";
import { conditionOf } from "./weather-codes.ts";

const MAX_DAYS = 7;

const measure = (what: string) => z.number().optional().describe(`${what}; absent when it is not known.`);

const output = z.object({
  place: z
    .object({
      name: z.string().describe("The place's name."),
      region: z.string().optional().describe("The state or province it lies in."),
      country: z.string().optional().describe("The country it lies in."),
      latitude: z.number().describe("Degrees north."),
      longitude: z.number().describe("Degrees east."),
    })
    .describe("The place that was meant."),
  other_places: z.array(z.string()).describe("Other places of that name: ask the user if the one above may be the wrong one."),
  timezone: z.string().describe("The time zone of all times and dates."),
  units: z
    .object({
      temperature: z.string().describe("Of temperatures."),
      wind: z.string().describe("Of wind speeds."),
      precipitation: z.string().describe("Of precipitation."),
    })
    .describe("What measures are in."),
  now: z
    .object({
      time: z.string().describe("When this was the weather."),
      condition: z.string().describe("In words."),
      temperature: measure("The temperature"),
      feels_like: measure("The temperature as it feels"),
      humidity: measure("Relative humidity in percent"),
      precipitation: measure("Precipitation of the last quarter of an hour"),
      wind: measure("Wind speed"),
      wind_direction: measure("Where the wind comes from, in degrees from north"),
    })
    .describe("The weather now."),
  days: z
    .array(
      z.object({
        date: z.string().describe("The day."),
        condition: z.string().describe("In words."),
        high: measure("The highest temperature"),
        low: measure("The lowest temperature"),
        precipitation: measure("Precipitation of the day"),
        precipitation_chance: measure("How likely precipitation is, in percent"),
        wind: measure("The highest wind speed"),
      }),
    )
    .describe("The forecast, today first."),
});

const UNITS = {
  metric: { temperature: "°C", wind: "km/h", precipitation: "mm" },
  imperial: { temperature: "°F", wind: "mph", precipitation: "inch" },
} as const;

/** The weather by Open-Meteo. */
export function weatherPack(settings: WeatherSettings): Pack {
  const openMeteo = createOpenMeteo(settings);

  const getWeather = defineCapability({
    name: "get_weather",
    title: "Get the weather",
    description: "Use this when the user asks about the weather at a place, now or in the next days. Data by Open-Meteo.com.",
    scopes: [],
    effect: "read",
    openWorld: true,
    input: z.object({
      place: z.string().trim().min(2).max(100).describe("The name of a city or village, without its country, or a postal code."),
      country: z.string().trim().min(2).max(60).optional().describe("The country's name in English, where several places have that name."),
      days: z.int().min(1).max(MAX_DAYS).default(3).describe("How many days to forecast, today counted."),
      units: z.enum(["metric", "imperial"]).default("metric").describe("metric: °C, km/h, mm; imperial: °F, mph, inch."),
    }),
    output,
    async run({ place: name, country, days, units }, context) {
      const found = await openMeteo.findPlaces(name, "en", context);
      const fitting = country === undefined ? found : found.filter((place) => isIn(place, country));
      const [place, ...others] = fitting;
      if (!place) throw new CapabilityError("not_found", unknownPlace(name, country, found));
      const forecast = await openMeteo.forecast(place, days, units, context);
      const { current } = forecast;
      return {
        place: known({ ...place }),
        other_places: others.map(inWords),
        timezone: forecast.timezone,
        units: UNITS[units],
        now: known({
          time: current.time,
          condition: conditionOf(current.weather_code),
          temperature: current.temperature_2m,
          feels_like: current.apparent_temperature,
          humidity: current.relative_humidity_2m,
          precipitation: current.precipitation,
          wind: current.wind_speed_10m,
          wind_direction: current.wind_direction_10m,
        }),
        days: forecast.days.map(shownDay),
      };
    },
  });

  return { capabilities: [getWeather] };
}

function shownDay({ date, code, warmest, coldest, precipitation, precipitationChance, strongestWind }: Day) {
  return known({
    date,
    condition: conditionOf(code),
    high: warmest,
    low: coldest,
    precipitation,
    precipitation_chance: precipitationChance,
    wind: strongestWind,
  });
}

type Known<T> = { [K in keyof T as null extends T[K] ? never : undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as null extends T[K] ? K : undefined extends T[K] ? K : never]?: NonNullable<T[K]>;
};

/** Without the members that are not known. */
function known<T extends object>(members: T): Known<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null && value !== undefined)) as Known<T>;
}

function isIn(place: Place, country: string): boolean {
  return place.country?.toLowerCase() === country.toLowerCase();
}

function inWords({ name, region, country }: Place): string {
  return [name, region, country].filter((part) => part !== undefined && part !== "").join(", ");
}

function unknownPlace(name: string, country: string | undefined, found: readonly Place[]): string {
  if (country === undefined || found.length === 0) return `There is no place named "${name}" that the weather service knows.`;
  return `There is no place named "${name}" in "${country}". There are: ${found.map(inWords).join("; ")}.`;
}
