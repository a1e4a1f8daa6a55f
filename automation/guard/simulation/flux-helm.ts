/** helm-controller of the simulated cluster: brings releases to what their HelmReleases say, and says how that went. */
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import { components } from "../rules/evidence.ts";
import { at, fieldsAt, isFields, listAt, numberAt, textAt } from "./dig.ts";
import {
  type Condition,
  componentOfChart,
  conditions,
  dependsOn,
  generationOf,
  helmReleaseType,
  instant,
  isReady,
  isSuspended,
  ociRepositoryType,
  withStatus,
} from "./flux-objects.ts";
import type { SimulatedKubernetes } from "./kubernetes.ts";
import type { InstalledRelease, SimulatedMesh } from "./mesh.ts";
import type { Timeline } from "./timeline.ts";
import type { Workload } from "./workload.ts";

export interface HelmSurroundings {
  readonly api: SimulatedKubernetes;
  readonly time: Timeline;
  readonly mesh: SimulatedMesh;
  /** How long an upgrade takes besides its rollout, s. */
  readonly helmSeconds: number;
  /** Releases whose next upgrades fail, and what Flux then does. */
  readonly failing: ReadonlyMap<string, "stalled" | "remediated">;
}

interface Wanted extends InstalledRelease {
  readonly chart: string;
  /** As Flux writes it into the history: with the digest for charts of an OCIRepository. */
  readonly written: string;
}

const retry = 10_000;
/** Longest wait of Helm for a rollout. */
const patience = 300_000;

export class HelmController {
  readonly #around: HelmSurroundings;
  readonly #busy = new Set<string>();
  /** Values and version of the last success, by release. */
  readonly #done = new Map<string, Wanted>();

  constructor(around: HelmSurroundings) {
    this.#around = around;
  }

