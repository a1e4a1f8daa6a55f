import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type FreezeWindow,
  freezeWindow,
  freezeWindowProblems,
  frozenAt,
  weekdays,
} from "../../../automation/swap/freeze.ts";

const at = (text: string): number => Date.parse(text);
const minuteMs = 60_000;

function weekly(days: readonly (typeof weekdays)[number][], start: string, end: string, zone: string): FreezeWindow {
  return { days: [...days], start, end, zone };
}

function until(windows: readonly FreezeWindow[], instant: string): string | undefined {
  const freeze = frozenAt(windows, at(instant));
  return freeze === undefined ? undefined : new Date(freeze.until).toISOString().slice(0, 16);
}

describe("a one-off window", () => {
  const christmas: FreezeWindow = {
    name: "christmas",
    from: "2026-12-24T12:00:00+01:00",
    to: "2026-12-27T00:00:00+01:00",
  };

  it("holds from its first instant up to, not including, its last", () => {
    expect(frozenAt([christmas], at("2026-12-24T10:59:59.999Z"))).toBeUndefined();
    expect(frozenAt([christmas], at("2026-12-24T11:00:00Z"))).toEqual({
      name: "christmas",
      until: at("2026-12-26T23:00:00Z"),
    });
    expect(frozenAt([christmas], at("2026-12-26T22:59:59.999Z"))).toBeDefined();
    expect(frozenAt([christmas], at("2026-12-26T23:00:00Z"))).toBeUndefined();
  });

  it("that touches another one, or overlaps it, is one freeze to the end of the run", () => {
    const newYear: FreezeWindow = { from: "2026-12-27T00:00:00+01:00", to: "2027-01-02T00:00:00+01:00" };
    const later: FreezeWindow = { from: "2027-01-01T00:00:00Z", to: "2027-01-03T00:00:00Z" };
    expect(until([later, newYear, christmas], "2026-12-25T00:00:00Z")).toBe("2027-01-03T00:00");
    expect(until([christmas, later], "2026-12-25T00:00:00Z")).toBe("2026-12-26T23:00");
  });
});

describe("a weekly window", () => {
  it("is over night when its end is not later than its start, and on the next day", () => {
    const weekend = [weekly(["fri"], "17:00", "09:00", "Europe/Zurich")];
    expect(until(weekend, "2026-11-20T15:59:59Z")).toBeUndefined();
    expect(until(weekend, "2026-11-20T16:00:00Z")).toBe("2026-11-21T08:00");
    expect(until(weekend, "2026-11-21T07:59:59Z")).toBe("2026-11-21T08:00");
    expect(until(weekend, "2026-11-21T08:00:00Z")).toBeUndefined();
    expect(until(weekend, "2026-11-22T16:30:00Z")).toBeUndefined();
  });

  it("of a whole day, and those of the days after it, run on to the last one's end", () => {
    const weekend = [weekly(["fri", "sat", "sun"], "17:00", "17:00", "America/New_York")];
    expect(until(weekend, "2026-11-21T00:00:00Z")).toBe("2026-11-23T22:00");
  });

  it("is named by what it says when it has no name", () => {
    expect(frozenAt([weekly(["mon", "tue"], "08:00", "09:30", "UTC")], at("2026-11-23T08:30:00Z"))?.name).toBe(
      "mon,tue 08:00-09:30 UTC",
    );
  });
});

