import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../automation/ports/kubernetes-api.ts";
import type { Mesh, MeshRoute, MeshStrategy } from "../../../automation/ports/mesh.ts";

/** A mesh's own words for what every mesh must be able to do. Versions stand for consecutive steps of the mesh: minors, logical versions. */
export interface MeshSamples {
  /** Consecutive, oldest first, at least five; the cluster minors of `kubernetes` hold all of them but the first. */
  readonly ladder: readonly string[];
  /** A cluster minor with a way over the whole ladder without an EKS step from its second version on. */
  readonly kubernetes: string;
  /** A way that needs EKS steps. */
  readonly climb: {
    readonly from: string;
    readonly to: string;
    readonly kubernetes: string;
    readonly eks: readonly string[];
  };
  /** No way: the cluster is already above what a version on the way supports. */
  readonly tooNew: { readonly from: string; readonly to: string; readonly kubernetes: string };
  /** Window of a version, as the documentation says. */
  readonly windows: readonly (readonly [version: string, from: string, to: string])[];
  readonly spellings: readonly (readonly [text: string, read: string])[];
  readonly notVersions: readonly string[];
  /** Older or newer than the table. */
  readonly unknownVersions: readonly string[];
  /** Two releases of one step, older and newer. */
  readonly patches: readonly [older: string, newer: string];
  readonly charts: readonly string[];
  readonly readings: readonly {
    readonly what: string;
    readonly exitCode: number;
    readonly stdout: string;
    /** `level check subject`, or unreadable. */
    readonly expected: readonly string[] | "unreadable";
  }[];
  controlPlane(tag: string): KubernetesObject;
  pod(name: string, tag: string, change?: PodChange): KubernetesObject;
}

export interface PodChange {
  readonly native?: boolean;
  readonly deleted?: boolean;
  readonly phase?: string;
  readonly digest?: boolean;
}

export function owner(name: string) {
  return {
    labels: { "pod-template-hash": "5d9c7f" },
    ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: `${name}-5d9c7f`, controller: true }],
  };
}

const at = <T>(list: readonly T[], index: number): T => {
  const found = list.at(index);
  if (found === undefined) throw new Error(`there is no sample ${index}`);
  return found;
};