  /** As after installations that are long over. */
  settle(): void {
    const found = this.#around.api.all(helmReleaseType).flatMap((object) => {
      const wanted = this.#wanted(object);
      return wanted === undefined ? [] : [{ object, wanted }];
    });
    const rank = ({ wanted }: { readonly wanted: Wanted }): number => components.indexOf(wanted.component);
    for (const { object, wanted } of found.toSorted((a, b) => rank(a) - rank(b))) {
      this.#around.mesh.install(wanted);
      this.#succeeded(object, wanted, "install");
    }
  }

  reconcile(name: string, namespace: string): void {
    const { api, time } = this.#around;
    const object = api.peek(helmReleaseType, name, namespace);
    const key = `${namespace}/${name}`;
    if (object === undefined || isSuspended(object) || this.#busy.has(key)) return;
    const waitsFor = dependsOn(object).find((one) => !isReady(api.peek(helmReleaseType, one.name, one.namespace)));
    const wanted = this.#wanted(object);
    if (waitsFor !== undefined || wanted === undefined) {
      this.#say(object, [
        {
          type: "Ready",
          status: "False",
          reason: waitsFor === undefined ? "ArtifactFailed" : "DependencyNotReady",
          message:
            waitsFor === undefined
              ? "the chart has no version"
              : `dependency '${waitsFor.namespace}/${waitsFor.name}' is not ready`,
        },
      ]);
      if (waitsFor !== undefined) time.after(retry, () => this.reconcile(name, namespace));
      return;
    }
    const attempted = numberAt(object, "status", "observedGeneration") === generationOf(object);
    const gaveUp = has(object, "Stalled") || has(object, "Remediated");
    if (attempted && gaveUp) return;
    const failedLast = gaveUp || textAt(listAt(object, "status", "history")[0], "status") === "failed";
    if (isSame(this.#done.get(key), wanted) && !failedLast) {
      if (!isReady(object)) this.#succeeded(object, wanted, undefined);
      return;
    }
    this.#begin(object, wanted);
  }

  removed(object: KubernetesObject): void {
    const wanted = this.#wanted(object);
    const key = `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
    this.#done.delete(key);
    if (wanted !== undefined) this.#around.mesh.uninstall(wanted);
  }

  #begin(object: KubernetesObject, wanted: Wanted): void {
    const { time, helmSeconds } = this.#around;
    const { name, namespace = "" } = object.metadata;
    this.#busy.add(`${namespace}/${name}`);
    this.#say(
      object,
      [
        { type: "Reconciling", status: "True", reason: "Progressing", message: "Running 'upgrade' action" },
        { type: "Ready", status: "Unknown", reason: "Progressing", message: "Running 'upgrade' action" },
      ],
      ["Stalled", "Remediated"],
      {
        lastAttemptedGeneration: generationOf(object),
        lastAttemptedRevision: wanted.written,
        lastAttemptedReleaseAction: "upgrade",
      },
    );
    time.after(helmSeconds * 1_000, (now) => {
      const failure = this.#around.failing.get(name);
      if (failure === "stalled") this.#failed(name, namespace, wanted, "stalled");
      else this.#follow(name, namespace, wanted, this.#around.mesh.install(wanted), now + patience);
    });
  }

  /** Helm waits for the rollout of what it installed. */
  #follow(name: string, namespace: string, wanted: Wanted, workload: Workload | undefined, until: number): void {
    const { api, time, failing } = this.#around;
    const failure = failing.get(name);
    const settled = workload === undefined || workload.settled;
    if (!settled && time.now < until && failure === undefined) {
      time.after(5_000, () => this.#follow(name, namespace, wanted, workload, until));
      return;
    }
    const object = api.peek(helmReleaseType, name, namespace);
    if (object === undefined) return;
    if (settled && failure === undefined) {
      this.#busy.delete(`${namespace}/${name}`);
      this.#succeeded(object, wanted, "upgrade");
      this.reconcile(name, namespace);
      return;
    }
    const retries = numberAt(object, "spec", "upgrade", "remediation", "retries") ?? 0;
    const retriesOnly = textAt(object, "spec", "upgrade", "strategy", "name") === "RetryOnFailure";
    this.#failed(name, namespace, wanted, failure ?? (retriesOnly ? "failed" : retries > 0 ? "remediated" : "stalled"));
  }

  #failed(name: string, namespace: string, wanted: Wanted, how: "stalled" | "remediated" | "failed"): void {
    const { api, mesh, time } = this.#around;
    const key = `${namespace}/${name}`;
    this.#busy.delete(key);
    const object = api.peek(helmReleaseType, name, namespace);
    if (object === undefined) return;
    const message = `Helm upgrade failed for release ${namespace}/${wanted.name} with chart ${wanted.chart}@${wanted.written}: context deadline exceeded`;
    const before = this.#done.get(key);
    if (how === "remediated" && before !== undefined) mesh.install(before);
    const history = listAt(object, "status", "history");
    const failures = (numberAt(object, "status", "failures") ?? 0) + 1;
    const entries =
      how === "remediated" && before !== undefined
        ? [
            entryOf(before, "rollback", "deployed", history, time.now),
            entryOf(wanted, "upgrade", "failed", history, time.now),
          ]
        : [entryOf(wanted, "upgrade", "failed", history, time.now)];
    this.#say(
      object,
      [
        {
          type: "Ready",
          status: "False",
          reason: how === "remediated" ? "RollbackSucceeded" : "UpgradeFailed",
          message,
        },
        { type: "Released", status: "False", reason: "UpgradeFailed", message },
        ...(how === "stalled"
          ? [
              {
                type: "Stalled",
                status: "True",
                reason: "RetriesExceeded",
                message: "Failed to upgrade after 1 attempt(s)",
              } as const,
            ]
          : []),
        ...(how === "remediated"
          ? [
              {
                type: "Remediated",
                status: "True",
                reason: "RollbackSucceeded",
                message: "Helm rollback succeeded",
              } as const,
            ]
          : []),
      ],
      ["Reconciling"],
      {
        observedGeneration: generationOf(object),
        failures,
        upgradeFailures: failures,
        history: [...entries, ...history].slice(0, 5),
      },
    );
    if (how === "failed") time.after(30_000, () => this.reconcile(name, namespace));
  }

  #succeeded(object: KubernetesObject, wanted: Wanted, action: "install" | "upgrade" | undefined): void {
    const history = listAt(object, "status", "history");
    const now = this.#around.time.now;
    this.#done.set(`${object.metadata.namespace ?? ""}/${object.metadata.name}`, wanted);
    const message = `Helm ${action ?? "upgrade"} succeeded for release ${wanted.namespace}/${wanted.name} with chart ${wanted.chart}@${wanted.written}`;
    const reason = action === "install" ? "InstallSucceeded" : "UpgradeSucceeded";
    this.#say(
      object,
      [
        { type: "Ready", status: "True", reason, message },
        { type: "Released", status: "True", reason, message },
      ],
      ["Reconciling", "Stalled", "Remediated"],
      {
        observedGeneration: generationOf(object),
        lastAttemptedGeneration: generationOf(object),
        lastAttemptedRevision: wanted.written,
        failures: 0,
        history:
          action === undefined
            ? history
            : [entryOf(wanted, action, "deployed", history, now), ...history.map(superseded)].slice(0, 5),
      },
    );
  }

  #say(object: KubernetesObject, set: readonly Condition[], gone: readonly string[] = [], change = {}): void {
    const { api, time } = this.#around;
    api.setStatus(object, withStatus(object, { conditions: conditions(object, time.now, set, gone), ...change }));
  }

  #wanted(object: KubernetesObject): Wanted | undefined {
    const { name, namespace = "" } = object.metadata;
    const reference = fieldsAt(object, "spec", "chartRef");
    const source =
      textAt(reference, "kind") === "OCIRepository"
        ? this.#around.api.peek(
            ociRepositoryType,
            textAt(reference, "name") ?? "",
            textAt(reference, "namespace") ?? namespace,
          )
        : undefined;
    const chart =
      source === undefined
        ? textAt(object, "spec", "chart", "spec", "chart")
        : textAt(source, "spec", "url")?.split("/").at(-1);
    const version =
      source === undefined ? textAt(object, "spec", "chart", "spec", "version") : textAt(source, "spec", "ref", "tag");
    const component = chart === undefined ? undefined : componentOfChart(chart);
    if (chart === undefined || version === undefined || component === undefined) return undefined;
    return {
      component,
      chart,
      version,
      written: source === undefined ? version : `${version}+9f2b1c4d5e6f`,
      name: textAt(object, "spec", "releaseName") ?? name,
      namespace: textAt(object, "spec", "targetNamespace") ?? namespace,
      values: at(object, "spec", "values"),
    };
  }
}

const has = (object: KubernetesObject, type: string): boolean =>
  listAt(object, "status", "conditions").some(
    (one) => textAt(one, "type") === type && textAt(one, "status") === "True",
  );

function isSame(one: Wanted | undefined, other: Wanted): boolean {
  return (
    one !== undefined &&
    one.written === other.written &&
    (one.values === other.values || JSON.stringify(one.values) === JSON.stringify(other.values))
  );
}

const superseded = (entry: unknown): unknown =>
  isFields(entry) && entry["status"] === "deployed" ? { ...entry, status: "superseded" } : entry;

const entryOf = (
  wanted: Wanted,
  action: "install" | "upgrade" | "rollback",
  status: "deployed" | "failed",
  history: readonly unknown[],
  now: number,
): unknown => ({
  name: wanted.name,
  namespace: wanted.namespace,
  chartName: wanted.chart,
  chartVersion: wanted.written,
  appVersion: wanted.version,
  version: (numberAt(history[0], "version") ?? 0) + 1,
  status,
  action,
  firstDeployed: textAt(history.at(-1), "firstDeployed") ?? instant(now),
  lastDeployed: instant(now),
});
