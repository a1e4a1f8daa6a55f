import { describe, expect, it } from "vitest";
import type { Fleet } from "../../../../automation/drill/guard/fleet.ts";
import { gate } from "../../../../automation/guard/merge-request/gate.ts";
import { planDigest } from "../../../../automation/guard/plan/digest.ts";
import type { ClusterRecord } from "../../../../automation/guard/registry/record.ts";
import { createRegistry, moveRecord } from "../../../../automation/guard/registry/registry.ts";
import { rollbackMoves } from "../../../../automation/guard/run/person.ts";
import { fleetOf, go, planOf, states } from "./simulated-run.ts";

// A merge request that is open while the world goes on.

const repository = "mesh/wave-01";
const hour = 3_600_000;

/** A fleet whose checks by module say what they are told. */
async function checkedFleet(given: Parameters<typeof fleetOf>[0] = {}) {
  const real = await fleetOf(given);
  const refused = new Set<string>();
  const finding = {
    rule: "custom",
    check: "stock",
    subject: "s",
    evidence: "sold out",
    fix: "Buy.",
    link: "l",
  } as const;
  const ports = {
    ...real.ports,
    customChecks: async ({ entry }: ClusterRecord) =>
      refused.has(entry.clusterId) ? [{ ...finding, level: "block" as const }] : [],
  };
  return { fleet: { ...real, ports }, refused };
}

const pass = (fleet: Fleet, ms: number): Promise<void> => fleet.clock.run(() => fleet.clock.sleep(ms));
const request = (fleet: Fleet, iid = 1) => fleet.ports.host.mergeRequest(repository, iid);
const gateOf = async (fleet: Fleet, iid = 1) =>
  gate({ repository, request: await request(fleet, iid), now: fleet.clock.wall(), digest: planDigest });

describe("a merge request that waits for longer than its checks hold", () => {
  it("given they pass again, the gate counts from there, and what people wrote into it stays", async () => {
    const { fleet } = await checkedFleet();
    const plan = await planOf(fleet);
    await go(fleet, plan);
    const { description, title } = await request(fleet);
    const ticked = description.replace("- [ ] The dashboards", "- [x] The dashboards");
    await fleet.ports.host.updateMergeRequest(repository, 1, { description: ticked });
    await pass(fleet, 1.1 * hour);
    expect((await gateOf(fleet)).kind).toBe("stale");
    for (let look = 0; look < 3; look += 1) await go(fleet, plan, { start: false, until: "once" });
    expect(await states(fleet)).toEqual(["mr_created", "mr_created"]);
    const after = await request(fleet);
    expect((await gateOf(fleet)).kind).toBe("fresh");
    expect(after.title).toBe(title);
    expect(after.description).toContain("- [x] The dashboards");
    expect(after.description.length).toBe(ticked.length);
  });

  it("given they do not pass any more, it is a draft that says why, until they do; another's pass does not free it", async () => {
    const { fleet, refused } = await checkedFleet();
    const plan = await planOf(fleet);
    await go(fleet, plan);
    const { title } = await request(fleet);
    refused.add("c-002");
    await pass(fleet, 1.1 * hour);
    const waits: string[] = [];
    const look = async () => {
      for (let again = 0; again < 3; again += 1)
        await go(fleet, plan, {
          start: false,
          until: "once",
          onWaits: (all) => waits.splice(0, waits.length, ...all.map(({ why }) => why)),
        });
    };
    await look();
    expect(await states(fleet)).toEqual(["mr_created", expect.stringContaining("do not pass any more: block custom")]);
    expect(await request(fleet)).toMatchObject({ draft: true, title: `Draft: ${title}` });
    expect(fleet.host.comments(repository, 1)).toEqual([expect.stringMatching(/^Do not merge this: c-002.*sold out/)]);
    expect((await gateOf(fleet)).kind).toBe("stale");
    expect(waits.join()).toContain("merge request !1 its checks do not pass any more");
    refused.clear();
    await pass(fleet, 1.1 * hour);
    await look();
    expect(await states(fleet)).toEqual(["mr_created", "mr_created"]);
    expect(await request(fleet)).toMatchObject({ draft: false, title });
    expect((await gateOf(fleet)).kind).toBe("fresh");
  });

  it("given somebody merges it all the same, it is seen and proven", async () => {
    const { fleet, refused } = await checkedFleet();
    const plan = await planOf(fleet);
    await go(fleet, plan);
    refused.add("c-001");
    await pass(fleet, 1.1 * hour);
    for (let again = 0; again < 2; again += 1) await go(fleet, plan, { start: false, until: "once" });
    const { title } = await request(fleet);
    await fleet.ports.host.updateMergeRequest(repository, 1, { title: title.replace("Draft: ", "") });
    await fleet.mergeAll("eve");
    await go(fleet, plan, { start: false, until: "end" });
    expect(await states(fleet)).toEqual(["upgraded", "upgraded"]);
  });
});

