/** Proof that Flux applied a landed commit: on a simulated cluster, and never while any part lags. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseVersion, type Version } from "../../../../automation/guard/plan/versions.ts";
import { readProofObjects } from "../../../../automation/guard/proof/objects.ts";
import {
  commitOfText,
  type ExpectedRelease,
  type Proof,
  type ProofObjects,
  prove,
  revisionsToCheck,
} from "../../../../automation/guard/proof/proof.ts";
import type { Component } from "../../../../automation/guard/rules/evidence.ts";
import { SimulatedCluster } from "../../../../automation/guard/simulation/cluster.ts";
import {
  gitRepositoryType,
  helmReleaseType,
  kustomizationType,
} from "../../../../automation/guard/simulation/flux-objects.ts";
import type { SimulatedKubernetes } from "../../../../automation/guard/simulation/kubernetes.ts";
import { Branch, type IstioFiles, istioFiles } from "../simulation/fleet-repository.ts";

const start = Date.parse("2026-11-30T10:00:00Z");
const minute = 60_000;
const repository = "platform/fleet";

const versionOf = (text: string): Version => {
  const version = parseVersion(text);
  if (version === undefined) throw new Error(text);
  return version;
};
const target = versionOf("1.31.1");
const expected = (...components: readonly Component[]): readonly ExpectedRelease[] =>
  components.map((component) => ({ component, version: target }));

function given(istio: Partial<IstioFiles> = {}) {
  const branch = new Branch(istioFiles("prod-1", { version: "1.30.5", ...istio }));
  const cluster = new SimulatedCluster({ name: "prod-1", now: start, head: branch.head, path: "clusters/prod-1" });
  return { branch, cluster };
}

/** As guard does it: lists, asks for each commit, decides. */
async function proofOf(
  { branch, cluster }: ReturnType<typeof given>,
  landed: string,
  releases = expected("base", "istiod", "gateway"),
): Promise<Proof> {
  const objects = await readProofObjects(cluster.api);
  const contains = new Map(
    revisionsToCheck(objects, repository).map((commit) => [commit, branch.contains(commit, landed)]),
  );
  return prove({ objects, landed, contains, repository, expected: releases });
}

async function upgraded(istio: Partial<IstioFiles> = {}) {
  const world = given(istio);
  const landed = world.branch.push(
    istioFiles("prod-1", {
      version: "1.31.1",
      ...istio,
      ...(istio.ambient === undefined ? {} : { ambient: "1.31.1" }),
    }),
  );
  world.cluster.tick(start + 8 * minute);
  return { ...world, landed };
}

describe("an upgrade", () => {
  test("is proven when everything has it, and at no second before", async () => {
    const world = given();
    const landed = world.branch.push(istioFiles("prod-1", { version: "1.31.1" }));
    const said = new Set<string>();
    let proven = 0;
    for (let now = start; now < start + 6 * minute; now += 1_000) {
      world.cluster.tick(now);
      const { kind, code } = await proofOf(world, landed);
      said.add(`${kind} ${code}`);
      if (kind !== "proven") {
        expect(proven, "it does not become unproven again").toBe(0);
        continue;
      }
      proven++;
      expect([...world.cluster.charts().values()]).toEqual(["1.31.1", "1.31.1", "1.31.1"]);
      const { pods } = world.cluster.workload("Deployment", "istio-system", "istiod");
      expect(pods.every(({ ready, image }) => ready && image.endsWith(":1.31.1"))).toBe(true);
    }
    expect(proven).toBeGreaterThan(0);
    expect([...said]).toEqual(
      expect.arrayContaining(["waiting not-fetched", "waiting not-applied", "proven undefined"]),
    );
    expect([...said].filter((one) => /^(?:failed|person)/.test(one))).toEqual([]);
  });

  test("fetched is said before it is applied", async () => {
    const world = given();
    const landed = world.branch.push(istioFiles("prod-1", { version: "1.31.1" }));
    expect((await proofOf(world, landed)).fetched).toBe(false);
    world.cluster.tick(start + minute + 1_000);
    expect(await proofOf(world, landed)).toMatchObject({ kind: "waiting", fetched: true });
  });

  test("is proven with a later commit on top, and with ambient's components", async () => {
    const world = await upgraded({ ambient: "1.30.5" });
    const all = expected("base", "istiod", "cni", "ztunnel", "gateway");
    expect(await proofOf(world, world.landed, all)).toMatchObject({ kind: "proven" });
    world.branch.push([{ path: "clusters/other/x.yaml", text: "a: 1\n" }]);
    world.cluster.tick(start + 12 * minute);
    expect(await proofOf(world, world.landed, all)).toMatchObject({ kind: "proven" });
  });

  test("that moves no chart is proven by the commit alone", async () => {
    const world = given();
    const landed = world.branch.push([
      {
        path: "istio/prod-1/namespaces.yaml",
        text: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: istio-ingress\n  labels: { istio.io/rev: canary }\n",
      },
    ]);
    expect(await proofOf(world, landed, [])).toMatchObject({ kind: "waiting", code: "not-fetched" });
    world.cluster.tick(start + 3 * minute);
    expect(await proofOf(world, landed, [])).toMatchObject({ kind: "proven" });
  });

  test("of a new revision waits for its release by name", async () => {
    const world = given();
    const named: ExpectedRelease[] = [{ component: "istiod", version: target, name: "istiod-1-31-1" }];
    const landed = world.branch.push(
      istioFiles("prod-1", { version: "1.30.5", revisions: [{ revision: "1-31-1", version: "1.31.1" }] }),
    );
    world.cluster.tick(start + 1_000);
    expect(await proofOf(world, landed, named)).toMatchObject({ kind: "waiting" });
    world.cluster.tick(start + 5 * minute);
    expect(await proofOf(world, landed, named)).toMatchObject({ kind: "proven" });
  });
});