describe("on the night when clocks go forward (Zurich, 02:00 to 03:00 on 2026-03-29, at 01:00 UTC)", () => {
  it("a window that begins at the time that does not exist begins at the change", () => {
    const window = [weekly(["sun"], "02:30", "04:00", "Europe/Zurich")];
    expect(until(window, "2026-03-29T00:59:59Z")).toBeUndefined();
    expect(until(window, "2026-03-29T01:00:00Z")).toBe("2026-03-29T02:00");
  });

  it("a window that ends at it ends at the change", () => {
    const window = [weekly(["sun"], "01:00", "02:30", "Europe/Zurich")];
    expect(until(window, "2026-03-29T00:30:00Z")).toBe("2026-03-29T01:00");
  });

  it("a window wholly inside the hour that does not exist does not hold", () => {
    const window = [weekly(["sun"], "02:15", "02:45", "Europe/Zurich")];
    for (let minute = -90; minute < 90; minute += 1)
      expect(frozenAt(window, at("2026-03-29T01:00:00Z") + minute * minuteMs)).toBeUndefined();
    expect(until(window, "2026-04-05T00:20:00Z")).toBe("2026-04-05T00:45");
  });

  it("the night is an hour shorter, but ends at the same time of day", () => {
    expect(until([weekly(["sat"], "22:00", "06:00", "Europe/Zurich")], "2026-03-28T21:00:00Z")).toBe(
      "2026-03-29T04:00",
    );
  });
});

describe("on the night when clocks go back (Zurich, 03:00 to 02:00 on 2026-10-25, at 01:00 UTC)", () => {
  it("a window that begins at a time that is shown twice begins at the first", () => {
    const window = [weekly(["sun"], "02:30", "04:00", "Europe/Zurich")];
    expect(until(window, "2026-10-25T00:29:59Z")).toBeUndefined();
    expect(until(window, "2026-10-25T00:30:00Z")).toBe("2026-10-25T03:00");
    expect(until(window, "2026-10-25T01:10:00Z")).toBe("2026-10-25T03:00");
  });

  it("a window that ends at one ends at the last", () => {
    const window = [weekly(["sun"], "01:00", "02:30", "Europe/Zurich")];
    expect(until(window, "2026-10-25T00:00:00Z")).toBe("2026-10-25T01:30");
  });
});

describe("where a zone leaves a whole day out (Apia had no 2011-12-30)", () => {
  it("that day's window does not hold, and the day before's ends at the change", () => {
    expect(until([weekly(["fri"], "08:00", "17:00", "Pacific/Apia")], "2011-12-30T18:00:00Z")).toBeUndefined();
    expect(until([weekly(["thu"], "20:00", "09:00", "Pacific/Apia")], "2011-12-30T08:00:00Z")).toBe("2011-12-30T10:00");
  });
});

const shownFormats = new Map<string, Intl.DateTimeFormat>();

/** What clocks show, by another way than the source's: minutes since 1970 as if in UTC. */
function shown(zone: string, instant: number): number {
  const format =
    shownFormats.get(zone) ??
    new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  shownFormats.set(zone, format);
  return Math.floor(Date.parse(`${format.format(instant).replace(" ", "T")}Z`) / minuteMs);
}

const zones = fc.constantFrom(...Intl.supportedValuesOf("timeZone"));
const times = fc
  .tuple(fc.nat(23), fc.nat(59))
  .map(([hour, minute]) => `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`);
const weeklies = fc
  .record({ days: fc.subarray([...weekdays], { minLength: 1, maxLength: 4 }), start: times, end: times, zone: zones })
  .map(({ days, start, end, zone }) => weekly(days, start, end, zone));
/** Whole minutes of twelve years, more often near changes of clocks. */
const instants = fc.oneof(
  fc.integer({ min: at("2020-01-01T00:00:00Z") / minuteMs, max: at("2031-12-31T00:00:00Z") / minuteMs }),
  fc
    .tuple(
      fc.constantFrom(
        "2026-03-29T01:00Z",
        "2026-10-25T01:00Z",
        "2026-03-08T07:00Z",
        "2026-11-01T06:00Z",
        "2026-04-04T16:00Z",
      ),
      fc.integer({ min: -2_000, max: 2_000 }),
    )
    .map(([near, minutes]) => at(near) / minuteMs + minutes),
);

