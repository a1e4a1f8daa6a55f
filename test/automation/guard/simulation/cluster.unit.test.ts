/** The simulated cluster follows its repository as Flux and Istio do. */
import { describe, expect, test } from "vitest";
import { SimulatedCluster, type SimulatedClusterOptions } from "../../../../automation/guard/simulation/cluster.ts";
import { listAt, numberAt, textAt } from "../../../../automation/guard/simulation/dig.ts";
import { helmReleaseType, kustomizationType } from "../../../../automation/guard/simulation/flux-objects.ts";
import { Branch, type IstioFiles, istioFiles } from "./fleet-repository.ts";

const start = Date.parse("2026-11-30T10:00:00Z");
const minute = 60_000;

function given(istio: IstioFiles = { version: "1.30.5" }, options: Partial<SimulatedClusterOptions> = {}) {
  const branch = new Branch(istioFiles("prod-1", istio));
  const cluster = new SimulatedCluster({
    name: "prod-1",
    now: start,
    head: branch.head,
    path: "clusters/prod-1",
    ...options,
  });
  return { branch, cluster };
}

const ready = (cluster: SimulatedCluster, name: string, place = "istio-system"): string | undefined =>
  textAt(
    listAt(cluster.api.peek(helmReleaseType, name, place), "status", "conditions").find(
      (one) => textAt(one, "type") === "Ready",
    ),
    "status",
  );

const applied = (cluster: SimulatedCluster, name = "istio"): string | undefined =>
  textAt(cluster.api.peek(kustomizationType, name, "flux-system"), "status", "lastAppliedRevision");

describe("a cluster that has followed its repository for long", () => {
  test("runs what the repository says, and every proxy is at its version", () => {
    const { cluster } = given();
    expect(cluster.controlPlane()).toBe("docker.io/istio/pilot:1.30.5");
    expect([...cluster.proxies()]).toEqual([["1.30.5", 8]]);
    expect([...cluster.charts()]).toEqual([
      ["istio-base", "1.30.5"],
      ["ingress", "1.30.5"],
      ["istiod", "1.30.5"],
    ]);
    expect(applied(cluster)).toBe(`main@sha1:${"1".padStart(40, "0")}`);
    expect(cluster.api.size).toBeGreaterThan(50);
  });
});

