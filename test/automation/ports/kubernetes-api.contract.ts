import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesApi, KubernetesObject, RestartedWorkload } from "../../../automation/ports/kubernetes-api.ts";
import type { Manifest } from "../../support/kubernetes/control-plane.ts";

/** One cluster with Flux's types and the namespaces default, web and shop. */
export interface KubernetesApiFixture {
  readonly api: KubernetesApi;
  /** The same cluster for somebody who may do nothing. */
  readonly refused: KubernetesApi;
  /** A cluster that does not answer. */
  readonly unreachable: KubernetesApi;
  /** Creates objects, with their status. */
  seed(manifests: readonly Manifest[]): Promise<void>;
  remove(manifest: Manifest): Promise<void>;
  /** What a container of a seeded pod has written. */
  write(pod: { readonly namespace: string; readonly name: string; readonly container: string }, text: string): void;
  close(): Promise<void>;
}

const configMap = (namespace: string, name: string, labels: Readonly<Record<string, string>> = {}): Manifest => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace, labels },
  data: { key: name },
});

const template = {
  metadata: { labels: { app: "it" }, annotations: { "example.com/kept": "yes" } },
  spec: { containers: [{ name: "app", image: "example.com/app:1" }] },
};

const workload = ({ kind, namespace, name }: RestartedWorkload): Manifest => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name, namespace },
  spec: {
    selector: { matchLabels: { app: "it" } },
    template,
    ...(kind === "StatefulSet" ? { serviceName: "it" } : {}),
  },
});

const gitRepository: Manifest = {
  apiVersion: "source.toolkit.fluxcd.io/v1",
  kind: "GitRepository",
  metadata: { name: "fleet", namespace: "web", annotations: { "example.com/kept": "yes" } },
  spec: { url: "https://git.example.com/fleet", interval: "1m" },
  status: { observedGeneration: 1, artifact: { revision: "main@sha1:0123456789012345678901234567890123456789" } },
};

const first = "2026-12-01T10:00:00Z";
const second = "2026-12-01T10:05:00Z";
const flux = { apiVersion: gitRepository.apiVersion, kind: gitRepository.kind };
const configMaps = { apiVersion: "v1", kind: "ConfigMap" };

function namesOf(objects: readonly KubernetesObject[] | undefined): readonly string[] {
  return (objects ?? []).map(({ metadata }) => metadata.name).toSorted();
}

