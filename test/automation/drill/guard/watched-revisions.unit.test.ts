/** What must not be of a cluster with two control planes is found, each alone. */
import { describe, expect, it } from "vitest";
import { folderOf, namespacesInGit, revisionedFiles } from "../../../../automation/drill/guard/repository-files.ts";
import { watchRevisions } from "../../../../automation/drill/guard/watched-revisions.ts";
import { SimulatedCluster } from "../../../../automation/guard/simulation/cluster.ts";
import { Branch } from "../../guard/simulation/fleet-repository.ts";

const start = Date.parse("2026-12-01T10:00:00Z");
const hour = 3_600_000;
const path = (name: string): string => `istio/c-001/${name}.yaml`;
type Files = Readonly<Record<string, string>>;

/** Both control planes, all tags at the old one. */
function bothFiles(): Files {
  const young = path("istiod-1-31-1");
  const text = revisionedFiles("c-001", "1.31.1")[young] ?? "";
  const files = revisionedFiles("c-001", "1.30.5");
  return { ...files, [young]: text.replace(/ {4}revisionTags:\n(?: {6}.*\n)+/, "") };
}

/** Namespaces ask for the new revision by its name. */
function movedTo(files: Files, ...names: readonly string[]): Files {
  let text = files[path("namespaces")] ?? "";
  for (const name of names)
    text = text.replace(
      `name: ${name}\n  labels:\n    istio.io/rev: stable`,
      `name: ${name}\n  labels:\n    istio.io/rev: 1-31-1`,
    );
  return { ...files, [path("namespaces")]: text };
}

class World {
  readonly #branch = new Branch(hosted(bothFiles()));
  readonly cluster: SimulatedCluster;
  readonly watched: ReturnType<typeof watchRevisions>;
  share = 0;

  constructor() {
    this.cluster = new SimulatedCluster({
      name: "c-001",
      now: start,
      head: this.#branch.head,
      path: folderOf("c-001"),
      namespaces: { shop: {} },
      workloads: namespacesInGit.map((namespace) => ({ kind: "Deployment", namespace, name: "app" })),
    });
    this.watched = watchRevisions({ shareOf: () => this.share, holdMs: 2 * hour });
    this.watched.watch(this.cluster);
  }

  /** Flux has applied it, and everything is at rest. */
  apply(files: Files): void {
    this.#branch.replace(hosted(files));
    this.wait(10 * 60_000);
  }

  wait(ms: number): void {
    this.cluster.tick(this.cluster.now + ms);
  }

  async restart(...namespaces: readonly string[]): Promise<void> {
    const mark = new Date(this.cluster.now).toISOString();
    for (const namespace of namespaces)
      await this.cluster.api.restart(
        { kind: "Deployment", namespace, name: namespace === "istio-ingress" ? "ingress" : "app" },
        mark,
      );
    this.wait(10 * 60_000);
  }

  get problems(): string {
    return this.watched.problems.join("\n");
  }
}

const hosted = (files: Files) => Object.entries(files).map(([file, text]) => ({ path: file, text }));
const [first = "", second = ""] = namespacesInGit;

