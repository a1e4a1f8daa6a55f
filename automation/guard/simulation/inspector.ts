/** istioctl of a simulated cluster: versions as its pods have them, and messages that were planted. */
import { SwitchyardError } from "../../errors.ts";
import type { AnalysisMessage, MeshInspector, MeshVersions, ProxyStatus } from "../../ports/mesh-inspector.ts";
import { readControlPlanes } from "../facts/control-planes.ts";
import { readPods } from "../facts/pods.ts";
import { formatVersion } from "../plan/versions.ts";
import type { SimulatedCluster } from "./cluster.ts";

export class SimulatedInspector implements MeshInspector {
  readonly description: string;
  readonly #cluster: SimulatedCluster;
  readonly #client: string;
  analyzed: readonly AnalysisMessage[] = [];
  prechecked: readonly AnalysisMessage[] = [];
  /** Every call fails: istioctl-failed. */
  broken = false;

  /** `client`: version of istioctl. */
  constructor(cluster: SimulatedCluster, client: string) {
    this.description = `simulated istioctl ${client} at ${cluster.name}`;
    this.#cluster = cluster;
    this.#client = client;
  }

  async analyze(): Promise<readonly AnalysisMessage[]> {
    return this.#answer(this.analyzed);
  }

  async precheck(): Promise<readonly AnalysisMessage[]> {
    return this.#answer(this.prechecked);
  }

  async versions(): Promise<MeshVersions> {
    return this.#answer({
      client: this.#client,
      controlPlanes: this.#planes().map(({ revision, version }) => ({ revision, version: formatVersion(version) })),
      proxies: this.#proxies().map(({ id, version }) => ({ id, version })),
    });
  }

  async proxyStatus(): Promise<readonly ProxyStatus[]> {
    const planes = new Map(this.#planes().map(({ revision, version }) => [revision, formatVersion(version)]));
    return this.#answer(
      this.#proxies().map(({ id, version, revision }) => ({
        id,
        version,
        controlPlane: planes.get(revision) ?? "",
        state: planes.has(revision) ? "synced" : "unknown",
      })),
    );
  }

  #planes() {
    return readControlPlanes(this.#cluster.api.all({ apiVersion: "apps/v1", kind: "Deployment" }));
  }

  #proxies() {
    return readPods(this.#cluster.api.all({ apiVersion: "v1", kind: "Pod" })).flatMap(({ name, namespace, proxy }) =>
      proxy?.version === undefined
        ? []
        : [{ id: `${name}.${namespace}`, version: formatVersion(proxy.version), revision: proxy.revision }],
    );
  }

  #answer<T>(value: T): T {
    if (!this.broken) return value;
    throw new SwitchyardError("istioctl-failed", { message: `${this.description} did not answer in time` });
  }
}
