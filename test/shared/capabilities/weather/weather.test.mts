import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type Asked, FAILURES, json, type Outside, startOutside } from "../outside.mts";
import { failsSaying, type OpenPacks, openPacks } from "../packs.mts";

/** In the shape of https://open-meteo.com/en/docs/geocoding-api. */
const PLACES = {
  results: [
    {
      id: 2950159,
      name: "Berlin",
      latitude: 52.52437,
      longitude: 13.41053,
      elevation: 74,
      feature_code: "PPLC",
      country_code: "DE",
      timezone: "Europe/Berlin",
      population: 3426354,
      country: "Germany",
      admin1: "State of Berlin",
    },
    { id: 4348460, name: "Berlin", latitude: 38.79, longitude: -75.21, country_code: "US", country: "United States", admin1: "Maryland" },
  ],
  generationtime_ms: 0.5,
};

/** In the shape of https://open-meteo.com/en/docs. */
const FORECAST = {
  latitude: 52.52,
  longitude: 13.42,
  generationtime_ms: 0.1,
  utc_offset_seconds: 3600,
  timezone: "Europe/Berlin",
  timezone_abbreviation: "GMT+1",
  elevation: 38,
  current_units: { time: "iso8601", interval: "seconds", temperature_2m: "°C" },
  current: {
    time: "2026-11-20T10:00",
    interval: 900,
    temperature_2m: 4.1,
    apparent_temperature: 1.2,
    relative_humidity_2m: 87,
    precipitation: 0,
    weather_code: 61,
    wind_speed_10m: 12.3,
    wind_direction_10m: 250,
  },
  daily_units: { time: "iso8601", weather_code: "wmo code" },
  daily: {
    time: ["2026-11-20", "2026-11-21"],
    weather_code: [61, null],
    temperature_2m_max: [6.2, 5],
    temperature_2m_min: [1.1, -0.5],
    precipitation_sum: [3.4, 0],
    precipitation_probability_max: [90, null],
    wind_speed_10m_max: [25.1, 11],
  },
};

let outside: Outside;
let packs: OpenPacks;
before(async () => {
  outside = await startOutside();
  packs = await openPacks({
    CAPABILITIES: "weather",
    WEATHER_URL: outside.url,
    WEATHER_GEOCODING_URL: `${outside.url}/places/`,
    WEATHER_KEY: "the-key",
    OUTSIDE_TIME_LIMIT: "1",
  });
});
after(async () => {
  await packs.close();
  await outside.close();
});
beforeEach(() => {
  outside.answer(({ url }, response) => json(response, isGeocoding(url) ? PLACES : FORECAST));
});

function isGeocoding(url: URL): boolean {
  return url.pathname === "/places/v1/search";
}

function lastAsked(): readonly Asked[] {
  return outside.asked.slice(-2);
}

test("a place's weather comes with the place that was meant and the others of that name", async () => {
  const weather = await packs.call("get_weather", { place: " Berlin ", days: 2 });
  assert.deepEqual(weather, {
    place: { name: "Berlin", region: "State of Berlin", country: "Germany", latitude: 52.52437, longitude: 13.41053 },
    other_places: ["Berlin, Maryland, United States"],
    timezone: "Europe/Berlin",
    units: { temperature: "°C", wind: "km/h", precipitation: "mm" },
    now: {
      time: "2026-11-20T10:00",
      condition: "light rain",
      temperature: 4.1,
      feels_like: 1.2,
      humidity: 87,
      precipitation: 0,
      wind: 12.3,
      wind_direction: 250,
    },
    days: [
      { date: "2026-11-20", condition: "light rain", high: 6.2, low: 1.1, precipitation: 3.4, precipitation_chance: 90, wind: 25.1 },
      { date: "2026-11-21", condition: "unknown", high: 5, low: -0.5, precipitation: 0, wind: 11 },
    ],
  });
  const [places, forecast] = lastAsked();
  assert.deepEqual(Object.fromEntries(places?.url.searchParams ?? []), {
    name: "Berlin",
    count: "5",
    language: "en",
    format: "json",
    apikey: "the-key",
  });
  const query = Object.fromEntries(forecast?.url.searchParams ?? []);
  assert.equal(forecast?.url.pathname, "/v1/forecast");
  assert.equal(query["latitude"], "52.52437");
  assert.equal(query["forecast_days"], "2");
  assert.equal(query["timezone"], "auto");
  assert.match(query["daily"] ?? "", /^weather_code,temperature_2m_max,/);
});

test("a country chooses among places of one name", async () => {
  const { place } = await packs.call("get_weather", { place: "Berlin", country: "united states", units: "imperial" });
  assert.equal(place.region, "Maryland");
  assert.equal(lastAsked()[1]?.url.searchParams.get("temperature_unit"), "fahrenheit");
  await assert.rejects(
    packs.call("get_weather", { place: "Berlin", country: "France" }),
    failsSaying("not_found", /no place named "Berlin" in "France"\. There are: Berlin, State of Berlin, Germany; /),
  );
});

test("a place that nobody knows is not found", async () => {
  // What Open-Meteo answers then has no results at all.
  outside.answer((_, response) => json(response, { generationtime_ms: 0.2 }));
  await assert.rejects(packs.call("get_weather", { place: "Nowhereville" }), failsSaying("not_found", /no place named "Nowhereville"/));
});

for (const { what, answering, words } of FAILURES) {
  test(`a weather service that ${what} is unavailable, and whoever asks hears it`, async () => {
    outside.answer(answering);
    await assert.rejects(packs.call("get_weather", { place: "Berlin" }), failsSaying("unavailable", words));
    outside.answer((asked, response) => (isGeocoding(asked.url) ? json(response, PLACES) : answering(asked, response)));
    await assert.rejects(packs.call("get_weather", { place: "Berlin" }), failsSaying("unavailable", words));
  });
}

test("a weather service that names no end of places, or none that is a name, does not fill the answer", async () => {
  const [berlin] = PLACES.results;
  const many = { results: Array.from({ length: 500 }, () => berlin) };
  outside.answer((asked, response) => json(response, isGeocoding(asked.url) ? many : FORECAST));
  assert.equal((await packs.call("get_weather", { place: "Berlin" })).other_places.length, 4);
  outside.answer((_, response) => json(response, { results: [{ ...berlin, name: "x".repeat(100_000) }] }));
  await assert.rejects(packs.call("get_weather", { place: "Berlin" }), failsSaying("unavailable", /something else than it should/));
});

test("nothing that listens is a service that cannot be reached", async () => {
  const gone = await startOutside();
  await gone.close();
  const alone = await openPacks({ CAPABILITIES: "weather", WEATHER_GEOCODING_URL: gone.url });
  await assert.rejects(alone.call("get_weather", { place: "Berlin" }), failsSaying("unavailable", /weather service cannot be reached/));
  await alone.close();
});