describe("for windows of any zone, at any minute", () => {
  it("a freeze ends when it says, and not before", () => {
    fc.assert(
      fc.property(fc.array(weeklies, { minLength: 1, maxLength: 3 }), instants, (windows, minute) => {
        fc.pre(freezeWindowProblems(windows).length === 0);
        const now = minute * minuteMs;
        const freeze = frozenAt(windows, now);
        if (freeze === undefined) return;
        expect(freeze.until).toBeGreaterThan(now);
        expect(frozenAt(windows, freeze.until)).toBeUndefined();
        for (const part of [0.25, 0.5, 0.75])
          expect(frozenAt(windows, now + Math.floor((freeze.until - now) * part))?.until).toBe(freeze.until);
        expect(frozenAt(windows, freeze.until - 1)?.until).toBe(freeze.until);
      }),
      { numRuns: 300 },
    );
  });

  it("a window holds where the clocks' times say so: from the first start to the last end that they show", () => {
    fc.assert(
      fc.property(weeklies, instants, (window, minute) => {
        if (!("zone" in window)) throw new Error("not a weekly window");
        const now = minute * minuteMs;
        expect(frozenAt([window], now) !== undefined).toBe(holdsByScan(window, now));
      }),
      { numRuns: 40 },
    );
  });
});

/** Walks every minute of the days around, and finds beginnings and ends among what the clocks showed. */
function holdsByScan(window: Extract<FreezeWindow, { zone: string }>, now: number): boolean {
  const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
  const walk: { readonly instant: number; readonly shown: number }[] = [];
  for (let instant = now - 3.2 * 86_400_000; instant <= now + 2.2 * 86_400_000; instant += minuteMs)
    walk.push({ instant, shown: shown(window.zone, instant) });
  const firstOf = (wall: number) =>
    (
      walk.find((one) => one.shown === wall) ??
      walk.find((one, index) => one.shown > wall && (walk[index - 1]?.shown ?? wall) < wall)
    )?.instant;
  const lastOf = (wall: number) => walk.findLast((one) => one.shown === wall)?.instant ?? firstOf(wall);
  const today = Math.floor(shown(window.zone, now) / 1_440);
  for (const day of [today - 1, today]) {
    const name = weekdays[(((day + 3) % 7) + 7) % 7];
    if (name === undefined || !window.days.includes(name)) continue;
    const [start, end] = [minutesOf(window.start), minutesOf(window.end)];
    const begins = firstOf(day * 1_440 + start);
    const ends = lastOf((end <= start ? day + 1 : day) * 1_440 + end);
    if (begins !== undefined && begins <= now && (ends === undefined || now < ends)) return true;
  }
  return false;
}

