import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AlertInput, raise } from "../../../automation/alerts/alert.ts";
import { type AlertBook, alertBook, emptyBook } from "../../../automation/alerts/book.ts";
import { decide, type Notify, returnsAtMost } from "../../../automation/alerts/decide.ts";
import { silenced, unsilenced } from "../../../automation/alerts/silence.ts";
import { severities } from "../../../automation/ports/notifier.ts";
import { alert, minute, raised, settings, t0 } from "./alerts.ts";

type Input = AlertInput | { readonly kind: "tick" };

/** A book over time: what each input told whom, as `target kind reason`. */
function desk(given = settings) {
  let book: AlertBook = emptyBook;
  return {
    get book() {
      return book;
    },
    set book(next) {
      book = next;
    },
    at(ms: number, input: Input) {
      const decision = decide(book, input, given, t0 + ms);
      book = decision.book;
      return [...decision.effects.map((one: Notify) => `${one.target} ${one.kind} ${one.reason}`), decision.reason];
    },
  };
}

const over = (ms: number): AlertInput => ({ kind: "resolve", at: t0 + ms, swap: "3" });
const tick = { kind: "tick" } as const;

describe("an alert", () => {
  it("is told to the first tier once, and once more when it is over", () => {
    const { at } = desk();
    expect(at(0, raised())).toEqual(["team raise new", "new"]);
    expect(at(1_000, raised({ at: t0 + 1_000 }))).toEqual(["told-already"]);
    expect(at(2_000, over(2_000))).toEqual(["team resolve over", "over"]);
    expect(at(3_000, over(3_000))).toEqual(["nothing-open"]);
  });

  it("that is read again from a journal is known, whether it is open or over", () => {
    const { at } = desk();
    at(0, raised());
    expect(at(10 * minute, raised())).toEqual(["known-already"]);
    at(11 * minute, over(11 * minute));
    expect(at(12 * minute, raised())).toEqual(["known-already"]);
    // The end is of before it came back.
    at(13 * minute, raised({ at: t0 + 13 * minute }));
    expect(at(14 * minute, over(11 * minute))).toEqual(["nothing-open"]);
  });

  it("that comes again after the window is told again, without a second incident", () => {
    const d = desk();
    d.at(0, raised());
    expect(d.at(5 * minute, raised({ at: t0 + 5 * minute }))).toEqual(["team repeat still-there", "still-there"]);
    expect(d.book.records).toMatchObject([{ count: 2 }]);
  });

  it("that becomes worse is told at once, to whom hears of it for the first time as new", () => {
    const { at } = desk({ ...settings, targets: settings.targets.map((target) => ({ ...target, tier: 1 })) });
    expect(at(0, raised({ severity: "warning" }))).toEqual(["team raise new", "new"]);
    expect(at(0, raised({ severity: "critical" }))).toEqual(["team escalate worse", "on-call raise worse", "worse"]);
    expect(at(1, raised({ severity: "info", at: t0 + 1 }))).toEqual(["told-already"]);
  });

  it("that is critical and does not end goes to the next tier, and is told again later", () => {
    const { at } = desk();
    at(0, raised());
    expect(at(15 * minute - 1, tick)).toEqual(["not-due"]);
    expect(at(15 * minute, tick)).toEqual(["team escalate not-ended", "on-call raise not-ended", "not-ended"]);
    expect(at(60 * minute, tick)).toEqual(["not-due"]);
    expect(at(75 * minute, tick)).toEqual(["team repeat reminder", "on-call repeat reminder", "reminder"]);
    expect(at(80 * minute, over(80 * minute))).toEqual(["team resolve over", "on-call resolve over", "over"]);
  });

  it("that is a warning is told again and not to the next tier", () => {
    const { at } = desk();
    at(0, raised({ severity: "warning" }));
    expect(at(15 * minute, tick)).toEqual(["not-due"]);
    expect(at(60 * minute, tick)).toEqual(["team repeat reminder", "reminder"]);
  });

  it("that nobody is to hear of is kept", () => {
    const d = desk();
    expect(d.at(0, raised({ severity: "info" }))).toEqual(["new"]);
    expect(d.at(1, over(1))).toEqual(["over"]);
    expect(d.book.records).toHaveLength(1);
  });

  it("that is over as soon as it is said ends without another word", () => {
    const { at } = desk();
    expect(at(0, raise(alert(), "momentary"))).toEqual(["team raise new", "new"]);
    expect(at(1, over(1))).toEqual(["nothing-open"]);
    expect(at(60 * minute, tick)).toEqual(["not-due"]);
  });

  it("that comes and goes is told that it flaps, then nothing until it keeps still", () => {
    const d = desk();
    d.at(0, raised());
    for (let time = 1; time <= returnsAtMost; time += 1) {
      expect(d.at(time * 2_000, over(time * 2_000))).toEqual(["team resolve over", "over"]);
      const back = raised({ at: t0 + time * 2_000 + 1 });
      expect(d.at(time * 2_000 + 1, back)).toEqual(["team raise back-again", "back-again"]);
    }
    d.at(8_000, over(8_000));
    expect(d.at(8_001, raised({ at: t0 + 8_001 }))).toEqual(["team raise flapping", "flapping"]);
    for (let ms = 9_000; ms < 20_000; ms += 1_000) {
      expect(d.at(ms, over(ms))).toEqual(["while-flapping"]);
      expect(d.at(ms + 1, raised({ at: t0 + ms + 1 }))).toEqual(["while-flapping"]);
    }
    d.at(20_000, over(20_000));
    expect(d.at(20_000 + 5 * minute - 1, tick)).toEqual(["not-due"]);
    expect(d.at(20_000 + 5 * minute, tick)).toEqual(["team resolve kept-still", "kept-still"]);
  });

  it("ends by what it waits for, of its own swap, and by nothing else", () => {
    const { at } = desk();
    at(0, raised());
    expect(at(1, { kind: "resolve", at: t0 + 1, swap: "3", until: ["resumed"] })).toEqual(["nothing-open"]);
    expect(at(1, { kind: "resolve", at: t0 + 1, swap: "4" })).toEqual(["nothing-open"]);
    expect(at(1, { kind: "resolve", at: t0 + 1, keyPrefix: "prod/failover/" })).toEqual(["nothing-open"]);
    expect(at(1, { kind: "resolve", at: t0 + 1, swap: "3", until: ["retried", "returned"] }).at(-1)).toBe("over");
  });
});