describe("what does not become good by itself", () => {
  test.each<[string, string, (world: ReturnType<typeof given>) => void]>([
    [
      "person suspended",
      "a suspended source",
      ({ cluster }) => cluster.suspend(gitRepositoryType, "flux-system", "flux-system"),
    ],
    [
      "person suspended",
      "a suspended Kustomization",
      ({ cluster }) => cluster.suspend(kustomizationType, "istio", "flux-system"),
    ],
    [
      "person suspended",
      "a suspended release",
      ({ cluster }) => cluster.suspend(helmReleaseType, "istiod", "istio-system"),
    ],
    [
      "failed stalled",
      "a release that ran out of retries",
      ({ cluster }) => {
        cluster.failing.set("istiod", "stalled");
      },
    ],
    [
      "failed remediated",
      "a release that Helm rolled back",
      ({ cluster }) => {
        cluster.failing.set("istiod", "remediated");
      },
    ],
    [
      "waiting not-applied",
      "an istiod that does not get ready",
      ({ cluster }) => cluster.neverReady("Deployment", "istio-system", "istiod"),
    ],
  ])("%s: %s", async (said, _, plant) => {
    const world = given();
    plant(world);
    const landed = world.branch.push(istioFiles("prod-1", { version: "1.31.1" }));
    world.cluster.tick(start + 4 * minute);
    const { kind, code, why } = await proofOf(world, landed);
    expect(`${kind} ${code}`).toBe(said);
    expect(why.length).toBeGreaterThan(10);
  });

  test("a commit that asks for another version than was planned", async () => {
    const world = given();
    const landed = world.branch.push(istioFiles("prod-1", { version: "1.31.0" }));
    world.cluster.tick(start + 8 * minute);
    expect(await proofOf(world, landed)).toMatchObject({ kind: "failed", code: "wrong-version" });
  });

  test("an image by hand after Helm deployed the target", async () => {
    const world = await upgraded();
    world.cluster.drift("Deployment", "istio-system", "istiod", "docker.io/istio/pilot:1.30.5");
    world.cluster.tick(start + 10 * minute);
    expect(await proofOf(world, world.landed)).toMatchObject({ kind: "failed", code: "wrong-image" });
  });

  test("a release that is not in the repository", async () => {
    const world = await upgraded();
    const ztunnel = expected("ztunnel");
    expect(await proofOf(world, world.landed, ztunnel)).toMatchObject({ kind: "failed", code: "release-missing" });
  });

  test("a cluster that follows another repository is not proven", async () => {
    const world = await upgraded();
    const objects = await readProofObjects(world.cluster.api);
    const input = { objects, landed: world.landed, contains: new Map<string, boolean>(), expected: expected("istiod") };
    expect(revisionsToCheck(objects, "other/fleet")).toEqual([]);
    expect(prove({ ...input, repository: "other/fleet" }).kind).not.toBe("proven");
  });
});

