/** Repositories of a batch leave Istio's retired hosts by one merge request each, at the version that they have. */
import { describe, expect, it } from "vitest";
import { createFleet, type Fleet } from "../../../../automation/drill/guard/fleet.ts";
import { planDigest } from "../../../../automation/guard/plan/digest.ts";
import { createRegistry } from "../../../../automation/guard/registry/registry.ts";
import { batchSources, type SourcesInput } from "../../../../automation/guard/run/move-sources.ts";

const repository = "mesh/wave-01";

async function given() {
  const fleet = await createFleet({
    clusters: 4,
    waves: 2,
    now: Date.parse("2026-12-01T10:00:00Z"),
    istio: "1.30.5",
    kubernetes: "1.33",
    digest: planDigest,
  });
  const head = await headOf(fleet);
  const files = await fleet.host.host.files(repository, head);
  const retired = files
    .filter(({ text }) => text.includes("docker.io/istio"))
    .map(
      ({ path, text }) =>
        ({ kind: "update", path, text: text.replace("docker.io/istio", "gcr.io/istio-release") }) as const,
    );
  expect(retired.length).toBeGreaterThan(1);
  await fleet.host.host.commit(repository, { branch: "old", start: head, message: "as it was", actions: retired });
  await land(fleet, "old");
  const records = (await createRegistry(fleet.store).loadAll()).map(({ record }) => record);
  const sources = (change: Partial<SourcesInput> = {}) =>
    batchSources({
      host: fleet.host.host,
      batch: "wave-01",
      fleet: records,
      gitlab: fleet.settings.gitlab,
      digest: planDigest,
      move: true,
      signal: new AbortController().signal,
      ...change,
    });
  return { fleet, sources, places: retired.length };
}

async function headOf(fleet: Fleet): Promise<string> {
  const head = await fleet.host.host.head(repository, "main");
  if (head === undefined) throw new Error("no head");
  return head;
}

/** Somebody approves and merges. */
async function land(fleet: Fleet, source: string): Promise<void> {
  const asked = {
    source,
    target: "main",
    title: source,
    description: "",
    labels: [],
    reviewers: [],
    removeSourceBranch: true,
  };
  await fleet.host.host.createMergeRequest(repository, asked);
  const made = await fleet.host.host.findMergeRequest(repository, source);
  if (made === undefined) throw new Error("no merge request");
  fleet.host.approve(repository, made.iid, "ada");
  fleet.host.merge(repository, made.iid, { method: "merge", by: "ada" });
}

const open = (fleet: Fleet) => fleet.host.host.openMergeRequests(repository, "guard-sources/");

describe("sources of a batch", () => {
  it("are found in its repositories alone, and nothing is opened unless it is asked for", async () => {
    const { fleet, sources, places } = await given();
    const [found, ...others] = await sources({ move: false });
    expect(others).toEqual([]);
    expect(found?.repository).toBe(repository);
    expect(found?.uses).toHaveLength(places);
    expect(found?.uses[0]).toMatchObject({ value: "gcr.io/istio-release", replacement: "docker.io/istio" });
    expect(await open(fleet)).toEqual([]);
    expect((await sources({ move: false, batch: "wave-02" }))[0]?.uses).toEqual([]);
  });

  it("move by one merge request, which is found again, also when the branch went on; after its merge nothing is left", async () => {
    const { fleet, sources } = await given();
    const before = await fleet.host.host.files(repository, await headOf(fleet));
    const first = (await sources())[0]?.mergeRequest;
    expect(first).toBeDefined();
    await fleet.host.host.commit(repository, {
      branch: "other",
      start: await headOf(fleet),
      message: "something else",
      actions: [{ kind: "create", path: "other.yaml", text: "a: 1\n" }],
    });
    await land(fleet, "other");
    expect((await sources())[0]?.mergeRequest).toBe(first);
    expect(await open(fleet)).toHaveLength(1);
    const [request] = await open(fleet);
    fleet.host.approve(repository, request?.iid ?? 0, "ada");
    fleet.host.merge(repository, request?.iid ?? 0, { method: "merge", by: "ada" });
    const after = new Map(
      (await fleet.host.host.files(repository, await headOf(fleet))).map((one) => [one.path, one.text]),
    );
    for (const { path, text } of before)
      expect(after.get(path)).toBe(text.replace("gcr.io/istio-release", "docker.io/istio"));
    expect(await sources()).toEqual([expect.objectContaining({ repository, uses: [], problems: [] })]);
    expect(await open(fleet)).toEqual([]);
  });

  it("given the process ended between commit and merge request, the next one makes it", async () => {
    const { fleet, sources } = await given();
    const { host } = fleet.host;
    await expect(
      sources({ host: { ...host, createMergeRequest: () => Promise.reject(new Error("killed")) } }),
    ).rejects.toThrow("killed");
    expect((await sources())[0]?.mergeRequest).toBeDefined();
    expect(await open(fleet)).toHaveLength(1);
  });

  it("given the repository has no such branch, that is said", async () => {
    const { fleet, sources } = await given();
    const [found] = await sources({ gitlab: { ...fleet.settings.gitlab, default_target_branch: "gone" } });
    expect(found?.problems).toMatchObject([{ why: "it has no branch gone" }]);
  });
});