describe("a cluster with two control planes, watched", () => {
  it("has no findings when its workloads move by shares and the old control plane goes after its hold", async () => {
    const world = new World();
    world.share = 10;
    world.apply(movedTo(bothFiles(), first));
    await world.restart(first);
    world.share = 100;
    const files = movedTo(bothFiles(), ...namespacesInGit);
    const gateway = (files[path("gateway")] ?? "").replace("revision: stable", "revision: 1-31-1");
    const base = (files[path("base")] ?? "").replace('"1-30-5"', '"1-31-1"');
    const tagged = (of: Files, old: string, young: string): Files => ({
      ...of,
      [path("istiod-1-30-5")]: (of[path("istiod-1-30-5")] ?? "").replace(/ {4}revisionTags:\n(?: {6}.*\n)+/, old),
      [path("istiod-1-31-1")]: `${of[path("istiod-1-31-1")]}${young}`,
    });
    const all = tagged(
      { ...files, [path("gateway")]: gateway, [path("base")]: base },
      "",
      "    revisionTags:\n      - stable\n      - canary\n",
    );
    world.apply(all);
    await world.restart(...namespacesInGit.slice(1), "istio-ingress");
    world.wait(2 * hour);
    const { [path("istiod-1-30-5")]: _old, ...rest } = all;
    world.apply(rest);
    expect(world.problems).toBe("");
    expect([...world.cluster.proxies().keys()]).toEqual(["1.31.1"]);
    expect(world.cluster.controlPlane("1-30-5")).toBeUndefined();
  });

  it.each<[string, (world: World) => void | Promise<void>, string]>([
    [
      "an old control plane that goes under its proxies",
      (world) => {
        const { [path("istiod-1-30-5")]: _old, ...rest } = bothFiles();
        world.apply(rest);
      },
      "has a proxy of revision 1-30-5, of which no istiod runs",
    ],
    [
      "a control plane without a ready pod",
      (world) => {
        const istiod = world.cluster.workload("Deployment", "istio-system", "istiod-1-30-5");
        istiod.neverReady = true;
        for (const index of istiod.pods.keys()) istiod.evict(index);
        world.wait(hour);
      },
      "of which no istiod runs",
    ],
    [
      "more namespaces than the share",
      async (world) => {
        world.share = 10;
        world.apply(movedTo(bothFiles(), first, second));
        await world.restart(first, second);
      },
      "2 of 8 namespaces have moved, at 10 % at most 1 may",
    ],
    [
      "a gateway before the last share",
      async (world) => {
        world.share = 90;
        const files = bothFiles();
        const old = (files[path("istiod-1-30-5")] ?? "").replace("      - stable\n", "");
        world.apply({
          ...files,
          [path("istiod-1-30-5")]: old,
          [path("istiod-1-31-1")]: `${files[path("istiod-1-31-1")]}    revisionTags:\n      - stable\n`,
        });
        await world.restart("istio-ingress");
      },
      "Deployment istio-ingress/ingress has moved at a share of 90 %",
    ],
    [
      "a restart that moves nothing",
      (world) => world.restart(first),
      `${first}/app was restarted and stayed at revision 1-30-5`,
    ],
    [
      "a control plane that goes before its hold is over",
      async (world) => {
        world.share = 100;
        world.apply(movedTo(bothFiles(), first));
        await world.restart(first);
        world.apply(bothFiles());
        await world.restart(first);
        world.apply(revisionedFiles("c-001", "1.30.5"));
      },
      "revision 1-31-1 was removed 0.2 h after its last proxy had left, it has to stay for 2.0 h",
    ],
    [
      "proxies that are newer than their control plane",
      (world) => {
        const files = bothFiles();
        world.apply({
          ...files,
          [path("istiod-1-30-5")]: (files[path("istiod-1-30-5")] ?? "").replace('"1.30.5"', '"1.29.8"'),
        });
      },
      "the proxy (1.30.5) is ahead of its control plane (1.29.8)",
    ],
    [
      "pods without a proxy",
      async (world) => {
        world.cluster.stopInjection();
        await world.restart(first);
      },
      `${first}/app has a pod without a proxy`,
    ],
    [
      "a tag that nothing answers",
      (world) => {
        const files = bothFiles();
        world.apply({
          ...files,
          [path("istiod-1-30-5")]: (files[path("istiod-1-30-5")] ?? "").replace("      - stable\n", ""),
        });
      },
      "a namespace names stable, which leads to no control plane",
    ],
    [
      "a default revision that is not there",
      (world) => {
        const files = bothFiles();
        world.apply({ ...files, [path("base")]: (files[path("base")] ?? "").replace('"1-30-5"', '"1-29-9"') });
      },
      "release istio-base names 1-29-9, which leads to no control plane",
    ],
  ])("%s is found", async (_, act, problem) => {
    const world = new World();
    await act(world);
    expect(world.problems).toContain(problem);
  });
});
