/** Freeze windows: times in which no swap starts and no step begins. Pure. */
import { z } from "zod";
import { nearest } from "../nearest.ts";
import { beginOf, dayOf, endOf, isZone, offsetMs, weekdayOf } from "./zoned-time.ts";

export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time of day, for example 17:30");
const windowName = z.string().min(1).max(100).optional().describe("For people.");

const oneOff = z.strictObject({
  name: windowName,
  from: z.iso.datetime({ offset: true }).describe("Instant with offset, for example 2026-12-24T12:00:00+01:00."),
  to: z.iso.datetime({ offset: true }).describe("Instant with offset, after `from`, within a year."),
});

const weekly = z.strictObject({
  name: windowName,
  days: z.array(z.enum(weekdays)).min(1).max(7).describe("Days on which the window begins."),
  start: clockTime.describe("Time of day at which it begins."),
  end: clockTime.describe("Time of day at which it ends; not later than `start`: on the next day."),
  zone: z.string().describe("IANA time zone, for example Europe/Zurich."),
});

/** Once, between two instants; or every week, on days, between two times of day in an IANA zone. */
export const freezeWindow = z.union([oneOff, weekly]);

export type FreezeWindow = z.infer<typeof freezeWindow>;
type OneOffWindow = z.infer<typeof oneOff>;
type WeeklyWindow = z.infer<typeof weekly>;

export interface Freeze {
  /** Of the window that holds. */
  readonly name: string;
  /** ms since the epoch. */
  readonly until: number;
}

export interface FreezeProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

const isWeekly = (window: FreezeWindow): window is WeeklyWindow => "zone" in window;

/** Its name, else what it says. */
export function describeWindow(window: FreezeWindow): string {
  if (window.name !== undefined) return window.name;
  return isWeekly(window)
    ? `${window.days.join(",")} ${window.start}-${window.end} ${window.zone}`
    : `${window.from} to ${window.to}`;
}

/**
 * A run of windows longer than this many is not followed to its end. Windows that freezeWindowProblems lets pass make
 * shorter ones.
 */
const followedAtMost = 2_000;

/**
 * The freeze that holds at an instant, ms since the epoch, with the end of the whole run of windows that overlap or touch;
 * undefined when there is none. A window holds from its beginning up to, not including, its end.
 */
export function frozenAt(windows: readonly FreezeWindow[], at: number): Freeze | undefined {
  const holding = windows.find((window) => endHolding(window, at) !== undefined);
  if (holding === undefined) return undefined;
  let until = at;
  for (let followed = 0; followed < followedAtMost; followed += 1) {
    const ends = windows.flatMap((window) => endHolding(window, until) ?? []);
    if (ends.length === 0) break;
    until = Math.max(...ends);
  }
  return { name: describeWindow(holding), until };
}

/** The end of the window's occurrence that holds at an instant; of several the last end. */
function endHolding(window: FreezeWindow, at: number): number | undefined {
  if (!isWeekly(window)) {
    const end = Date.parse(window.to);
    return Date.parse(window.from) <= at && at < end ? end : undefined;
  }
  const today = dayOf(window.zone, at);
  let last: number | undefined;
  // One that began two days ago may still hold where a zone left a day out.
  for (let day = today - 2; day <= today + 1; day += 1) {
    if (!window.days.includes(weekdays[weekdayOf(day)] ?? "mon")) continue;
    const { begin, end } = occurrence(window, day);
    if (begin <= at && at < end) last = Math.max(last ?? end, end);
  }
  return last;
}

function occurrence(window: WeeklyWindow, day: number): { readonly begin: number; readonly end: number } {
  const start = minutesOf(window.start);
  const end = minutesOf(window.end);
  return {
    begin: beginOf(window.zone, day, start),
    end: endOf(window.zone, end <= start ? day + 1 : day, end),
  };
}

function minutesOf(time: string): number {
  const [hours = "0", minutes = "0"] = time.split(":");
  return Number(hours) * 60 + Number(minutes);
}

/** A leap year's worth. */
const longestMs = 366 * 86_400_000;

/**
 * What is wrong with windows beyond their form: `to` not after `from`, longer than a year, an unknown zone, one-off windows
 * that touch each other for longer than a year, weekly windows that together leave less than an hour a week open.
 */
export function freezeWindowProblems(windows: readonly FreezeWindow[]): readonly FreezeProblem[] {
  const own = windows.flatMap((window, index) =>
    (isWeekly(window) ? zoneProblems(window) : oneOffProblems(window)).map(({ path, message }) => ({
      path: [index, ...path],
      message,
    })),
  );
  const weeklies = windows.filter(isWeekly).filter(({ zone }) => isZone(zone));
  const covering = coveringWindows(weeklies);
  const oneOffs = windows.flatMap((window) => (isWeekly(window) || oneOffProblems(window).length > 0 ? [] : [window]));
  return [
    ...own,
    ...(covering.length === 0 ? [] : [{ path: [], message: neverEnds(covering) }]),
    ...longRuns(oneOffs).map((run) => ({ path: [], message: lastsTooLong(run) })),
  ];
}