describe("a proof", () => {
  const lags: Readonly<Record<string, (api: SimulatedKubernetes) => void>> = {
    "source at an older commit": (api) => {
      api.patch(
        gitRepositoryType,
        "flux-system",
        "flux-system",
        ["status", "artifact", "revision"],
        `main@sha1:${"1".padStart(40, "0")}`,
      );
    },
    "source without artifact": (api) => {
      api.patch(gitRepositoryType, "flux-system", "flux-system", ["status", "artifact"], null);
    },
    "Kustomization at an older commit": (api) => {
      api.patch(
        kustomizationType,
        "istio",
        "flux-system",
        ["status", "lastAppliedRevision"],
        `main@sha1:${"1".padStart(40, "0")}`,
      );
    },
    "root at an older commit": (api) => {
      api.patch(
        kustomizationType,
        "flux-system",
        "flux-system",
        ["status", "lastAppliedRevision"],
        `main@sha1:${"1".padStart(40, "0")}`,
      );
    },
    "Kustomization not Ready": (api) => {
      api.patch(
        kustomizationType,
        "istio",
        "flux-system",
        ["status", "conditions"],
        [{ type: "Ready", status: "False" }],
      );
    },
    "Kustomization of an older generation": (api) => {
      api.patch(kustomizationType, "istio", "flux-system", ["spec", "interval"], "1m");
    },
    "release of an older generation": (api) => {
      api.patch(helmReleaseType, "istiod", "istio-system", ["spec", "interval"], "1m");
    },
    "release not Ready": (api) => {
      api.patch(
        helmReleaseType,
        "ingress",
        "istio-ingress",
        ["status", "conditions"],
        [{ type: "Ready", status: "Unknown" }],
      );
    },
    "chart of an older version": (api) => {
      api.patch(
        helmReleaseType,
        "istio-base",
        "istio-system",
        ["status", "history"],
        [{ chartName: "base", chartVersion: "1.30.5", status: "deployed", version: 1 }],
      );
    },
    "a failed chart": (api) => {
      api.patch(
        helmReleaseType,
        "istio-base",
        "istio-system",
        ["status", "history"],
        [{ chartName: "base", chartVersion: "1.31.1", status: "failed", version: 2 }],
      );
    },
    "an empty history": (api) => {
      api.patch(helmReleaseType, "istiod", "istio-system", ["status", "history"], []);
    },
    "istiod of an older generation": (api) => {
      api.patch(
        { apiVersion: "apps/v1", kind: "Deployment" },
        "istiod",
        "istio-system",
        ["status", "observedGeneration"],
        1,
      );
    },
    "istiod with one pod less": (api) => {
      api.patch(
        { apiVersion: "apps/v1", kind: "Deployment" },
        "istiod",
        "istio-system",
        ["status", "availableReplicas"],
        1,
      );
    },
    "istiod with an old pod besides": (api) => {
      api.patch({ apiVersion: "apps/v1", kind: "Deployment" }, "istiod", "istio-system", ["status", "replicas"], 3);
    },
    "a pod of istiod that is not ready": (api) => {
      const pod = api
        .all({ apiVersion: "v1", kind: "Pod" })
        .find(({ metadata }) => metadata.name.startsWith("istiod-"));
      api.patch(
        { apiVersion: "v1", kind: "Pod" },
        pod?.metadata.name ?? "",
        "istio-system",
        ["status", "conditions"],
        [],
      );
    },
    "a pod of istiod that is gone": (api) => {
      const pod = api
        .all({ apiVersion: "v1", kind: "Pod" })
        .find(({ metadata }) => metadata.name.startsWith("istiod-"));
      api.remove({ apiVersion: "v1", kind: "Pod" }, pod?.metadata.name ?? "", "istio-system");
    },
    "a release that is gone": (api) => api.remove(helmReleaseType, "ingress", "istio-ingress"),
    "no Kustomization": (api) => {
      for (const { metadata } of api.all(kustomizationType))
        api.remove(kustomizationType, metadata.name, "flux-system");
    },
  };

  test("is not there while any part lags, whichever they are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.subarray(Object.keys(lags), { minLength: 1 }), async (names) => {
        const world = await upgraded();
        for (const name of names) lags[name]?.(world.cluster.api);
        const { kind, why } = await proofOf(world, world.landed);
        expect(kind, names.join(", ")).not.toBe("proven");
        expect(why).not.toBe("");
      }),
      { numRuns: 60 },
    );
    for (const [name, lag] of Object.entries(lags)) {
      const world = await upgraded();
      lag(world.cluster.api);
      expect((await proofOf(world, world.landed)).kind, name).not.toBe("proven");
    }
  });

  test("is not there without an answer about ancestry, nor with a no", async () => {
    const world = await upgraded();
    const objects = await readProofObjects(world.cluster.api);
    const input = { objects, landed: world.landed, repository, expected: expected("istiod") };
    expect(prove({ ...input, contains: new Map() })).toMatchObject({ kind: "waiting", code: "ancestry-unknown" });
    const no = new Map(revisionsToCheck(objects, repository).map((commit) => [commit, false]));
    expect(prove({ ...input, contains: no })).toMatchObject({ kind: "waiting", code: "not-fetched" });
  });

  test("says what cannot be read instead of guessing", async () => {
    const world = await upgraded();
    world.cluster.api.patch(kustomizationType, "istio", "flux-system", ["spec", "sourceRef"], "flux-system");
    expect(await proofOf(world, world.landed).catch((error: Error) => error.message)).toMatch(
      /Kustomization flux-system\/istio/,
    );
  });
});

