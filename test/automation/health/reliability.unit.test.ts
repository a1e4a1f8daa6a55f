import { expect, test } from "vitest";
import { seeded } from "../../../automation/drill/simulation/random.ts";
import { type HealthVerdict, judge, type Look } from "../../../automation/health/judge.ts";
import { healthConfig, toHealthSettings } from "../../../automation/health/settings.ts";

/**
 * How reliable the default hysteresis is, on virtual time. The noise: a look at a well platform is bad with 2 % (a packet lost,
 * a slow answer), and once an hour a hiccup of 8 s makes every look bad; a look at a failing platform is good with 10 % (some of
 * its instances still answer). Health is judged every 5 s. The figures are in docs/architecture.md.
 */
const settings = toHealthSettings(healthConfig.parse({}), 10_000);
const badWhenWell = 0.02;
const goodWhenFailing = 0.1;
const hour = 3_600_000;
const hiccupMs = 8_000;
const runs = 300;

interface Span {
  readonly from: number;
  readonly to: number;
}

/** The verdict after every look of `durationMs`. */
function watched(seed: number, durationMs: number, failing: Span): readonly { at: number; verdict: HealthVerdict }[] {
  const random = seeded(seed);
  const hiccups = Array.from({ length: Math.ceil(durationMs / hour) }, (_, number) => (number + random()) * hour);
  const looks: Look[] = [];
  const verdicts: { at: number; verdict: HealthVerdict }[] = [];
  for (let at = 0; at < durationMs; at += settings.intervalMs) {
    const fails = at >= failing.from && at < failing.to;
    const hiccup = hiccups.some((from) => at >= from && at < from + hiccupMs);
    const chance = fails ? 1 - goodWhenFailing : badWhenWell;
    const bad = random() < chance || hiccup;
    looks.push({ at, found: bad ? "bad" : "good", detail: "" });
    if (looks.length > 60) looks.shift();
    verdicts.push({ at, verdict: judge("endpoint", looks, settings, at).verdict });
  }
  return verdicts;
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? Number.NaN;
const never: Span = { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY };

test("of 300 hours of a well platform few have a false alarm, and a lone bad look makes none", () => {
  let [alarms, unhealthy, looks] = [0, 0, 0];
  for (let seed = 1; seed <= runs; seed += 1) {
    const verdicts = watched(seed, hour, never).filter(({ verdict }) => verdict !== "unknown");
    looks += verdicts.length;
    unhealthy += verdicts.filter(({ verdict }) => verdict === "unhealthy").length;
    alarms += verdicts.filter(
      ({ verdict }, index) => verdict === "unhealthy" && verdicts[index - 1]?.verdict !== "unhealthy",
    ).length;
  }
  const figures = { alarmsPerHour: alarms / runs, shareOfLooks: unhealthy / looks };
  // Said in docs/architecture.md; a change of the rule changes it.
  expect(figures.alarmsPerHour).toBeLessThan(0.12);
  expect(figures.shareOfLooks).toBeLessThan(0.001);
  expect(alarms).toBeGreaterThan(0);
  if (process.env["HEALTH_FIGURES"] !== undefined) process.stdout.write(`${JSON.stringify(figures)}\n`);
});

test("of 300 failures of a minute none is missed; it is found within seconds, and so is its end", () => {
  const [detected, recovered]: [number[], number[]] = [[], []];
  const failing: Span = { from: 600_000, to: 660_000 };
  let missed = 0;
  for (let seed = 1; seed <= runs; seed += 1) {
    const verdicts = watched(seed + 10_000, 900_000, failing);
    const found = verdicts.find(({ at, verdict }) => at >= failing.from && at < failing.to && verdict === "unhealthy");
    if (found === undefined) {
      missed += 1;
      continue;
    }
    detected.push(found.at - failing.from);
    const well = verdicts.find(({ at, verdict }) => at >= failing.to && verdict === "healthy");
    if (well !== undefined) recovered.push(well.at - failing.to);
  }
  const figures = {
    missed,
    detectP50: quantile(detected, 0.5),
    detectP95: quantile(detected, 0.95),
    recoverP50: quantile(recovered, 0.5),
    recoverP95: quantile(recovered, 0.95),
  };
  expect(missed).toBe(0);
  expect(recovered).toHaveLength(detected.length);
  expect(figures.detectP50).toBeLessThanOrEqual(10_000);
  expect(figures.detectP95).toBeLessThanOrEqual(20_000);
  expect(figures.recoverP50).toBeLessThanOrEqual(15_000);
  expect(figures.recoverP95).toBeLessThanOrEqual(30_000);
  if (process.env["HEALTH_FIGURES"] !== undefined) process.stdout.write(`${JSON.stringify(figures)}\n`);
});
