import type { ObjectStore } from "../object-store.ts";
import type { Kind } from "../objects/kinds.ts";
import { DEPLOYMENT, POD, REPLICA_SET, SERVICE } from "../objects/kinds.ts";
import type { ApiObject } from "../objects/metadata.ts";
import { isOwnedBy } from "../objects/metadata.ts";
import type { Pod } from "../objects/pod.ts";
import { isPodActive } from "../objects/pod.ts";
import { POD_TEMPLATE_HASH } from "../objects/workloads.ts";
import type { Kubelet } from "../pods/kubelet.ts";
import { templateHash } from "../rollout/template-hash.ts";
import { endpointPods } from "../service-network.ts";
import type { ObservedPod, Readiness } from "./readiness.ts";
import { deploymentReadiness, podReadiness, serviceReadiness } from "./readiness.ts";

/** The function that says of a stored object whether it is ready; kinds that nobody waits for are. */
export function createReadiness(
  store: ObjectStore,
  kubelet: Pick<Kubelet, "diagnosisOf">,
): (kind: Kind, object: ApiObject) => Readiness {
  const observe = (pod: Pod): ObservedPod => ({ pod, diagnosis: kubelet.diagnosisOf(pod) });

  function ofDeployment(namespace: string, name: string): Readiness {
    const deployment = store.get(DEPLOYMENT, namespace, name);
    if (deployment === undefined) return { state: "waiting", reasons: [] };
    const hash = templateHash(deployment.spec.template);
    const newest = store
      .list(REPLICA_SET, namespace)
      .find((set) => isOwnedBy(set, deployment) && set.metadata.labels[POD_TEMPLATE_HASH] === hash);
    const pods =
      newest === undefined
        ? []
        : store.list(POD, namespace).filter((pod) => isOwnedBy(pod, newest) && isPodActive(pod));
    return deploymentReadiness(deployment, newest, pods.map(observe));
  }

  function ofService(namespace: string, name: string): Readiness {
    const service = store.get(SERVICE, namespace, name);
    if (service === undefined) return { state: "waiting", reasons: [] };
    const pods = store.list(POD, namespace);
    const selector = Object.entries(service.spec.selector ?? {});
    const selected = pods.filter((pod) => selector.every(([key, value]) => pod.metadata.labels[key] === value));
    return serviceReadiness(service, endpointPods(service, pods), selected.map(observe));
  }

  return (kind, object) => {
    const { namespace, name } = object.metadata;
    if (kind === DEPLOYMENT) return ofDeployment(namespace, name);
    if (kind === SERVICE) return ofService(namespace, name);
    if (kind === POD) {
      const pod = store.get(POD, namespace, name);
      return pod === undefined ? { state: "waiting", reasons: [] } : podReadiness(observe(pod));
    }
    return { state: "ready" };
  };
}