describe("a commit", () => {
  test("is fetched after the interval, rolls istiod out, and leaves proxies where they are", () => {
    const { branch, cluster } = given();
    const landed = branch.push(istioFiles("prod-1", { version: "1.31.1" }));
    cluster.tick(start + minute - 1);
    expect(applied(cluster)).not.toContain(landed);
    cluster.tick(start + 70_000);
    // The release is under way: its generation is ahead of what the controller has seen.
    const base = cluster.api.peek(helmReleaseType, "istio-base", "istio-system");
    expect(numberAt(base, "metadata", "generation")).toBe(2);
    expect(numberAt(base, "status", "observedGeneration")).toBe(1);
    expect(cluster.controlPlane()).toBe("docker.io/istio/pilot:1.30.5");
    cluster.tick(start + 5 * minute);
    expect(applied(cluster)).toBe(`main@sha1:${landed}`);
    expect(cluster.controlPlane()).toBe("docker.io/istio/pilot:1.31.1");
    expect([...cluster.charts().values()]).toEqual(["1.31.1", "1.31.1", "1.31.1"]);
    expect([...cluster.proxies()]).toEqual([["1.30.5", 8]]);
  });

  test("moves base before istiod and istiod before gateways", () => {
    const { branch, cluster } = given();
    branch.push(istioFiles("prod-1", { version: "1.31.1" }));
    const order: string[] = [];
    for (let now = start; now < start + 5 * minute; now += 1_000) {
      cluster.tick(now);
      for (const [name, version] of cluster.charts())
        if (version === "1.31.1" && !order.includes(name)) order.push(name);
    }
    expect(order).toEqual(["istio-base", "istiod", "ingress"]);
  });

  test("a restarted workload takes the version of its control plane, pod by pod", async () => {
    const { branch, cluster } = given();
    branch.push(istioFiles("prod-1", { version: "1.31.1" }));
    cluster.tick(start + 5 * minute);
    const cart = { kind: "Deployment", namespace: "shop", name: "cart" } as const;
    await cluster.api.restart(cart, "2026-11-30T10:05:00.000Z");
    await cluster.api.restart(cart, "2026-11-30T10:05:00.000Z");
    cluster.tick(start + 5 * minute + 2_000);
    expect(cluster.proxies().get("1.31.1")).toBe(1);
    cluster.tick(start + 6 * minute);
    expect([...cluster.proxies()].toSorted()).toEqual([
      ["1.30.5", 6],
      ["1.31.1", 2],
    ]);
    const object = cluster.api.peek({ apiVersion: "apps/v1", kind: "Deployment" }, "cart", "shop");
    expect(numberAt(object, "metadata", "generation")).toBe(2);
    expect(numberAt(object, "status", "observedGeneration")).toBe(2);
    expect(numberAt(object, "status", "updatedReplicas")).toBe(2);
  });

  test("is not applied while its Kustomization is suspended, and is after it was resumed", () => {
    const { branch, cluster } = given();
    cluster.suspend(kustomizationType, "istio", "flux-system");
    const landed = branch.push(istioFiles("prod-1", { version: "1.31.1" }));
    cluster.tick(start + 10 * minute);
    expect(applied(cluster)).not.toContain(landed);
    expect(applied(cluster, "flux-system")).toContain(landed);
    cluster.suspend(kustomizationType, "istio", "flux-system", false);
    cluster.tick(start + 15 * minute);
    expect(applied(cluster)).toContain(landed);
    expect(cluster.controlPlane()).toBe("docker.io/istio/pilot:1.31.1");
  });

  test("comes at once when Flux is asked to look", async () => {
    const { branch, cluster } = given({ version: "1.30.5" }, { intervalSeconds: 3_600 });
    branch.push(istioFiles("prod-1", { version: "1.31.1" }));
    const source = { apiVersion: "source.toolkit.fluxcd.io/v1", kind: "GitRepository" };
    await cluster.api.reconcile(source, "flux-system", "flux-system", "2026-11-30T10:00:01Z");
    cluster.tick(start + 3 * minute);
    expect(cluster.controlPlane()).toBe("docker.io/istio/pilot:1.31.1");
  });

  test.each([
    ["istio/prod-1/istiod.yaml", "kind: [", /istiod\.yaml/],
    ["istio/prod-1/kustomization.yaml", "resources: [nowhere]", /no such file/],
  ])("with a broken %s is not applied, and Flux says why", (path, text, message) => {
    const { branch, cluster } = given();
    const landed = branch.push([{ path, text }]);
    cluster.tick(start + 3 * minute);
    expect(applied(cluster)).not.toContain(landed);
    const said = listAt(cluster.api.peek(kustomizationType, "istio", "flux-system"), "status", "conditions");
    expect(textAt(said[0], "message")).toMatch(message);
  });
});

