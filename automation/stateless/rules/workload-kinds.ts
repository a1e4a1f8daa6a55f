/** Kinds that stand for identity: a set with ordinals, one pod per node, a pod with a name, a lease. */
import { hard, kubernetesOnly, type StatelessRule, warning } from "../rule.ts";
import { madeByController } from "../subject.ts";

export const workloadKindRules: readonly StatelessRule[] = [
  hard({
    id: "stateful-set",
    fix: "Use a Deployment: nothing that is swapped may know its replicas by number.",
    platforms: kubernetesOnly,
    forbids: ["StatefulSet"],
    look({ group, kind, object }, sight) {
      if (group === "apps" && kind === "StatefulSet")
        sight(object, "A StatefulSet gives each replica a name and a place of its own");
    },
  }),
  warning({
    id: "daemon-set",
    class: "session-bound",
    fix: "Use a Deployment; what belongs on every node belongs to the cluster, not to the workload that is swapped.",
    platforms: kubernetesOnly,
    look({ group, kind, object }, sight) {
      if (group === "apps" && kind === "DaemonSet") sight(object, "A DaemonSet binds one instance to each node");
    },
  }),
  warning({
    id: "fixed-pod-name",
    class: "session-bound",
    fix: "Let a Deployment name the pods.",
    platforms: kubernetesOnly,
    look({ group, kind, object, workload }, sight) {
      if (workload?.kubernetes !== true) return;
      const bare = group === "" && kind === "Pod";
      // A pod that a controller made has a name by chance, and what it was made from is judged itself.
      if (bare && madeByController(object)) return;
      const name = object.get("metadata", "name");
      if (bare && name.exists) sight(name, "A pod of its own cannot be replaced before it ends");
      const hostname = workload.spec.get("hostname");
      if (hostname.exists)
        sight(hostname, `All pods are called ${hostname.text}, so only one can be found by that name`);
    },
  }),
  warning({
    id: "lease",
    class: "session-bound",
    fix: "Let every instance serve, or keep the election outside the platform (a conditional write in a database).",
    platforms: kubernetesOnly,
    look({ group, kind, object }, sight) {
      if (group === "coordination.k8s.io" && kind === "Lease")
        sight(object, "A lease names one instance as the leader");
    },
  }),
  warning({
    id: "leader-election",
    class: "session-bound",
    fix: "Let every instance serve, or keep the election outside the platform (a conditional write in a database).",
    platforms: kubernetesOnly,
    look({ group, object, kind, workload }, sight) {
      for (const container of [...(workload?.containers ?? [])]) {
        for (const word of container.words) {
          if (/(^|\s)--?(enable-)?leader-elect(ion)?(=true|\s|$)/.test(word.text ?? "")) {
            sight(word, "The instances elect one leader by a lease of this cluster");
          }
        }
        for (const { name, value } of container.env) {
          if (/LEADER_?ELECT(ION)?(_ENABLED?)?$/i.test(name) && value.isTrue) {
            sight(value, "The instances elect one leader by a lease of this cluster");
          }
        }
      }
      if (group !== "rbac.authorization.k8s.io" || (kind !== "Role" && kind !== "ClusterRole")) return;
      for (const rule of object.get("rules").items) {
        const leases = rule.get("resources").items.some(({ text }) => text === "leases");
        const writes = rule.get("verbs").items.some(({ text }) => /^(create|update|patch|\*)$/.test(text ?? ""));
        if (leases && writes) sight(rule, "The workload may write leases, as one does that elects a leader");
      }
    },
  }),
];
