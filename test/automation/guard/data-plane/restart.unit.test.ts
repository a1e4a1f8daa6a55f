/** The data plane follows its control plane: waves, order, budgets, the first failure, and crashes in between. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decideRestart,
  type RestartDecision,
  type RestartInput,
} from "../../../../automation/guard/data-plane/restart.ts";
import { readDataPlane } from "../../../../automation/guard/data-plane/waves.ts";
import { parseVersion, type Version } from "../../../../automation/guard/plan/versions.ts";
import {
  proxiesAhead,
  proxiesByVersion,
  restText,
  skewWindow,
} from "../../../../automation/guard/proof/proxies-by-version.ts";
import { SimulatedCluster, type SimulatedClusterOptions } from "../../../../automation/guard/simulation/cluster.ts";
import { numberAt } from "../../../../automation/guard/simulation/dig.ts";
import type { WorkloadSpec } from "../../../../automation/guard/simulation/workload-objects.ts";
import { Branch, type IstioFiles, istioFiles } from "../simulation/fleet-repository.ts";

const start = Date.parse("2026-11-30T10:00:00Z");
const moved = start + 6 * 60_000;
const mark = new Date(moved).toISOString();

const versionOf = (text: string): Version => {
  const version = parseVersion(text);
  if (version === undefined) throw new Error(text);
  return version;
};
const settings: RestartInput["settings"] = {
  mode: "automatic",
  wave_size: 2,
  ready_timeout_seconds: 60,
  exclude_namespaces: [],
};

interface World {
  readonly branch: Branch;
  readonly cluster: SimulatedCluster;
}

/** A cluster whose control plane is at 1.31.1 and whose proxies are at 1.30.5. */
function given(options: Partial<SimulatedClusterOptions> = {}, istio: Partial<IstioFiles> = {}): World {
  const branch = new Branch(istioFiles("prod-1", { version: "1.30.5", ...istio }));
  const cluster = new SimulatedCluster({
    name: "prod-1",
    now: start,
    head: branch.head,
    path: "clusters/prod-1",
    ...options,
  });
  branch.push(istioFiles("prod-1", { version: "1.31.1", ...istio }));
  cluster.tick(moved);
  return { branch, cluster };
}

type Change = Partial<Pick<RestartInput, "settings" | "scope" | "restarted" | "strategy" | "mark">>;

async function decide(
  { cluster }: World,
  change: Change = {},
  target = "1.31.1",
  revision = "",
): Promise<RestartDecision> {
  const { workloads } = await readDataPlane(cluster.api);
  return decideRestart({
    now: cluster.now,
    workloads,
    plane: { revision, version: versionOf(target) },
    strategy: "in-place",
    mark,
    restarted: [],
    settings,
    ...change,
  });
}