const namesOf = (windows: readonly FreezeWindow[]): string =>
  windows.map((window) => `"${describeWindow(window)}"`).join(", ");

function neverEnds(covering: readonly WeeklyWindow[]): string {
  const leave =
    covering.length === 1
      ? `the window ${namesOf(covering)} leaves`
      : `the windows ${namesOf(covering)} together leave`;
  return `${leave} less than an hour of the week open: a freeze that as good as never ends`;
}

function lastsTooLong(run: readonly OneOffWindow[]): string {
  return `the windows ${namesOf(run)} follow each other for longer than a year: a freeze is for a time`;
}

/** One-off windows, in order of time, that touch or overlap and together last longer than a year. Each is sound by itself. */
function longRuns(windows: readonly OneOffWindow[]): readonly (readonly OneOffWindow[])[] {
  const runs: { readonly begin: number; end: number; readonly windows: OneOffWindow[] }[] = [];
  for (const window of windows.toSorted((a, b) => Date.parse(a.from) - Date.parse(b.from))) {
    const [begin, end] = [Date.parse(window.from), Date.parse(window.to)];
    const run = runs.at(-1);
    if (run === undefined || begin > run.end) runs.push({ begin, end, windows: [window] });
    else {
      run.end = Math.max(run.end, end);
      run.windows.push(window);
    }
  }
  return runs.filter(({ begin, end }) => end - begin > longestMs).map((run) => run.windows);
}

function zoneProblems({ zone }: WeeklyWindow): readonly FreezeProblem[] {
  if (isZone(zone)) return [];
  const suggestion = nearest(zone, Intl.supportedValuesOf("timeZone"));
  return [{ path: ["zone"], message: `is no IANA time zone, for example Europe/Zurich${suggestion}` }];
}

function oneOffProblems({ from, to }: OneOffWindow): readonly FreezeProblem[] {
  const lasts = Date.parse(to) - Date.parse(from);
  if (!(lasts > 0)) return [{ path: ["to"], message: `must be after from (${from})` }];
  if (lasts > longestMs)
    return [{ path: ["to"], message: `must be within a year of from (${from}): a freeze is for a time` }];
  return [];
}

const weekMs = 7 * 86_400_000;
const minuteMs = 60_000;
/** Less of a week than this, minutes, is no time for a swap. */
const openAtLeast = 60;

/**
 * The fewest of the windows, in their order, that leave less than an hour of a week open; empty when there are none. Zones change
 * their distance to each other with the seasons, so every week of one year is looked at, each with the offsets of its middle.
 */
function coveringWindows(windows: readonly WeeklyWindow[]): readonly WeeklyWindow[] {
  const firstMonday = Date.UTC(2027, 0, 4);
  for (let week = 0; week < 53; week += 1) {
    const middle = firstMonday + week * weekMs + weekMs / 2;
    if (!coverWeek(windows, middle)) continue;
    return windows.reduce<readonly WeeklyWindow[]>((kept, window) => {
      const without = kept.filter((one) => one !== window);
      return coverWeek(without, middle) ? without : kept;
    }, windows);
  }
  return [];
}

/** Whether the windows, with the offsets that hold at an instant, leave less than an hour of a week open. */
function coverWeek(windows: readonly WeeklyWindow[], at: number): boolean {
  const intervals = windows.flatMap((window) => {
    const start = minutesOf(window.start);
    const end = minutesOf(window.end);
    const lasts = end > start ? end - start : end - start + 24 * 60;
    const offset = Math.round(offsetMs(window.zone, at) / minuteMs);
    return window.days.map((day) => ({ begin: weekdays.indexOf(day) * 24 * 60 + start - offset, lasts }));
  });
  const minutes = weekMs / minuteMs;
  // Each interval in the week itself and once more before it, for those that run over the week's end.
  const laid = intervals
    .map(({ begin, lasts }) => ({ begin: ((begin % minutes) + minutes) % minutes, lasts }))
    .flatMap(({ begin, lasts }) => [
      { begin, end: begin + lasts },
      { begin: begin - minutes, end: begin - minutes + lasts },
    ])
    .toSorted((a, b) => a.begin - b.begin);
  let covered = 0;
  let open = 0;
  for (const { begin, end } of laid) {
    open += Math.max(0, Math.min(begin, minutes) - covered);
    covered = Math.max(covered, Math.min(end, minutes));
  }
  return open + minutes - covered < openAtLeast;
}
