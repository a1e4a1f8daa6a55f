/** What ties a pod to a node. */
import { hard, kubernetesOnly, type StatelessRule, warning } from "../rule.ts";
import { madeByController, type Subject } from "../subject.ts";
import type { Value } from "../value.ts";

/** The pod spec of what may choose its node; a pod that a controller made is where the scheduler put it. */
function podSpec({ group, kind, object, workload }: Subject): Value | undefined {
  if (workload?.kubernetes !== true) return undefined;
  const made = group === "" && kind === "Pod" && madeByController(object);
  return made ? undefined : workload.spec;
}

const anyNode = "Let the scheduler choose; what needs one node cannot be on two platforms.";
const hostLabel = "kubernetes.io/hostname";

export const hostRules: readonly StatelessRule[] = [
  hard({
    id: "host-network",
    fix: "Use a Service; Cloud Run and Autopilot have no network of the node.",
    platforms: kubernetesOnly,
    look({ workload }, sight) {
      if (workload?.kubernetes !== true) return;
      const flag = workload.spec.get("hostNetwork");
      if (flag.isTrue) sight(flag, "The pod takes the node's network, so that one node holds one of them");
    },
  }),
  hard({
    id: "host-port",
    fix: "Use a Service; drop hostPort.",
    platforms: kubernetesOnly,
    look({ workload }, sight) {
      if (workload?.kubernetes !== true) return;
      for (const { value } of [...workload.containers, ...workload.initContainers]) {
        for (const port of value.get("ports").items) {
          const host = port.get("hostPort");
          // 0 is the API's way to say none.
          if (host.exists && host.number !== 0) sight(host, `Port ${host.text} of the node has one owner`);
        }
      }
    },
  }),
  hard({
    id: "one-node",
    fix: anyNode,
    platforms: kubernetesOnly,
    look(subject, sight) {
      const volumeAffinity =
        subject.group === "" && subject.kind === "PersistentVolume"
          ? subject.object.get("spec", "nodeAffinity", "required", "nodeSelectorTerms").items
          : [];
      const spec = podSpec(subject);
      if (spec !== undefined) {
        const name = spec.get("nodeName");
        if ((name.text ?? "") !== "") sight(name, `The pod runs on the node ${name.text} and no other`);
        const label = spec.get("nodeSelector", hostLabel);
        if (label.exists) sight(label, `The pod runs on the node ${label.text} and no other`);
      }
      const required = spec?.get("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution");
      for (const term of [...(required?.get("nodeSelectorTerms").items ?? []), ...volumeAffinity]) {
        for (const expression of [...term.get("matchExpressions").items, ...term.get("matchFields").items]) {
          const key = expression.get("key").text;
          const one = key === hostLabel || key === "metadata.name";
          if (one && expression.get("operator").text === "In" && expression.get("values").items.length === 1) {
            sight(expression, "One node is named, and no other will do");
          }
        }
      }
    },
  }),
  warning({
    id: "host-namespaces",
    class: "session-bound",
    fix: "Drop hostPID and hostIPC.",
    platforms: kubernetesOnly,
    look({ workload }, sight) {
      if (workload?.kubernetes !== true) return;
      for (const name of ["hostPID", "hostIPC"]) {
        const flag = workload.spec.get(name);
        if (flag.isTrue) sight(flag, `${name} lets the pod see the node's other processes`);
      }
    },
  }),
  warning({
    id: "privileged",
    class: "session-bound",
    fix: "Drop privileged; ask for the one capability that is needed.",
    platforms: kubernetesOnly,
    look({ workload }, sight) {
      if (workload?.kubernetes !== true) return;
      for (const { value } of [...workload.containers, ...workload.initContainers]) {
        const flag = value.get("securityContext", "privileged");
        if (flag.isTrue) sight(flag, "A privileged container can change the node that it is on");
      }
    },
  }),
];