/** What every Kubernetes API has to do. */
export function kubernetesApiContract(name: string, create: () => Promise<KubernetesApiFixture>): void {
  describe(`a Kubernetes API: ${name}`, () => {
    let cluster: KubernetesApiFixture;
    beforeAll(async () => {
      cluster = await create();
    });
    afterAll(() => cluster?.close());

    it("says which minor it is, that it is ready, and where it is", async () => {
      expect(await cluster.api.version()).toMatch(/^1\.\d+$/);
      expect(await cluster.api.failingChecks()).toEqual([]);
      expect(cluster.api.description).toMatch(/Kubernetes/);
    });

    it("does not know a type that the cluster does not have, whether by its group, its version or its kind", async () => {
      for (const type of [
        { apiVersion: "nothing.example.com/v1", kind: "Thing" },
        { apiVersion: "apps/v9", kind: "Deployment" },
        { apiVersion: "v1", kind: "Thing" },
      ]) {
        expect(await cluster.api.list(type), type.apiVersion).toBeUndefined();
        expect(await cluster.api.get(type, "a", "web"), type.apiVersion).toBeUndefined();
        await expect(cluster.api.reconcile(type, "a", "web", first)).rejects.toMatchObject({ code: "cluster-refused" });
      }
    });

    it("lists nothing of a type that is known, and knows it", async () => {
      await cluster.seed([configMap("web", "passing")]);
      await cluster.remove(configMap("web", "passing"));
      expect(await cluster.api.list(configMaps, { namespace: "web" })).toEqual([]);
      expect(await cluster.api.get(configMaps, "passing", "web")).toBeUndefined();
    });

    it("lists all objects over all pages, each with its type, place and content", async () => {
      const names = Array.from({ length: 7 }, (_, index) => `list-${index}`);
      await cluster.seed(names.map((one) => configMap("shop", one, { suite: "list" })));
      const found = await cluster.api.list(configMaps, { namespace: "shop" });
      expect(namesOf(found)).toEqual(names);
      for (const object of found ?? [])
        expect(object).toMatchObject({
          ...configMaps,
          metadata: { namespace: "shop", labels: { suite: "list" } },
          data: { key: object.metadata.name },
        });
    });

    it("lists one namespace or all, and those that fit a selector", async () => {
      await cluster.seed([
        configMap("web", "select-a", { suite: "select", tier: "front" }),
        configMap("web", "select-b", { suite: "select", tier: "back" }),
        configMap("default", "select-c", { suite: "select" }),
      ]);
      const select = async (labelSelector: string, namespace?: string) =>
        namesOf(await cluster.api.list(configMaps, { labelSelector, ...(namespace && { namespace }) }));
      expect(await select("suite=select")).toEqual(["select-a", "select-b", "select-c"]);
      expect(await select("suite=select", "web")).toEqual(["select-a", "select-b"]);
      expect(await select("suite=select,tier=front")).toEqual(["select-a"]);
      expect(await select("suite=select,tier!=front")).toEqual(["select-b", "select-c"]);
      expect(await select("suite=select,tier in (front,back)")).toEqual(["select-a", "select-b"]);
      expect(await select("suite=select,!tier")).toEqual(["select-c"]);
    });

    it("reads objects that are in no namespace", async () => {
      const namespaces = { apiVersion: "v1", kind: "Namespace" };
      expect(namesOf(await cluster.api.list(namespaces))).toEqual(expect.arrayContaining(["default", "shop", "web"]));
      expect(await cluster.api.get(namespaces, "web", undefined)).toMatchObject({
        ...namespaces,
        metadata: { name: "web" },
      });
      expect(await cluster.api.list(namespaces, { namespace: "web" })).toEqual([]);
    });

    it("reads custom objects with the status that their controller wrote", async () => {
      await cluster.seed([gitRepository]);
      const { spec, status } = gitRepository;
      expect(await cluster.api.get(flux, "fleet", "web")).toMatchObject({ ...flux, spec, status });
      expect(await cluster.api.list(flux)).toMatchObject([{ ...flux, metadata: { name: "fleet" }, spec, status }]);
      expect(await cluster.api.get(flux, "fleet", "shop")).toBeUndefined();
    });

    it.each(["Deployment", "StatefulSet", "DaemonSet"] as const)(
      "restarts a %s once for one instant, and touches nothing else",
      async (kind) => {
        const one = { kind, namespace: "web", name: `restart-${kind.toLowerCase()}` };
        await cluster.seed([workload(one)]);
        const read = () => cluster.api.get({ apiVersion: "apps/v1", kind }, one.name, one.namespace);
        const generation = async (): Promise<number> => Number((await read())?.metadata["generation"]);
        const before = await read();
        const made = await generation();
        await cluster.api.restart(one, first);
        expect(await read()).toMatchObject({
          metadata: { name: one.name, generation: made + 1 },
          spec: {
            template: {
              metadata: {
                labels: { app: "it" },
                annotations: { "example.com/kept": "yes", "kubectl.kubernetes.io/restartedAt": first },
              },
              spec: { containers: [{ name: "app", image: "example.com/app:1" }] },
            },
          },
        });
        expect(before).not.toHaveProperty([
          "spec",
          "template",
          "metadata",
          "annotations",
          "kubectl.kubernetes.io/restartedAt",
        ]);
        await cluster.api.restart(one, first);
        expect(await generation()).toBe(made + 1);
        await cluster.api.restart(one, second);
        expect(await generation()).toBe(made + 2);
      },
    );

    it("does not restart what is not there", async () => {
      const one = { kind: "Deployment", namespace: "web", name: "nowhere" } as const;
      await expect(cluster.api.restart(one, first)).rejects.toMatchObject({
        code: "cluster-refused",
        message: expect.stringContaining("web/nowhere"),
      });
    });

    it("asks Flux to look now, which changes no generation", async () => {
      await cluster.seed([gitRepository]);
      const read = () => cluster.api.get(flux, "fleet", "web");
      const before = (await read())?.metadata["generation"];
      await cluster.api.reconcile(flux, "fleet", "web", first);
      const annotations = { "example.com/kept": "yes", "reconcile.fluxcd.io/requestedAt": first };
      expect(await read()).toMatchObject({ metadata: { generation: before, annotations } });
      await expect(cluster.api.reconcile(flux, "nowhere", "web", first)).rejects.toMatchObject({
        code: "cluster-refused",
      });
    });

    it("gives the end of a container's log, and nothing where there is none", async () => {
      const pod = { namespace: "web", name: "logs", container: "discovery" };
      await cluster.seed([
        {
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name: pod.name, namespace: pod.namespace },
          spec: { nodeName: "node-1", containers: [{ name: pod.container, image: "example.com/istiod:1" }] },
        },
      ]);
      const lines = Array.from(
        { length: 400 },
        (_, index) => `line ${index} of what istiod says, and it is a long one`,
      );
      const log = `${lines.join("\n")}\n`;
      cluster.write(pod, log);
      const limit = { sinceSeconds: 3_600, bytes: 100_000 };
      expect(await cluster.api.logs(pod, limit)).toBe(log);
      const end = (await cluster.api.logs(pod, { ...limit, bytes: 500 })) ?? "";
      expect(Buffer.byteLength(end)).toBeLessThanOrEqual(500);
      expect(end.length).toBeGreaterThan(400);
      expect(log.endsWith(end)).toBe(true);
      expect(await cluster.api.logs({ ...pod, container: "other" }, limit)).toBeUndefined();
      expect(await cluster.api.logs({ ...pod, name: "nowhere" }, limit)).toBeUndefined();
    });

    it("says that it is refused where the credentials may not", async () => {
      const { refused } = cluster;
      const code = { code: "cluster-refused" };
      await expect(refused.list(configMaps)).rejects.toMatchObject(code);
      await expect(refused.get(flux, "fleet", "web")).rejects.toMatchObject(code);
      await expect(refused.restart({ kind: "Deployment", namespace: "web", name: "a" }, first)).rejects.toMatchObject(
        code,
      );
      await expect(refused.reconcile(flux, "fleet", "web", first)).rejects.toMatchObject(code);
    });

    it("says that there is no answer where there is none", async () => {
      const { unreachable } = cluster;
      const code = { code: "cluster-unreachable" };
      await expect(unreachable.version()).rejects.toMatchObject(code);
      await expect(unreachable.failingChecks()).rejects.toMatchObject(code);
      await expect(unreachable.list(configMaps)).rejects.toMatchObject(code);
    });

    it("stops when it is told to", async () => {
      const reason = new Error("stopped by a test");
      const signal = AbortSignal.abort(reason);
      await expect(cluster.api.list(configMaps, {}, signal)).rejects.toBe(reason);
      await expect(cluster.api.version(signal)).rejects.toBe(reason);
    });
  });
}
