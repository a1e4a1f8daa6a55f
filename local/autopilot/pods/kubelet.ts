import type { Clock } from "../../runtime/clock.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Controller } from "../control-loop.ts";
import type { ObjectStore } from "../object-store.ts";
import { CONFIG_MAP, POD, SECRET, SECRET_PROVIDER_CLASS } from "../objects/kinds.ts";
import type { Pod } from "../objects/pod.ts";
import { podStatus } from "./pod-status.ts";
import type { PodDiagnosis } from "./pod-worker.ts";
import { PodWorker } from "./pod-worker.ts";
import type { ProbeTransport } from "./probe-transport.ts";

export interface KubeletOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly runtime: Runtime;
  readonly transport: ProbeTransport;
}

/** Runs the pods that have a node. */
export interface Kubelet extends Controller {
  /** http://127.0.0.1:PORT of the pod's container while it runs. */
  originOf(pod: Pod): string | undefined;
  diagnosisOf(pod: Pod): PodDiagnosis | undefined;
  close(graceMs: number): Promise<void>;
}

export function createKubelet({ store, clock, runtime, transport }: KubeletOptions): Kubelet {
  /** By the pod's uid: a name may come again. */
  const workers = new Map<string, PodWorker>();

  function workerFor(pod: Pod): PodWorker {
    const { uid, namespace, name } = pod.metadata;
    const existing = workers.get(uid);
    if (existing !== undefined) return existing;
    const stored = () => {
      const found = store.get(POD, namespace, name);
      return found?.metadata.uid === uid ? found : undefined;
    };
    const worker = new PodWorker(pod, {
      runtime,
      clock,
      transport,
      sources: {
        configMap: (map) => store.get(CONFIG_MAP, namespace, map),
        secret: (secret) => store.get(SECRET, namespace, secret),
      },
      secretClass: (secretClass) => store.get(SECRET_PROVIDER_CLASS, namespace, secretClass),
      onView(view) {
        const current = stored();
        if (current === undefined) return;
        store.update(POD, { ...current, status: podStatus(current, view, clock.now()) }, "status");
      },
      onGone() {
        workers.delete(uid);
        if (stored() !== undefined) store.remove(POD, namespace, name);
      },
    });
    workers.set(uid, worker);
    return worker;
  }

  return {
    reconcile() {
      for (const pod of store.list(POD)) {
        const scheduled = pod.spec.nodeName !== undefined;
        if (scheduled || pod.metadata.deletionTimestamp !== undefined) workerFor(pod).sync(pod);
      }
    },
    originOf: (pod) => workers.get(pod.metadata.uid)?.origin,
    diagnosisOf: (pod) => workers.get(pod.metadata.uid)?.diagnosis,
    async close(graceMs) {
      await Promise.all([...workers.values()].map((worker) => worker.close(graceMs)));
    },
  };
}
