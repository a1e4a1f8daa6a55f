import { describe, expect, it } from "vitest";
import type { AlertInput } from "../../../automation/alerts/alert.ts";
import { type AlertBook, emptyBook } from "../../../automation/alerts/book.ts";
import { told } from "../../../automation/alerts/desk.ts";
import { settled, troubles } from "../../../automation/alerts/outbox.ts";
import { silenced } from "../../../automation/alerts/silence.ts";
import { alertsView, describeAlerts, deskWarnings } from "../../../automation/cli/alert-view.ts";
import { minute, raised, settings, t0 } from "../alerts/alerts.ts";

const over: AlertInput = { kind: "resolve", at: t0 + 1, swap: "3" };

function text(book: AlertBook, everything = false, given = settings): string {
  const now = t0 + 10 * minute;
  return describeAlerts(alertsView("prod", book, given, now, everything), now).join("\n");
}

/** The first notice of the target failed. */
function failing(book: AlertBook): AlertBook {
  const [first] = book.outbox;
  if (first === undefined) throw new Error("nothing waits");
  return settled(
    book,
    first,
    { delivered: false, why: "it answered 503", refused: false, retryAfterMs: undefined },
    t0,
  );
}

describe("what is said of alerts", () => {
  it("is that nothing is open, and that nobody is told where nobody is", () => {
    expect(text(emptyBook)).toBe("Nothing is open in prod.");
    expect(text(emptyBook, false, { ...settings, targets: [] })).toContain("Nobody is told");
  });

  it("is each open alert with its number, code, times and words", () => {
    const book = told(emptyBook, [raised(), raised({ at: t0 + 1 })], settings, t0);
    expect(text(book)).toMatch(/^ *1 +critical +candidate-errors +open +[-\d]+ [:\d]+ +2 +team +Swap 3 goes back$/m);
  });

  it("is an ended one only while somebody is to hear of it, or when it is asked for", () => {
    const book = told(emptyBook, [raised(), over], settings, t0);
    expect(text(book)).toMatch(/candidate-errors +over/);
    const sent = { ...book, outbox: [] };
    expect(text(sent)).toBe("Nothing is open in prod.");
    expect(text(sent, true)).toMatch(/candidate-errors +over/);
  });

  it("is a target that is down, since when, why and how much waits for it", () => {
    const book = failing(told(emptyBook, [raised()], settings, t0));
    expect(text(book)).toMatch(
      /^Target team has been down for 10 min 0 s \(it answered 503\); 1 notice kept; asked again/m,
    );
    expect(deskWarnings({ delivered: 0, troubles: [], unkept: "no space" }).join()).toContain("no space");
    const down = troubles(book);
    const said = (retry?: string) => deskWarnings({ delivered: 0, troubles: down, unkept: undefined }, retry).join();
    expect(said("npx switchyard alert retry --env prod")).toMatch(
      /team did not take .*: it answered 503\. 1 notice kept, sent again by the next command and by npx switchyard alert retry --env prod$/,
    );
    expect(said()).toMatch(/sent again by the next command$/);
    expect(text({ ...book, givenUp: 2 })).toContain("2 notices given up");
  });

  it("is a silence with its end, its author and its reason, the file's too", () => {
    const wish = { code: "silence", until: t0 + 30 * minute, by: "ada", why: "load test" };
    const book = told(silenced(emptyBook, wish, t0), [raised({ code: "silence" })], settings, t0);
    const declared = { ...settings, silences: [{ platform: "gke", until: t0 + minute * 60, why: "holidays" }] };
    const said = text(book, false, declared);
    expect(said).toMatch(/^Silence 1: silence until [-\d]+ [:\d]+, by ada: load test$/m);
    expect(said).toMatch(/^Silence file-1: every alert of gke until .*, by switchyard.yaml: holidays$/m);
    expect(said).toMatch(/silence +silenced/);
  });
});
