import { describe, expect, it } from "vitest";
import type { ReportData } from "../../../../automation/cli/demo/report-data.ts";
import { reportPage } from "../../../../automation/cli/demo/report-page.ts";
import type { Failure, Summary } from "../../../../tools/load-generator/messages.ts";
import { problemsOfHtml } from "../../../support/html.ts";
import { gkeFailing, swapOf } from "../../../support/swap-screen.ts";

const hostile = `"><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>`;

const failure: Failure = {
  index: 7,
  kind: "short",
  fresh: true,
  intendedAt: 2_000,
  endedAt: 2_100,
  status: 502,
  side: hostile,
  marker: hostile,
  problem: hostile,
  detail: "",
  attribution: "swap",
};

const none = { swap: 0, client: 0, agent: {}, crash: {} };
const latencyMs = { p50: 2, p95: 20, p99: 31.25, max: 90 };
const sides = {
  "cloud-run": { ended: 900, failed: 0, latencyMs },
  gke: { ended: 100, failed: 3 },
  [hostile]: { ended: 1, failed: 1 },
};
const load: Summary = {
  type: "summary",
  startedAt: 1_000,
  endedAt: 61_000,
  sent: 11_402,
  ended: 11_402,
  failed: 4,
  failures: { ...none, swap: 1, agent: { gke: 3 } },
  sides,
  kinds: {
    short: { sent: 11_000, failed: 4 },
    slow: { sent: 300, failed: 0 },
    stream: { sent: 102, failed: 0 },
    long: { sent: 0, failed: 0 },
  },
  longestStallMs: 420,
  lagMs: latencyMs,
  generator: { cpuPercent: 12.4, peakMemoryBytes: 1 },
  seconds: [1, 2, 3].map((second) => ({ at: second * 1_000, sent: 200, failures: none, sides })),
  phases: [{ name: hostile, from: 1_000, to: 2_000, sent: 1, ended: 1, failed: 0, failures: none, sides }],
  failureList: [failure],
};

async function data(change: Partial<ReportData> = {}): Promise<ReportData> {
  const good = await swapOf({});
  const bad = await swapOf({ prepare: gkeFailing(0.4) });
  return {
    startedAt: 1_000,
    endedAt: 62_000,
    verdict: "No request failed because of a swap; the bad image was found and rolled back",
    good: true,
    numbers: {
      sent: 11_402,
      failed: 4,
      swapCaused: 1,
      candidateCaused: 3,
      detectMs: 1_234,
      rollbackMs: undefined,
      longestStallMs: 420,
    },
    swaps: [
      { title: "Act 1  cloud-run -> gke", ...good },
      { title: hostile, ...bad },
    ],
    load,
    samples: [
      {
        at: 2_000,
        asked: { gke: 5 },
        applied: { gke: 5, "cloud-run": 95 },
        usage: { gke: { instances: 2, cpuPercent: 12, memoryBytes: 100 } },
      },
    ],
    facts: { engine: "3.230.0", node: "24", profile: "demo", machine: hostile, feed: "feed", rate: 200 },
    ...change,
  };
}

describe("the report", () => {
  it("is sound HTML: every element closed, in order, no attribute without quotes, no id twice", async () => {
    expect(problemsOfHtml(reportPage(await data()))).toEqual([]);
  });

  it("needs no network and runs nothing", async () => {
    const page = reportPage(await data());
    expect(page).not.toMatch(/<(script|link|iframe|img|object|embed|base|meta[^>]*refresh)\b/i);
    expect(page).not.toMatch(/<[^>]*\s(src|href|srcset|action|xlink:href)\s*=/i);
    expect(page).not.toMatch(/@import|url\(/i);
    expect(page).not.toMatch(/<[^>]*\son\w+\s*=/i);
  });

  it("keeps hostile text as text", async () => {
    const page = reportPage(await data());
    expect(page).not.toContain("<script");
    expect(page).not.toContain("<img");
    // In the title of act 2, a side, a marker, a problem, a phase and the machine.
    expect(page.split("&lt;script&gt;alert(1)&lt;/script&gt;").length - 1).toBeGreaterThanOrEqual(6);
  });

  it("says the verdict in words, and the numbers", async () => {
    const page = reportPage(await data());
    expect(page).toContain('<h1 class="good">No request failed because of a swap');
    for (const number of ["11,402", "1.2 s", "420 ms"]) expect(page).toContain(`<dd>${number}</dd>`);
    // What is not known is a dash.
    expect(page).toContain("<dt>rolled back and verified in</dt><dd>–</dd>");
    expect(reportPage(await data({ good: false, verdict: "It failed" }))).toContain('<h1 class="bad">It failed.');
  });

  it("has the four plots of the requirement on one axis, CPU and memory beside, marked with the journal's steps", async () => {
    const page = reportPage(await data());
    for (const title of [
      "Weight",
      "Requests",
      "Errors",
      "Latency p50",
      "Latency p95",
      "Latency p99",
      "CPU",
      "Memory",
    ]) {
      expect(page).toContain(`<figcaption><b>${title}</b>`);
    }
    expect(page).toContain("<title>Act 1  cloud-run -&gt; gke: shifting 25 %</title>");
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
  });

  it("has every line of both journals, with the evidence", async () => {
    const given = await data();
    const page = reportPage(given);
    const lines = given.swaps.reduce(
      (sum, swap) => sum + swap.events.filter(({ kind }) => kind !== "observed").length,
      0,
    );
    const rows = page.match(/<tr><td>\d\d:\d\d:\d\d<\/td>/g) ?? [];
    expect(rows).toHaveLength(lines + given.load.failureList.length);
    expect(page).toContain("candidateRequests ");
  });

  it("says so when no request failed", async () => {
    const page = reportPage(await data({ load: { ...load, failureList: [] } }));
    expect(page).toContain("No request failed.</td>");
    expect(problemsOfHtml(page)).toEqual([]);
  });
});
