import { describe, expect, it } from "vitest";
import { judged, runGuardDrill } from "../../../../automation/cli/drill/guard-drill.ts";
import {
  type DrillStrategy,
  type GuardDrillMessage,
  type GuardDrillPlan,
  guardCampaigns,
  guardDrillMessage,
  type Played,
} from "../../../../automation/cli/drill/guard-drill-messages.ts";
import { findingsOf, linesOf } from "../../../../automation/cli/drill/guard-drill-tables.ts";

const scenario = (failed: number) => ({ failed, passed: 1 - failed, undecided: 0, medianMinutes: 15 });
const cost = { tookMs: 1_000, processorMs: 900, memoryMb: 100 };

const fleet = {
  name: "fleet",
  ...cost,
  result: {
    clusters: 500,
    waves: 25,
    upgraded: 500,
    mergeRequests: 25,
    requestsPerCluster: 3.4,
    polls: 75,
    calls: { head: 1_000 },
    virtualMs: 3_600_000,
    problems: [],
  },
} satisfies Played;
const judge = {
  name: "judge",
  ...cost,
  result: { seed: 1, runs: 300, slower: scenario(0.97), failing: scenario(1), quiet: scenario(0), met: true },
} satisfies Played;
const crashes = (problems: readonly string[]) => ({
  ...cost,
  result: { moments: 240, points: 150, random: 20, rows: [{ call: "store.write", before: 2, after: 1, problems }] },
});
const good: readonly Played[] = [
  fleet,
  {
    name: "faulty-wave",
    ...cost,
    result: [{ wave: "wave-03", states: ["rollback_completed"], mergeRequests: 2, planes: ["1.30.5"], problems: [] }],
  },
  { name: "kills-upgrade", ...crashes([]) },
  { name: "kills-rollback", ...crashes([]) },
  {
    name: "rivals",
    ...cost,
    result: [{ seed: 1_000, processes: 9, pauses: 12, kills: 6, locks: 12, writes: 26, problems: [] }],
  },
  {
    name: "revision-faulty-wave",
    ...cost,
    result: [
      { wave: "wave-03", states: ["rollback_completed"], mergeRequests: 6, planes: ["1.30.5", "1.31.1"], problems: [] },
    ],
  },
  { name: "revision-kills-upgrade", ...crashes([]) },
  { name: "revision-kills-rollback", ...crashes([]) },
  {
    name: "revision-rivals",
    ...cost,
    result: [{ seed: 1_000, processes: 13, pauses: 30, kills: 10, locks: 17, writes: 154, problems: [] }],
  },
  judge,
];

describe("findings of guard's drill", () => {
  it("there are none in campaigns that hold", () => {
    expect(good.flatMap(findingsOf)).toEqual([]);
    expect(judged(good, 1)).toMatchObject({ seed: 1, problems: [] });
  });

  it.each<[string, Played, string]>([
    ["too slow", { ...fleet, processorMs: 61_000 }, "fleet: took"],
    ["too much memory", { ...fleet, memoryMb: 401 }, "fleet: took 401 MB, at most 400"],
    ["its own", { ...fleet, result: { ...fleet.result, problems: ["wave-02: bad"] } }, "fleet: wave-02: bad"],
    [
      "a crash",
      { name: "kills-rollback", ...crashes(["after store.write: bad"]) },
      "kills-rollback: after store.write",
    ],
    [
      "a crash by revision",
      { name: "revision-kills-upgrade", ...crashes(["before host.commit: bad"]) },
      "revision-kills-upgrade: before host.commit: bad",
    ],
    [
      "too few regressions found",
      { ...judge, result: { ...judge.result, slower: scenario(0.94) } },
      "judge: found +20 % p99 in 94.0 %, at least 95.0 %",
    ],
    [
      "false rollbacks",
      { ...judge, result: { ...judge.result, quiet: scenario(0.02) } },
      "judge: 2.0 % false rollbacks, at most 1.0 %",
    ],
  ])("%s is one", (_, played, text) => expect(findingsOf(played).join("\n")).toContain(text));

  it("one that could not be carried out is one, too", () => {
    const broken: GuardDrillMessage = { name: "broken", campaign: "rivals", message: "out of memory" };
    expect(() => judged([broken], 4)).toThrowError(/rivals: not carried out: out of memory/);
  });
});

describe("tables and messages", () => {
  it("every campaign has lines", () => {
    expect(good.map((played) => linesOf(played).length > 1)).toEqual(good.map(() => true));
    expect(linesOf(fleet).join("\n")).toContain("3.4");
    const returned = good.find(({ name }) => name === "revision-faulty-wave");
    expect(returned === undefined ? "" : linesOf(returned).join("\n")).toContain("1.30.5, 1.31.1");
  });

  it("what a process says comes through as it was", () => {
    for (const played of good) expect(guardDrillMessage.parse(JSON.parse(JSON.stringify(played)))).toEqual(played);
  });
});

describe("the drill", () => {
  const play = (failing?: string) => async (_: string, plan: GuardDrillPlan) =>
    plan.campaign === failing
      ? ({ name: "broken", campaign: plan.campaign, message: "it broke" } as const)
      : (good.find(({ name }) => name === plan.campaign) ?? fleet);
  const options = { seed: 3, clusters: 500, waves: 25, kills: "all" } as const;
  const run = (failing?: string, strategy: DrillStrategy = "both") => {
    const said: string[] = [];
    const lines = { line: (text: string) => void said.push(text) };
    const { signal } = new AbortController();
    return { said, result: runGuardDrill({ root: "/", lines, signal, play: play(failing) }, { ...options, strategy }) };
  };

  it("plays every campaign, told in their order", async () => {
    const { said, result } = run();
    expect((await result).campaigns.map(({ name }) => name)).toEqual(guardCampaigns);
    expect(said.filter((line) => line.startsWith("Took"))).toHaveLength(guardCampaigns.length);
  });

  it.each([
    ["in-place", "fleet"],
    ["revision", "revision-faulty-wave"],
  ] as const)("of one strategy it plays that one and the judge: %s", async (strategy, first) => {
    const names = (await run(undefined, strategy).result).campaigns.map(({ name }) => name);
    expect(names.map((name) => name.startsWith("revision-"))).toEqual([
      ...names.slice(0, -1).map(() => strategy === "revision"),
      false,
    ]);
    expect([names[0], names.at(-1)]).toEqual([first, "judge"]);
  });

  it("what is found ends it with an error, after all others were played", async () => {
    const { said, result } = run("rivals");
    await expect(result).rejects.toMatchObject({ code: "drill-failed", data: { seed: 3 } });
    expect(said).toContain("Not carried out: it broke");
    expect(said.filter((line) => line.startsWith("Took"))).toHaveLength(guardCampaigns.length - 1);
  });
});