describe("windows that make no sense", () => {
  const messages = (windows: readonly FreezeWindow[]) =>
    freezeWindowProblems(windows).map(({ path, message }) => `${path.join(".")}: ${message}`);

  it("are those that end before they begin, or last longer than a year", () => {
    expect(
      messages([
        { from: "2026-12-24T12:00:00Z", to: "2026-12-24T13:00:00+01:00" },
        { from: "2026-01-01T00:00:00Z", to: "2027-02-01T00:00:00Z" },
        { from: "2028-01-01T00:00:00Z", to: "2029-01-01T00:00:00Z" },
      ]),
    ).toEqual([
      "0.to: must be after from (2026-12-24T12:00:00Z)",
      "1.to: must be within a year of from (2026-01-01T00:00:00Z): a freeze is for a time",
    ]);
  });

  it("are those in a zone that is not known, with the nearest one that is", () => {
    expect(messages([weekly(["mon"], "08:00", "09:00", "Europe/Zurch")])).toEqual([
      "0.zone: is no IANA time zone, for example Europe/Zurich; did you mean Europe/Zurich?",
    ]);
    expect(messages([weekly(["mon"], "08:00", "09:00", "+01:00")])).toHaveLength(1);
    expect(messages([weekly(["mon"], "08:00", "09:00", "UTC")])).toEqual([]);
  });

  it("are those that together never end, told with the names of as many as it takes", () => {
    const all = [...weekdays];
    expect(messages([weekly(all, "09:00", "09:00", "Asia/Tokyo")])).toEqual([
      ': the window "mon,tue,wed,thu,fri,sat,sun 09:00-09:00 Asia/Tokyo" leaves less than an hour of the week open: a freeze that as good as never ends',
    ]);
    const work = { ...weekly(all, "08:00", "18:00", "Europe/Paris"), name: "work" };
    const nights = { ...weekly(all, "18:00", "08:00", "Europe/Zurich"), name: "nights" };
    const lunch = { ...weekly(all, "12:00", "13:00", "Europe/Zurich"), name: "lunch" };
    expect(messages([work, lunch, nights])).toEqual([
      ': the windows "work", "nights" together leave less than an hour of the week open: a freeze that as good as never ends',
    ]);
    expect(messages([work, lunch])).toEqual([]);
  });

  it("are those that leave less than an hour of a week open, in however many pieces", () => {
    const all = [...weekdays];
    const open = (minutes: string, days: typeof all = all) => [
      weekly(all, "08:00", "00:00", "UTC"),
      weekly(days, "00:00", `07:${minutes}`, "UTC"),
      weekly(
        all.filter((day) => !days.includes(day)),
        "00:00",
        "08:00",
        "UTC",
      ),
    ];
    // Seven times 9 minutes, and seven times 8.
    expect(messages(open("51"))).toEqual([]);
    expect(messages(open("52"))).toEqual([expect.stringContaining("less than an hour of the week open")]);
    // Once an hour, and a minute less.
    expect(messages(open("00", ["wed"]))).toEqual([]);
    expect(messages(open("01", ["wed"]))).toEqual([expect.stringMatching(/^: the windows "mon,.*" together leave/)]);
    // At the week's end too.
    expect(messages(open("00", ["mon"]))).toEqual([]);
    expect(messages(open("01", ["sun"]))).toHaveLength(1);
  });

  it("are one-off windows that follow each other for longer than a year, told with their names", () => {
    const window = (name: string, from: string, to: string): FreezeWindow => ({ name, from: `${from}Z`, to: `${to}Z` });
    const first = window("first", "2026-01-01T00:00:00", "2026-09-01T00:00:00");
    const inside = window("inside", "2026-02-01T00:00:00", "2026-03-01T00:00:00");
    const second = window("second", "2026-09-01T00:00:00", "2027-03-01T00:00:00");
    const apart = window("apart", "2027-03-01T00:01:00", "2027-12-01T00:00:00");
    expect(messages([apart, second, inside, first])).toEqual([
      ': the windows "first", "inside", "second" follow each other for longer than a year: a freeze is for a time',
    ]);
    expect(messages([first, apart, inside])).toEqual([]);
    expect(messages([window("gap", "2026-09-01T00:00:01", "2027-03-01T00:00:00"), first])).toEqual([]);
  });

  it("are also those of two zones that meet in some seasons only", () => {
    // 18:00 in New York is midnight in Zurich, except for some weeks in spring and autumn.
    const windows = [
      weekly([...weekdays], "00:00", "12:00", "Europe/Zurich"),
      weekly([...weekdays], "06:00", "18:00", "America/New_York"),
    ];
    expect(messages(windows)).toHaveLength(1);
  });

  it("have every problem told at once", () => {
    expect(
      messages([
        weekly(["mon"], "08:00", "09:00", "Mars/Base"),
        { from: "2027-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z" },
      ]),
    ).toHaveLength(2);
  });
});

describe("the form of a window", () => {
  it.each([
    { days: [], start: "08:00", end: "09:00", zone: "UTC" },
    { days: ["monday"], start: "08:00", end: "09:00", zone: "UTC" },
    { days: ["mon"], start: "8:00", end: "09:00", zone: "UTC" },
    { days: ["mon"], start: "24:00", end: "09:00", zone: "UTC" },
    { from: "2026-12-24", to: "2026-12-25" },
    { from: "2026-12-24T00:00:00", to: "2026-12-25T00:00:00" },
    { from: "2026-12-24T00:00:00Z", to: "2026-12-25T00:00:00Z", zone: "UTC" },
  ])("%j is refused", (window) => {
    expect(freezeWindow.safeParse(window).success).toBe(false);
  });
});