describe("sources that are OCI artifacts", () => {
  const commit = "a".repeat(40);
  const digest = `latest@sha256:${"b".repeat(64)}`;
  const ready = [{ type: "Ready", status: "True" }];
  const objects = (annotations: Readonly<Record<string, string>> | undefined, applied = digest): ProofObjects => ({
    gitRepositories: [],
    ociRepositories: [
      {
        apiVersion: "source.toolkit.fluxcd.io/v1",
        kind: "OCIRepository",
        metadata: { name: "fleet", namespace: "flux-system", generation: 1 },
        spec: { url: "oci://registry.example.com/fleet" },
        status: { observedGeneration: 1, conditions: ready, artifact: { revision: digest, metadata: annotations } },
      },
    ],
    helmRepositories: [],
    kustomizations: [
      {
        apiVersion: "kustomize.toolkit.fluxcd.io/v1",
        kind: "Kustomization",
        metadata: { name: "istio", namespace: "flux-system", generation: 1 },
        spec: { sourceRef: { kind: "OCIRepository", name: "fleet" } },
        status: { observedGeneration: 1, conditions: ready, lastAppliedRevision: applied },
      },
    ],
    helmReleases: [],
    deployments: [],
    daemonSets: [],
    pods: [],
  });
  const told = {
    "org.opencontainers.image.revision": `main@sha1:${commit}`,
    "org.opencontainers.image.source": "https://gitlab.example.com/platform/fleet.git",
  };
  const proof = (given: ProofObjects) =>
    prove({ objects: given, landed: commit, contains: new Map([[commit, true]]), repository, expected: [] });

  test("count by the commit that they say they are from", () => {
    expect(revisionsToCheck(objects(told), repository)).toEqual([commit]);
    expect(proof(objects(told))).toMatchObject({ kind: "proven" });
  });

  test("ask for a person when they say none", () => {
    expect(proof(objects(undefined))).toMatchObject({ kind: "person", code: "no-origin" });
  });

  test("are not proven while an older artifact is applied", () => {
    expect(proof(objects(told, `latest@sha256:${"c".repeat(64)}`))).toMatchObject({
      kind: "waiting",
      code: "not-applied",
    });
  });
});

test.each([
  [`main@sha1:${"a".repeat(40)}`, "a".repeat(40)],
  [`refs/heads/main@sha1:${"a".repeat(40)}`, "a".repeat(40)],
  [`main/${"a".repeat(40)}`, "a".repeat(40)],
  [`sha1:${"a".repeat(40)}`, "a".repeat(40)],
  [`1.30.5@sha256:${"a".repeat(64)}`, undefined],
  ["1.30.5", undefined],
  [undefined, undefined],
])("the commit of %s is %s", (revision, commit) => {
  expect(commitOfText(revision)).toBe(commit);
});
