import { describe, expect, it } from "vitest";
import { drillPage } from "../../../../automation/cli/drill/drill-report.ts";
import { everyCampaign } from "../../../support/drill-results.ts";
import { problemsOfHtml } from "../../../support/html.ts";

const facts = { node: "24.0.0", machine: "linux x64, 2 cores (a <very> fast one)" };
const drilled = { startedAt: "2026-11-20T19:00:00.000Z", seed: 7, problems: [] };
const headings = (page: string) => [...page.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, heading]) => heading);

describe("the report of a drill", () => {
  it("has a section of every campaign that was played, and the facts", () => {
    const page = drillPage({ ...drilled, ...everyCampaign([]) }, facts);
    expect(problemsOfHtml(page)).toEqual([]);
    expect(headings(page)).toEqual([
      "Faults, a swap each, on a virtual clock",
      "What each fault is, and what it has to come to",
      "Crashes in process, on a virtual clock",
      "Swaps of two equal sides",
      "Who was told",
      "Real swaps whose process is killed",
      "Round trips under load",
      "Facts",
    ]);
    expect(headings(drillPage(drilled, facts))).toEqual(["Facts"]);
    const { kills } = everyCampaign([]);
    expect(headings(drillPage({ ...drilled, kills }, facts))).toEqual(["Real swaps whose process is killed", "Facts"]);
  });

  it("has the numbers of every campaign, in its tables and sentences", () => {
    const page = drillPage({ ...drilled, ...everyCampaign([]) }, facts);
    for (const cells of [
      ["candidate-dead", "330 ms", "3.0 s", "1,234", "0", "–", "1 of 1", "rolled-back", "holds"],
      ["completes", "every point", "162", "161", "1", "2", "3", "0 ms", "15.0 s", "holds"],
      ["100 requests a second", "demo", "200", "593,007", "1", "1", "0", "holds"],
      ["intent deploy", "912 ms"],
      ["ended", "–"],
      ["Trip 1 there", "completed", "53.9 s", "3,255", "2", "1"],
    ])
      expect(page).toContain(`<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
    expect(page).toContain(
      "<li>2 processes killed in 1 swap: the one to gke completed; the slowest to take over took 912 ms.</li>",
    );
    expect(page).toContain("<li>8,806 requests, 2 failed, 1 because of a swap.</li>");
    expect(page).toContain(
      "<li>6,763 requests, 28 of them long; 2 failed, 1 because of a swap (95 % bound 0.0443 %).</li>",
    );
    expect(page).toContain("<li>gke: the router counted 3,413, the load generator 3,412.</li>");
    expect(page).toContain("<li>Alerts: 1 expected, 0 missed (false negatives 0.00 %).</li>");
    expect(page).toContain("<li>Seed 7</li>");
  });

  it("that found nothing says so; one that found something begins with that", () => {
    const good = drillPage({ ...drilled, ...everyCampaign([]) }, facts);
    expect(good).toContain('<h1 class="good">The swap engine did what it has to in every campaign.</h1>');
    expect(good).not.toContain("FAILS");
    const bad = drillPage({ ...drilled, ...everyCampaign(["x"]), problems: ["first", "second"] }, facts);
    expect(bad).toContain('<h1 class="bad">The drill found 2 problems.</h1>');
    expect(headings(bad)[0]).toBe("Problems");
    expect(bad).toContain("<ul><li>first</li><li>second</li></ul>");
    expect(bad.match(/<td>FAILS<\/td>/g)).toHaveLength(3);
    expect(drillPage({ ...drilled, problems: ["one"] }, facts)).toContain("The drill found 1 problem.");
  });

  it("says which places no kill hit", () => {
    const { kills } = everyCampaign([]);
    const page = drillPage({ ...drilled, kills: { ...kills, missed: ["entered baking", "observed"] } }, facts);
    expect(page).toContain("<li>Not killed at: entered baking, observed.</li>");
    expect(drillPage({ ...drilled, kills }, facts)).not.toContain("Not killed at");
  });

  it("shows what it was given as text, whatever that is", () => {
    const nasty = `<script>alert("1")</script> & '`;
    const page = drillPage({ ...drilled, ...everyCampaign([]), problems: [nasty] }, facts);
    expect(page).not.toContain("<script>");
    expect(page).toContain("&lt;script&gt;");
    expect(page).toContain("The candidate is dead &amp; gone");
    expect(page).toContain("a &lt;very&gt; fast one");
    expect(problemsOfHtml(page)).toEqual([]);
  });

  it("loads nothing from elsewhere", () => {
    const page = drillPage({ ...drilled, ...everyCampaign(["x"]), problems: ["x"] }, facts);
    expect(page).not.toMatch(/<(script|link|iframe|img)\b|<[^>]*\s(src|href)=/i);
  });
});