export function describeMesh(mesh: Mesh, samples: MeshSamples): void {
  const { ladder, kubernetes } = samples;
  const rungs = ladder.map((version, index) => ({ version, index }));
  const pairs = rungs.flatMap((low) => rungs.map((high) => ({ low, high })));
  const plan = (from: string, to: string, cluster = kubernetes, strategy: MeshStrategy = "in-place"): MeshRoute =>
    mesh.planHops({ from, to, kubernetes: cluster, strategy });
  const hops = (route: MeshRoute): readonly string[] =>
    route.kind === "none" ? [route.reason] : route.steps.flatMap((step) => (step.kind === "mesh" ? [step.to] : []));

  describe(`${mesh.title}: hops`, () => {
    it.each(pairs.filter(({ low, high }) => low.index >= 1 && high.index > low.index))(
      "from $low.version to $high.version in place passes every step between, once",
      ({ low, high }) => {
        const route = plan(low.version, high.version);
        expect(hops(route)).toHaveLength(high.index - low.index);
        expect(hops(route).at(-1)).toBe(high.version);
        if (route.kind === "none") throw new Error(route.message);
        let version = low.version;
        for (const step of route.steps) {
          if (step.kind === "kubernetes") throw new Error(step.why);
          expect(step.from).toBe(version);
          expect(step.kubernetes).toBe(kubernetes);
          // What a hop leaves behind, the new control plane must be able to serve.
          expect(mesh.skew(step.to, step.from)).toEqual({ ok: true });
          version = step.to;
        }
      },
    );

    it.each(pairs.filter(({ low, high }) => high.index < low.index))(
      "from $low.version down to $high.version is no plan",
      ({ low, high }) => {
        const route = plan(low.version, high.version);
        expect(route).toMatchObject({ kind: "none", reason: "downgrade" });
        if (route.kind === "none") expect(`${route.message} ${route.fix}`).toMatch(/revert its merge request/);
      },
    );

    it.each(rungs.slice(1))("from $version to itself is nothing to do", ({ version }) => {
      expect(plan(version, version)).toEqual({ kind: "route", steps: [], startsOutside: false });
    });

    it.each([samples.patches])("from %s to %s, of one step, is one hop, and back is none", (older, newer) => {
      expect(plan(older, newer)).toMatchObject({ steps: [{ kind: "mesh", from: older, to: newer, kubernetes }] });
      expect(plan(newer, older)).toMatchObject({ reason: "downgrade" });
    });

    it.each([samples.climb])(
      "raises EKS one minor at a time, before the hop that needs it",
      ({ from, to, eks, ...climb }) => {
        const route = plan(from, to, climb.kubernetes);
        if (route.kind === "none") throw new Error(route.message);
        expect(route.steps.flatMap((step) => (step.kind === "kubernetes" ? [step.to] : []))).toEqual(eks);
        let cluster = climb.kubernetes;
        for (const step of route.steps)
          if (step.kind === "mesh") expect(step.kubernetes).toBe(cluster);
          else {
            expect(step.from).toBe(cluster);
            expect(step.why).toContain(mesh.title);
            cluster = step.to;
          }
      },
    );

    it.each([samples.tooNew])(
      "there is no way where Kubernetes would have to go down: %o",
      ({ from, to, ...cluster }) => {
        expect(plan(from, to, cluster.kubernetes)).toMatchObject({ kind: "none", reason: "no-way" });
      },
    );

    it.each(samples.windows)("%s is for Kubernetes %s to %s", (version, low, high) => {
      const minor = (text: string, by: number): string => `1.${Number(text.split(".")[1]) + by}`;
      const inside = (cluster: string): boolean | "unknown" => {
        const route = plan(version, version, cluster);
        return route.kind === "route" ? !route.startsOutside : "unknown";
      };
      expect([inside(low), inside(high)]).not.toContain(false);
      expect(inside(minor(high, 1))).not.toBe(true);
      expect(inside(minor(low, -1))).not.toBe(true);
    });

    it.each(samples.unknownVersions)("%s is not in the table: no way from it or to it", (version) => {
      const known = at(ladder, 1);
      const [minor] = /^\d+\.\d+/.exec(version) ?? [""];
      const routes = [plan(version, known), plan(known, version)];
      // One of the two is downwards, which may be said first.
      expect(routes.map((route) => route.kind)).toEqual(["none", "none"]);
      const told = routes.flatMap((route) =>
        route.kind === "none" && route.reason === "unknown-version" ? [route] : [],
      );
      expect(told.length).toBeGreaterThan(0);
      for (const { message } of told) expect(message).toMatch(new RegExp(`${minor}.*not in the .*table`));
    });

    it.each(["1.10", "1.99", "soon", ""])("Kubernetes %j is not known", (cluster) => {
      expect(plan(at(ladder, 1), at(ladder, 2), cluster)).toMatchObject({
        kind: "none",
        reason: "unknown-kubernetes",
      });
    });

    it.each(["in-place", "revision"] as const)("the strategy %s works, or is refused with the other", (strategy) => {
      const route = plan(at(ladder, 1), at(ladder, 2), kubernetes, strategy);
      if (mesh.strategies.includes(strategy)) expect(hops(route)).toEqual([at(ladder, 2)]);
      else expect(route).toMatchObject({ kind: "none", reason: "strategy", fix: expect.stringMatching(/in-place/) });
    });
  });

  describe(`${mesh.title}: skew`, () => {
    it.each(pairs)("control plane $high.version, proxy $low.version", ({ low, high }) => {
      const answer = mesh.skew(high.version, low.version);
      expect(answer.ok).toBe(high.index - low.index === 0 || high.index - low.index === 1);
      if (answer.ok) return;
      expect(answer.why).toContain(low.version);
      expect(answer.why).toMatch(low.index > high.index ? /ahead of its control plane/ : /behind its control plane/);
    });

    it.each(samples.notVersions)("what is no version (%j) is not fine", (text) => {
      for (const answer of [mesh.skew(text, at(ladder, 1)), mesh.skew(at(ladder, 1), text)]) {
        expect(answer.ok).toBe(false);
        if (!answer.ok) expect(answer.why).toContain(JSON.stringify(text));
      }
    });
  });

  describe(`${mesh.title}: versions`, () => {
    it.each(samples.spellings)("%s is %s", (text, read) => {
      expect(mesh.readVersion(text)).toBe(read);
      expect(mesh.readVersion(read)).toBe(read);
    });

    it.each(samples.notVersions)("%j is none", (text) => {
      expect(mesh.readVersion(text)).toBeUndefined();
    });

    it.each(samples.spellings)("of the image's tag %s is read from control plane and pod", (tag, read) => {
      const found = mesh.versionsIn([samples.controlPlane(tag), samples.pod("cart", tag)]);
      expect(found.controlPlanes.map(({ version }) => version)).toEqual([read]);
      expect(found.proxies).toEqual([{ workload: "shop/cart", revision: "", version: read }]);
      expect(found.unread).toEqual([]);
    });

    it.each([
      ["a native sidecar", { native: true }, 1],
      ["a tag with a digest", { digest: true }, 1],
      ["a pod that is being deleted", { deleted: true }, 0],
      ["a pod that is done", { phase: "Succeeded" }, 0],
      ["a pod that failed", { phase: "Failed" }, 0],
      ["a pod that is about to start", { phase: "Pending" }, 1],
    ] as const)("%s counts as it should", (_, change, count) => {
      const [[tag]] = [at(samples.spellings, 0)];
      const found = mesh.versionsIn([samples.pod("cart", tag, change)]);
      expect(found.proxies).toHaveLength(count);
      expect(found.unread).toEqual([]);
    });

    it.each(["latest", "main", "1.2"])("the tag %s is listed as not read, never left out", (tag) => {
      expect(mesh.versionsIn([samples.controlPlane(tag), samples.pod("cart", tag)])).toMatchObject({
        controlPlanes: [],
        proxies: [],
        unread: [expect.stringMatching(/^Deployment /), "Pod shop/cart-5d9c7f-x2v4q"],
      });
    });

    it.each([
      { apiVersion: "v1", kind: "Pod", metadata: { name: "plain", namespace: "shop" }, spec: { containers: [] } },
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", namespace: "shop" }, data: {} },
      { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "odd", namespace: "shop" } },
      { apiVersion: "v1", kind: "Pod", metadata: { name: "odd", namespace: "shop" }, spec: 7 },
    ])("an object without the mesh is passed over: $kind $metadata.name", (object) => {
      expect(mesh.versionsIn([object])).toEqual({ controlPlanes: [], proxies: [], unread: [] });
    });
  });

  describe(`${mesh.title}: its own check`, () => {
    it.each(samples.readings)("$what", ({ exitCode, stdout, expected }) => {
      const reading = mesh.precheck.read({ exitCode, stdout });
      if (expected === "unreadable") {
        expect(reading.kind).toBe("unreadable");
        if (reading.kind === "unreadable") expect(reading.why).not.toBe("");
        return;
      }
      expect(
        reading.kind === "findings"
          ? reading.findings.map(({ level, check, subject }) => `${level} ${check} ${subject}`)
          : reading.why,
      ).toEqual(expected);
    });

    it.each(["[{", '{"success": tru', '{"a": {"b": 1}', '[{"code": "IST0101"}', "[1, 2]", '{"kind": "Status"}'])(
      "%j is never clean",
      (stdout) => {
        for (const exitCode of [0, 1]) expect(mesh.precheck.read({ exitCode, stdout }).kind).toBe("unreadable");
      },
    );

    it.each([{ context: "prod" }, { context: "prod", kubeconfig: "/tmp/a b" }])(
      "always names its cluster: %o",
      (cluster) => {
        const given = mesh.precheck.arguments(cluster);
        expect(given[given.indexOf("--context") + 1]).toBe("prod");
        expect(given.includes("--kubeconfig")).toBe(cluster.kubeconfig !== undefined);
        expect(given[given.indexOf("--output") + 1]).toBe("json");
      },
    );
  });

  describe(`${mesh.title}: parts`, () => {
    it.each(samples.charts.map((chart, index) => ({ chart, index })))(
      "chart $chart moves at place $index",
      ({ chart, index }) => {
        expect(mesh.components.flatMap(({ charts }) => charts)[index]).toBe(chart);
      },
    );

    it.each([["crds", "control-plane"] as const, ["control-plane", "gateway"] as const])(
      "%s never after %s",
      (before, after) => {
        const places = mesh.components.map(({ what }) => what);
        if (places.includes(after)) expect(places.indexOf(before)).toBeLessThan(places.indexOf(after));
        expect(places[0]).toBe("crds");
      },
    );

    it.each([400, 4_000])("after %d days without a look its tables are called stale", (days) => {
      expect(mesh.staleness(Date.parse("2026-12-01") + days * 86_400_000)).toMatch(/days ago: compare .*https:/);
    });
  });
}