describe("faults", () => {
  test("a stalled release keeps the old control plane and is Stalled", () => {
    const { branch, cluster } = given();
    cluster.failing.set("istiod", "stalled");
    branch.push(istioFiles("prod-1", { version: "1.31.1" }));
    cluster.tick(start + 10 * minute);
    expect(ready(cluster, "istiod")).toBe("False");
    expect(cluster.controlPlane()).toBe("docker.io/istio/pilot:1.30.5");
  });

  test("a remediated release is back at the old version while Git says the new one; a revert heals it", () => {
    const { branch, cluster } = given();
    cluster.failing.set("istiod", "remediated");
    branch.push(istioFiles("prod-1", { version: "1.31.1" }));
    cluster.tick(start + 10 * minute);
    const conditions = listAt(cluster.api.peek(helmReleaseType, "istiod", "istio-system"), "status", "conditions");
    expect(conditions.map((one) => `${textAt(one, "type")}=${textAt(one, "status")}`)).toContain("Remediated=True");
    expect(cluster.controlPlane()).toBe("docker.io/istio/pilot:1.30.5");
    cluster.failing.delete("istiod");
    branch.push(istioFiles("prod-1", { version: "1.30.5" }));
    cluster.tick(start + 25 * minute);
    expect(ready(cluster, "istiod")).toBe("True");
  });

  test("an istiod that never gets ready leaves the release unready and one old pod in place", () => {
    const { branch, cluster } = given();
    cluster.neverReady("Deployment", "istio-system", "istiod");
    branch.push(istioFiles("prod-1", { version: "1.31.1" }));
    cluster.tick(start + 20 * minute);
    expect(ready(cluster, "istiod")).not.toBe("True");
    const pods = cluster.workload("Deployment", "istio-system", "istiod").pods;
    expect(pods.filter((pod) => pod.ready).map(({ image }) => image)).toEqual(["docker.io/istio/pilot:1.30.5"]);
  });

  test("an unreachable API fails every call with its code", async () => {
    const { cluster } = given();
    cluster.api.faults.unreachable = true;
    await expect(cluster.api.list({ apiVersion: "v1", kind: "Pod" })).rejects.toMatchObject({
      code: "cluster-unreachable",
    });
  });
});

describe("revisions", () => {
  test("a tag leads a namespace's new pods to the new control plane, and an old one goes when its file does", async () => {
    const old = { version: "1.30.5", values: '    revision: "1-30-5"\n    revisionTags: [stable]\n' };
    const { branch, cluster } = given(old, {
      namespaces: { shop: { "istio.io/rev": "stable" }, "istio-ingress": { "istio.io/rev": "stable" } },
    });
    expect(cluster.proxies().get("1.30.5")).toBe(6);
    const both = {
      ...old,
      values: '    revision: "1-30-5"\n',
      revisions: [{ revision: "1-31-1", version: "1.31.1", tags: ["stable"] }],
    };
    branch.push(istioFiles("prod-1", both));
    cluster.tick(start + 5 * minute);
    expect(cluster.controlPlane("1-31-1")).toBe("docker.io/istio/pilot:1.31.1");
    expect(cluster.controlPlane("1-30-5")).toBe("docker.io/istio/pilot:1.30.5");
    await cluster.api.restart({ kind: "Deployment", namespace: "shop", name: "cart" }, "2026-11-30T10:06:00.000Z");
    cluster.tick(start + 7 * minute);
    expect(cluster.proxies().get("1.31.1")).toBe(2);
    branch.replace(branch.head().files.filter(({ path }) => !path.endsWith("/istiod.yaml")));
    cluster.tick(start + 12 * minute);
    expect(cluster.controlPlane("1-30-5")).toBeUndefined();
  });
});

describe("size", () => {
  test("500 clusters fit into 400 MB, and an hour of all of them into seconds", () => {
    const shared = istioFiles("prod-1", { version: "1.30.5" });
    const branch = new Branch(shared);
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    const clusters = Array.from(
      { length: 500 },
      (_, index) =>
        new SimulatedCluster({ name: `c-${index}`, now: start, head: branch.head, path: "clusters/prod-1" }),
    );
    branch.push(istioFiles("prod-1", { version: "1.31.1" }));
    const from = performance.now();
    for (const cluster of clusters) cluster.tick(start + 60 * minute);
    const took = performance.now() - from;
    expect(clusters.every((one) => one.controlPlane() === "docker.io/istio/pilot:1.31.1")).toBe(true);
    expect((process.memoryUsage().heapUsed - before) / 1_048_576).toBeLessThan(400);
    expect(took).toBeLessThan(15_000);
  });
});