/** What `guard rollback` writes. */
async function askedBack(fleet: Fleet, plan: Awaited<ReturnType<typeof planOf>>, reason: string) {
  const registry = createRegistry(fleet.store);
  const loaded = await registry.loadAll();
  const clusters = loaded.map(({ record }) => record);
  const view = { plan, settings: fleet.settings, now: fleet.clock.wall(), clusters };
  const { moves, refusals } = rollbackMoves(view, { reason, by: "ada" });
  expect(refusals).toEqual([]);
  for (const move of moves) {
    const one = loaded.find(({ record }) => record.entry.clusterId === move.cluster);
    if (one === undefined) throw new Error(move.cluster);
    const moved = moveRecord(one.record, move.event, { at: view.now, by: "ada", note: move.note, run: move.run });
    if (moved.kind === "refused") throw new Error(moved.why);
    await registry.save(one, moved.record, one.fence);
  }
}

/** Drives a revisioned hop until a state is reached at a step. */
async function until(fleet: Fleet, plan: Awaited<ReturnType<typeof planOf>>, step: number, state: string) {
  const stop = new AbortController();
  const end = go(fleet, plan, {
    until: "end",
    signal: stop.signal,
    onMove: (_, after) => {
      if (after.state === state && after.run?.step.index === step) stop.abort(new Error("there"));
      else if (after.state === "mr_created") void fleet.mergeAll("ada");
    },
  });
  await expect(end).rejects.toThrow("there");
}

describe("going back while a further step is before its merge", () => {
  const share90 = 5;

  it.each([
    ["its merge request is open", "mr_created"],
    ["its checks run", "pre_check_running"],
  ])("given %s, what landed before is taken back, and the open one is held back", async (_, state) => {
    const fleet = await fleetOf({ clusters: 1, strategy: "revision" });
    const plan = await planOf(fleet, "1.31.1", "revision");
    await until(fleet, plan, share90, state);
    const open = fleet.host.open(repository);
    await askedBack(fleet, plan, "too slow");
    await go(fleet, plan, {
      start: false,
      until: "end",
      onMove: (__, after) => {
        const back = after.run?.rollback?.mergeRequest;
        if (after.state === "rollback_mr_created" && back !== undefined) {
          fleet.host.approve(repository, back.iid, "bob");
          fleet.host.merge(repository, back.iid, { method: "merge", by: "bob" });
        }
      },
    });
    expect(await states(fleet)).toEqual([expect.stringContaining("rollback_completed")]);
    expect([...fleet.cluster("c-001").proxies().keys()]).toEqual(["1.30.5"]);
    for (const iid of open) {
      expect(await request(fleet, iid)).toMatchObject({ draft: true, state: "opened" });
      expect(fleet.host.comments(repository, iid).join()).toContain("the batch goes back. too slow");
    }
  });

  it("given somebody merged it before guard saw that, its edits are taken back too", async () => {
    const fleet = await fleetOf({ clusters: 1, strategy: "revision" });
    const plan = await planOf(fleet, "1.31.1", "revision");
    await until(fleet, plan, share90, "mr_created");
    await fleet.mergeAll("eve");
    await askedBack(fleet, plan, "too slow");
    await go(fleet, plan, {
      start: false,
      until: "end",
      onMove: (__, after) => {
        if (after.state === "rollback_mr_created") void fleet.mergeAll("bob");
      },
    });
    expect(await states(fleet)).toEqual([expect.stringContaining("rollback_completed")]);
    const text = fleet.host.text(
      repository,
      fleet.host.fetched(repository, "main").commit,
      "istio/c-001/namespaces.yaml",
    );
    expect(text).not.toContain("canary");
  });

  it("given the old revision is held after everything moved, everything goes back", async () => {
    const fleet = await fleetOf({ clusters: 1, strategy: "revision" });
    const plan = await planOf(fleet, "1.31.1", "revision");
    const last =
      plan.clusters[0]?.steps.flatMap((step) => (step.kind === "istio" ? step.mergeRequests : [])).length ?? 0;
    await until(fleet, plan, last - 1, "pre_check_running");
    await askedBack(fleet, plan, "too slow");
    await go(fleet, plan, {
      start: false,
      until: "end",
      onMove: (__, after) => {
        if (after.state === "rollback_mr_created") void fleet.mergeAll("bob");
      },
    });
    expect(await states(fleet)).toEqual([expect.stringContaining("rollback_completed")]);
    expect([...fleet.cluster("c-001").proxies().keys()]).toEqual(["1.30.5"]);
  });
});