/** As guard does it, a look every five seconds. */
async function run(world: World, change: Change = {}, target = "1.31.1") {
  const waves: string[][] = [];
  const restarted: string[] = [];
  for (let look = 0; look < 400; look++) {
    const decision = await decide(world, { restarted, ...change }, target);
    if (decision.kind === "restart") {
      waves.push(decision.workloads.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`));
      for (const one of decision.workloads) {
        restarted.push(`${one.kind} ${one.namespace}/${one.name}`);
        await world.cluster.api.restart(one, mark);
      }
    } else if (decision.kind !== "waiting") return { decision, waves };
    world.cluster.tick(world.cluster.now + 5_000);
  }
  return { decision: await decide(world, { restarted, ...change }, target), waves };
}

const workload = (name: string, more: Partial<WorkloadSpec> = {}): WorkloadSpec => ({
  kind: "Deployment",
  namespace: "shop",
  name,
  ...more,
});

describe("a restart in place", () => {
  test("goes in waves, gateways last, until every proxy is at the version", async () => {
    const world = given();
    const { decision, waves } = await run(world);
    expect(decision).toEqual({ kind: "done", rest: [] });
    expect(waves).toEqual([
      ["Deployment shop/cart", "Deployment shop/catalog"],
      ["Deployment shop/checkout"],
      ["Deployment istio-ingress/ingress"],
    ]);
    expect([...world.cluster.proxies()]).toEqual([["1.31.1", 8]]);
  });

  test("moves StatefulSets and DaemonSets too", async () => {
    const world = given({
      workloads: [workload("queue", { kind: "StatefulSet" }), workload("agent", { kind: "DaemonSet", replicas: 3 })],
    });
    const { decision, waves } = await run(world);
    expect(decision.kind).toBe("done");
    expect(waves[0]).toEqual(["DaemonSet shop/agent", "StatefulSet shop/queue"]);
    expect([...world.cluster.proxies()]).toEqual([["1.31.1", 7]]);
  });

  test("does not touch what is at the version already, nor what is not in the mesh", async () => {
    const world = given({
      namespaces: { plain: {} },
      workloads: [workload("cart"), workload("outside", { namespace: "plain" })],
    });
    world.cluster.workload("Deployment", "shop", "cart").roll({ image: "registry.example.com/cart:2" });
    world.cluster.tick(moved + 60_000);
    const { waves } = await run(world);
    expect(waves).toEqual([["Deployment istio-ingress/ingress"]]);
  });

  test("splits workloads and gateways when asked to", async () => {
    const world = given();
    expect((await run(world, { scope: "workloads" })).waves.flat()).not.toContain("Deployment istio-ingress/ingress");
    expect((await run(world, { scope: "gateways" })).waves).toEqual([["Deployment istio-ingress/ingress"]]);
  });

  test("stops at the first that does not come back, and restarts nothing after it", async () => {
    const world = given();
    world.cluster.neverReady("Deployment", "shop", "catalog");
    const { decision, waves } = await run(world);
    expect(waves).toHaveLength(1);
    expect(decision).toMatchObject({ kind: "failed", workload: "Deployment shop/catalog" });
    expect(decision.kind === "failed" && decision.why).toMatch(/1 of 2 pods are new.*for \d+ s/);
  });

  test("gives a big workload as long as it goes on, and no longer", async () => {
    const slow = given({ workloads: [workload("big", { replicas: 12, readySeconds: 50 })] });
    expect((await run(slow)).decision.kind).toBe("done");
  });

  test("a wave that begins long after the one before it, as after a crash, has its time from its own beginning", async () => {
    const world = given();
    const waves = async (): Promise<void> => {
      const decision = await decide(world);
      if (decision.kind !== "restart") throw new Error(decision.kind);
      for (const one of decision.workloads) await world.cluster.api.restart(one, mark);
    };
    await waves();
    world.cluster.tick(world.cluster.now + 30 * 60_000);
    await waves();
    expect(await decide(world)).toMatchObject({ kind: "waiting" });
    expect((await run(world)).decision).toEqual({ kind: "done", rest: [] });
  });

  test("a workload whose new proxies are at the old version fails, with the version", async () => {
    const world = given({ workloads: [workload("stuck")] });
    world.cluster.workload("Deployment", "shop", "stuck").keepsSidecar = true;
    const { decision } = await run(world);
    expect(decision).toMatchObject({ kind: "failed", workload: "Deployment shop/stuck" });
    expect(decision.kind === "failed" && decision.why).toContain("its proxies are at 1.30.5 instead of 1.31.1");
  });

  test("a workload whose new pods have no proxy at all fails: it has left the mesh", async () => {
    const world = given();
    world.cluster.stopInjection();
    const { decision, waves } = await run(world);
    expect(waves).toHaveLength(1);
    expect(decision).toMatchObject({ kind: "failed", why: "2 of its new pods have no proxy: nobody injected them" });
  });

  test("a workload whose budget allows none waits and is named, the others go on", async () => {
    const world = given({ workloads: [workload("held", { minAvailable: 2 }), workload("free")] });
    const first = await decide(world, { scope: "workloads" });
    expect(first).toMatchObject({ kind: "restart", workloads: [{ name: "free" }] });
    const { decision, waves } = await run(world);
    expect(waves).toEqual([["Deployment shop/free"]]);
    expect(decision).toMatchObject({
      kind: "waiting",
      for: [{ workload: "Deployment shop/held", why: "its disruption budget shop/held allows none" }],
    });
  });

  test("a paused rollout waits and is named", async () => {
    const world = given({ workloads: [workload("held", { paused: true })] });
    expect(await decide(world)).toMatchObject({ kind: "waiting", for: [{ why: "its rollout is paused" }] });
  });

  test("what was unwell before is waited for, and then part of the rest", async () => {
    const world = given({ workloads: [workload("sick"), workload("well")] });
    const sick = world.cluster.workload("Deployment", "shop", "sick");
    sick.neverReady = true;
    sick.keepsSidecar = true;
    sick.evict(0);
    const { decision, waves } = await run(world);
    expect(waves.flat()).not.toContain("Deployment shop/sick");
    expect(decision).toMatchObject({ kind: "done" });
    expect(decision.kind === "done" && decision.rest.map(({ workload: key }) => key)).toContain("Deployment shop/sick");
  });

  test("leaves an explained rest: Jobs, bare pods, pinned images, excluded namespaces, OnDelete", async () => {
    const world = given({
      namespaces: { legacy: { "istio-injection": "enabled" } },
      workloads: [
        workload("report", { kind: "Job", replicas: 1 }),
        workload("lonely", { kind: "Pod" }),
        workload("pinned", { annotations: { "sidecar.istio.io/proxyImage": "docker.io/istio/proxyv2:1.30.5" } }),
        workload("old", { namespace: "legacy" }),
        workload("manual", { kind: "StatefulSet", onDelete: true }),
      ],
    });
    const excluded = { ...settings, exclude_namespaces: ["legacy"] };
    const { decision } = await run(world, { settings: excluded });
    expect(decision.kind === "done" && decision.rest.map(restText).toSorted()).toEqual([
      "Deployment legacy/old: 2 proxies at 1.30.5; its namespace is excluded",
      "Deployment shop/pinned: 2 proxies at 1.30.5; sidecar.istio.io/proxyImage pins it",
      "Job shop/report: 1 proxy at 1.30.5; nothing restarts a Job",
      "Pod shop/lonely: 1 proxy at 1.30.5; nothing restarts a pod without an owner",
      "StatefulSet shop/manual: 2 proxies at 1.30.5; its pods are replaced only when somebody deletes them",
    ]);
    const { workloads } = await readDataPlane(world.cluster.api);
    const count = proxiesByVersion({
      workloads,
      target: versionOf("1.31.1"),
      revision: "",
      excludedNamespaces: ["legacy"],
    });
    expect(count).toMatchObject({ total: 10, moved: 2, percent: 20, complete: true });
    expect(count.byVersion).toEqual([
      { version: "1.31.1", proxies: 2 },
      { version: "1.30.5", proxies: 8 },
    ]);
  });

  test("by hand lists what is left, in order, until nothing is", async () => {
    const world = given();
    const manual = { settings: { ...settings, mode: "manual" as const } };
    expect(await decide(world, manual)).toEqual({
      kind: "manual",
      left: [
        "Deployment shop/cart",
        "Deployment shop/catalog",
        "Deployment shop/checkout",
        "Deployment istio-ingress/ingress",
      ],
    });
    for (const name of ["cart", "catalog", "checkout"])
      await world.cluster.api.restart({ kind: "Deployment", namespace: "shop", name }, "2026-11-30T10:07:00Z");
    world.cluster.tick(moved + 60_000);
    expect(await decide(world, manual)).toEqual({ kind: "manual", left: ["Deployment istio-ingress/ingress"] });
  });

  test("one budget over two workloads is never asked twice in a wave", async () => {
    const world = given();
    world.cluster.api.put(
      {
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name: "all", namespace: "shop" },
        spec: { minAvailable: 4, selector: {} },
        status: { disruptionsAllowed: 1 },
      },
      moved,
    );
    const { waves } = await run(world);
    expect(waves.every((wave) => wave.length === 1)).toBe(true);
    expect(waves).toHaveLength(4);
  });
});

describe("under revisions", () => {
  test("only what the new control plane injects restarts", async () => {
    const old = {
      version: "1.30.5",
      values: '    revision: "1-30-5"\n    revisionTags: [stable]\n',
      gatewayValues: "    revision: canary\n",
    };
    const both: IstioFiles = {
      ...old,
      values: '    revision: "1-30-5"\n    revisionTags: [stable]\n',
      revisions: [{ revision: "1-31-1", version: "1.31.1", tags: ["canary"] }],
    };
    const branch = new Branch(istioFiles("prod-1", both));
    const cluster = new SimulatedCluster({
      name: "prod-1",
      now: start,
      head: branch.head,
      path: "clusters/prod-1",
      namespaces: { shop: { "istio.io/rev": "stable" }, pay: { "istio.io/rev": "stable" } },
      workloads: [workload("cart"), workload("pay", { namespace: "pay" })],
    });
    // The namespace's label moves.
    cluster.api.patch(
      { apiVersion: "v1", kind: "Namespace" },
      "pay",
      undefined,
      ["metadata", "labels", "istio.io/rev"],
      "canary",
    );
    cluster.tick(moved);
    const decision = await decide({ branch, cluster }, { strategy: "revision" }, "1.31.1", "1-31-1");
    expect(decision).toMatchObject({ kind: "restart", workloads: [{ namespace: "pay", name: "pay" }] });
  });
});

test("under revisions gateways come first", async () => {
  const tags = (old: string, young: string): IstioFiles => ({
    version: "1.30.5",
    values: `    revision: "1-30-5"\n    revisionTags: [${old}]\n`,
    gatewayValues: "    revision: stable\n",
    revisions: [{ revision: "1-31-1", version: "1.31.1", tags: [young] }],
  });
  const branch = new Branch(istioFiles("prod-1", tags("stable", "canary")));
  const namespaces = { shop: { "istio.io/rev": "stable" } };
  const cluster = new SimulatedCluster({
    name: "prod-1",
    now: start,
    head: branch.head,
    path: "clusters/prod-1",
    namespaces,
  });
  branch.push(istioFiles("prod-1", tags("other", "stable")));
  cluster.tick(moved);
  const decision = await decide({ branch, cluster }, { strategy: "revision" }, "1.31.1", "1-31-1");
  expect(decision).toMatchObject({ kind: "restart", workloads: [{ namespace: "istio-ingress", name: "ingress" }] });
});

describe("a crash", () => {
  test("between any two restarts leads to the same end, each workload restarted once", async () => {
    const kinds = fc.constantFrom<"Deployment" | "StatefulSet" | "DaemonSet">("Deployment", "StatefulSet", "DaemonSet");
    const specs = fc.array(fc.record({ kind: kinds, replicas: fc.integer({ min: 1, max: 4 }) }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(
        specs,
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.record({ crashed: fc.boolean(), done: fc.nat(4), remembered: fc.boolean() })),
        async (found, size, chance) => {
          const world = given({
            workloads: found.map(({ kind, replicas }, index) => workload(`w-${index}`, { kind, replicas })),
          });
          const remembered = new Set<string>();
          for (let look = 0; look < 300; look++) {
            const decision = await decide(world, {
              restarted: [...remembered],
              settings: { ...settings, wave_size: size },
            });
            if (decision.kind === "done") break;
            expect(decision.kind).not.toBe("failed");
            if (decision.kind === "restart") {
              expect(decision.workloads.length).toBeLessThanOrEqual(size);
              const next = chance.next().value;
              const count =
                next?.crashed === true ? next.done % (decision.workloads.length + 1) : decision.workloads.length;
              for (const [index, one] of decision.workloads.entries()) {
                if (next?.remembered === true) remembered.add(`${one.kind} ${one.namespace}/${one.name}`);
                if (index < count) await world.cluster.api.restart(one, mark);
              }
            }
            world.cluster.tick(world.cluster.now + 3_000);
          }
          expect([...world.cluster.proxies().keys()]).toEqual(["1.31.1"]);
          for (const [index, { kind }] of found.entries()) {
            const object = world.cluster.api.peek({ apiVersion: "apps/v1", kind }, `w-${index}`, "shop");
            expect(numberAt(object, "metadata", "generation")).toBe(2);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test("a mark that another tool takes away does not make an endless loop", async () => {
    const world = given({ workloads: [workload("cart")] });
    const cart = world.cluster.workload("Deployment", "shop", "cart");
    cart.keepsSidecar = true;
    await world.cluster.api.restart({ kind: "Deployment", namespace: "shop", name: "cart" }, mark);
    world.cluster.tick(moved + 30_000);
    const annotations = ["spec", "template", "metadata", "annotations"] as const;
    world.cluster.api.patch({ apiVersion: "apps/v1", kind: "Deployment" }, "cart", "shop", annotations, {});
    world.cluster.api.patch(
      { apiVersion: "apps/v1", kind: "Deployment" },
      "cart",
      "shop",
      ["status", "observedGeneration"],
      9,
    );
    const remembered = { restarted: ["Deployment shop/cart"], scope: "workloads" as const };
    expect((await decide(world, remembered)).kind).toBe("waiting");
    world.cluster.tick(moved + 300_000);
    const late = await decide(world, remembered);
    expect(late.kind === "failed" && late.why).toContain("its mark is gone");
  });
});

describe("a rollback in place", () => {
  test("proxies are ahead from istiod's return until they have restarted, and the window is measured", async () => {
    const world = given();
    await run(world);
    world.branch.push(istioFiles("prod-1", { version: "1.30.5" }));
    let window: ReturnType<typeof skewWindow> = {};
    for (let now = world.cluster.now; now < world.cluster.now + 600_000; now += 5_000) {
      world.cluster.tick(now);
      const { workloads, planes } = await readDataPlane(world.cluster.api);
      const ahead = proxiesAhead(workloads, planes).reduce((sum, one) => sum + one.proxies, 0);
      window = skewWindow(window, ahead, now);
      if (window.skewFrom !== undefined && now - window.skewFrom > 60_000) break;
    }
    expect(window.skewFrom).toBeGreaterThan(moved);
    expect(window.skewTo).toBeUndefined();
    const again = new Date(world.cluster.now).toISOString();
    for (let look = 0; look < 200; look++) {
      const decision = await decide(world, { mark: again }, "1.30.5");
      if (decision.kind === "done") break;
      if (decision.kind === "restart")
        for (const one of decision.workloads) await world.cluster.api.restart(one, again);
      world.cluster.tick(world.cluster.now + 5_000);
    }
    const { workloads, planes } = await readDataPlane(world.cluster.api);
    expect(proxiesAhead(workloads, planes)).toEqual([]);
    window = skewWindow(window, 0, world.cluster.now);
    expect(window.skewTo).toBe(world.cluster.now);
    expect([...world.cluster.proxies()]).toEqual([["1.30.5", 8]]);
  });

  test("a window that never opened stays shut, and one that opens again has no end", () => {
    expect(skewWindow({}, 0, 5)).toEqual({});
    expect(skewWindow({ skewFrom: 1, skewTo: 3 }, 0, 5)).toEqual({ skewFrom: 1, skewTo: 3 });
    expect(skewWindow({ skewFrom: 1, skewTo: 3 }, 2, 5)).toEqual({ skewFrom: 1 });
  });
});
