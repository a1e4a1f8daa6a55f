import { describe, expect, it } from "vitest";
import { crashCampaign } from "../../../../automation/drill/guard/crashes.ts";
import { faultyWaveCampaign, fleetCampaign } from "../../../../automation/drill/guard/fleet-campaign.ts";
import {
  type Given,
  revisionRivalPlay,
  revisionRollbackPlay,
  revisionUpgradePlay,
  rivalPlay,
  rollbackPlay,
  upgradePlay,
} from "../../../../automation/drill/guard/plays.ts";
import { rivalCampaign } from "../../../../automation/drill/guard/rivals.ts";
import { planDigest } from "../../../../automation/guard/plan/digest.ts";
import type { GuardStore } from "../../../../automation/ports/guard-store.ts";

const given: Given = { now: Date.UTC(2026, 11, 1, 10), kubernetes: "1.33", digest: planDigest };
const { signal } = new AbortController();
const versions = { from: "1.30.5", to: "1.31.1" };
const crashes = (kills: number) => ({ kills, random: 2, seed: 7, signal });
const problemsIn = (rows: readonly { readonly problems: readonly string[] }[]) =>
  rows.flatMap(({ problems }) => problems);

describe("guard's drill, small", { timeout: 60_000 }, () => {
  it("a fleet is upgraded wave by wave, with one merge request each and few requests", async () => {
    const found = await fleetCampaign({ ...versions, clusters: 20, waves: 2, fleet: given, signal });
    expect(found).toMatchObject({ upgraded: 20, mergeRequests: 2, problems: [] });
    expect(found.requestsPerCluster).toBeGreaterThan(1);
  });

  it("a fault in the third wave sends that one back, and no later one starts", async () => {
    const rows = await faultyWaveCampaign({ ...versions, clusters: 8, waves: 4, fleet: given, signal });
    expect(rows.map(({ states }) => states.join())).toEqual([
      "upgraded",
      "upgraded",
      "rollback_completed",
      "pre_check_failed",
    ]);
    expect(problemsIn(rows)).toEqual([]);
  });

  it("crashes change nothing, forwards and backwards", async () => {
    const forwards = await crashCampaign({ ...upgradePlay(given), ...crashes(6) });
    expect(forwards).toMatchObject({ points: 6, random: 2 });
    const backwards = await crashCampaign({ ...rollbackPlay(given), ...crashes(6) });
    expect(problemsIn([...forwards.rows, ...backwards.rows])).toEqual([]);
  });

  it("rivals that stand still and die do no harm", async () => {
    const rows = await rivalCampaign({ ...rivalPlay(given), processes: 3, seeds: [1, 2], signal });
    expect(problemsIn(rows)).toEqual([]);
    expect(rows.every(({ pauses, kills, locks }) => pauses > 0 && kills > 0 && locks > 3)).toBe(true);
  });
});

describe("guard's drill by revision, small", { timeout: 60_000 }, () => {
  const fleet = { ...given, strategy: "revision" } as const;

  it("waves come to the new revision alone; one with a fault at a share returns all, and no later one starts", async () => {
    const rows = await faultyWaveCampaign({ ...versions, clusters: 4, waves: 4, fleet, signal });
    expect(rows.map(({ states, mergeRequests, planes }) => [states.join(), mergeRequests, planes.join()])).toEqual([
      ["upgraded", 10, "1.31.1"],
      ["upgraded", 10, "1.31.1"],
      ["rollback_completed", 6, "1.30.5,1.31.1"],
      ["pre_check_failed", 0, "1.30.5"],
    ]);
    expect(problemsIn(rows)).toEqual([]);
  });

  it("crashes change nothing, several in one play, forwards and backwards", async () => {
    const forwards = await crashCampaign({ ...revisionUpgradePlay(given), ...crashes(16) });
    expect(forwards).toMatchObject({ points: 16, random: 2 });
    expect(forwards.rows.reduce((sum, { before, after }) => sum + before + after, 0)).toBe(18);
    const backwards = await crashCampaign({ ...revisionRollbackPlay(given), ...crashes(16) });
    expect(problemsIn([...forwards.rows, ...backwards.rows])).toEqual([]);
  });

  it("rivals that stand still and die do no harm", async () => {
    const rows = await rivalCampaign({ ...revisionRivalPlay(given), processes: 3, seeds: [1], signal });
    expect(problemsIn(rows)).toEqual([]);
  });
});

/** A store with another `write`. */
const writing = (write: (store: GuardStore) => GuardStore["write"]) => (store: GuardStore) => ({
  ...store,
  write: write(store),
});

describe("what is broken makes findings", { timeout: 60_000 }, () => {
  it("a store that loses a write that it has confirmed", async () => {
    let writes = 0;
    const lossy = writing((store) => async (write) => {
      writes += 1;
      if (writes % 9 !== 0) return store.write(write);
      return { kind: "written", version: write.expected + 1 };
    });
    const rows = await rivalCampaign({
      ...rivalPlay({ ...given, store: lossy }),
      processes: 1,
      seeds: [1],
      signal,
    });
    expect(problemsIn(rows).join("\n")).toMatch(/was written with \d+ transitions after a write with \d+/);
  });

  it("a store whose lock everybody gets", async () => {
    const open = (store: GuardStore): GuardStore => ({
      ...store,
      lock: async (name, holder, now, leaseMs) => {
        const taken = await store.lock(name, holder, now, leaseMs);
        return taken.kind === "held" ? taken : store.lock(name, taken.holder, now, leaseMs);
      },
    });
    const rows = await rivalCampaign({ ...rivalPlay({ ...given, store: open }), processes: 3, seeds: [1], signal });
    expect(problemsIn(rows).join("\n")).toMatch(/went to \S+ while \S+ had it/);
  });

  it("a host that does not find the merge request that is there", async () => {
    const blind = crashCampaign({
      ...upgradePlay({ ...given, gitHost: (host) => ({ ...host, findMergeRequest: async () => undefined }) }),
      ...crashes(2),
      kills: "all",
      around: ["host.createMergeRequest"],
    });
    expect(problemsIn((await blind).rows).join("\n")).toMatch(/merge request/);
  });

  it("the same by revision, with who died in that play", async () => {
    const blind = crashCampaign({
      ...revisionUpgradePlay({ ...given, gitHost: (host) => ({ ...host, findMergeRequest: async () => undefined }) }),
      ...crashes(2),
      kills: "all",
      around: ["host.createMergeRequest"],
    });
    expect(problemsIn((await blind).rows).join("\n")).toMatch(
      /after host\.createMergeRequest no\. 1 after \d+ writes: /,
    );
  });

  it("waves that do not wait for each other", async () => {
    const rows = await faultyWaveCampaign({
      ...versions,
      clusters: 8,
      waves: 4,
      ordered: false,
      fleet: given,
      signal,
    });
    expect(problemsIn(rows).join("\n")).toContain("wave-04");
  });
});