describe("a silence", () => {
  const wish = { until: t0 + 30 * minute, by: "ada", why: "load test" };

  it.each([
    ["everything", {}, true],
    ["its code", { code: "candidate-errors" }, true],
    ["another code", { code: "silence" }, false],
    ["its platform", { platform: "gke" }, true],
    ["another platform", { code: "candidate-errors", platform: "cloud-run" }, false],
  ])("of %s", (_, only, holds) => {
    const d = desk();
    d.book = silenced(d.book, { ...wish, ...only }, t0);
    expect(d.at(0, raised()).at(-1)).toBe(holds ? "silenced-by-person" : "new");
    expect(d.book.records).toHaveLength(1);
  });

  it("keeps what it silences, and tells it when it is over and the alert is not", () => {
    const d = desk();
    d.book = silenced(d.book, wish, t0);
    d.at(0, raised());
    expect(d.book.records[0]?.silencedBy).toBe("1");
    expect(d.at(20 * minute, tick)).toEqual(["not-due"]);
    expect(d.at(30 * minute, tick)).toEqual(["team raise silence-over", "silence-over"]);
    expect(d.book.silences).toEqual([]);
  });

  it("that a person ends is over at once; one whose alert is over tells nothing", () => {
    const d = desk();
    d.book = silenced(d.book, wish, t0);
    d.at(0, raised());
    d.at(1, raised({ dedupKey: "other", swap: "4" }));
    d.at(2, { kind: "resolve", at: t0 + 2, swap: "4" });
    expect(unsilenced(d.book, "9")).toBeUndefined();
    d.book = unsilenced(d.book, "1") ?? d.book;
    expect(d.at(minute, tick)).toEqual(["team raise silence-over", "silence-over"]);
  });

  it("that the file declares holds until its time", () => {
    const d = desk({ ...settings, silences: [{ until: t0 + minute, why: "holidays" }] });
    expect(d.at(0, raised())).toEqual(["silenced-by-person"]);
    expect(d.book.records[0]?.silencedBy).toBe("file-1");
    expect(d.at(minute, tick).at(-1)).toBe("silence-over");
  });
});

const input: fc.Arbitrary<Input> = fc.oneof(
  fc.constant(tick),
  fc
    .record({
      key: fc.constantFrom("a", "b"),
      severity: fc.constantFrom(...severities),
      swap: fc.constantFrom("1", "2"),
    })
    .map(({ key, severity, swap }) => raised({ dedupKey: key, severity, swap, at: 0 })),
  fc.constantFrom("1", "2").map((swap): Input => ({ kind: "resolve", at: 0, swap })),
);

/** As it would have come at that time. */
function timed(one: Input, at: number): Input {
  if (one.kind === "raise") return { ...one, alert: { ...one.alert, at } };
  return one.kind === "resolve" ? { ...one, at } : one;
}

describe("whatever comes in", () => {
  it("one matter is one record, nobody hears of an end without a beginning, and the book can be kept", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(input, fc.integer({ min: 0, max: 10 * minute })), { maxLength: 40 }), (inputs) => {
        let book: AlertBook = emptyBook;
        let now = t0;
        const knows = new Set<string>();
        for (const [one, later] of inputs) {
          now += later;
          const decision = decide(book, timed(one, now), settings, now);
          book = decision.book;
          for (const { target, record, kind } of decision.effects) {
            if (kind !== "raise") expect(knows).toContain(`${target} ${record}`);
            knows.add(`${target} ${record}`);
          }
        }
        const keys = book.records.map((record) => record.alert.dedupKey);
        expect(new Set(keys).size).toBe(keys.length);
        expect(alertBook.parse(JSON.parse(JSON.stringify(book)))).toEqual(JSON.parse(JSON.stringify(book)));
      }),
    );
  });

  it("once more changes nothing and tells nobody", () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 20 }), (inputs) => {
        const journal = inputs.map((one, index) => timed(one, t0 + index)).filter(({ kind }) => kind !== "tick");
        const run = (before: AlertBook) => {
          const told: Notify[] = [];
          let book = before;
          for (const one of journal) {
            const decision = decide(book, one, settings, t0 + minute);
            book = decision.book;
            told.push(...decision.effects);
          }
          return { book, told };
        };
        const first = run(emptyBook);
        const second = run(first.book);
        expect(second.told).toEqual([]);
        expect(second.book.records.map(({ resolvedAt }) => resolvedAt)).toEqual(
          first.book.records.map(({ resolvedAt }) => resolvedAt),
        );
      }),
    );
  });
});
