/** How instances begin, end and are held open. */
import { everywhere, kubernetesOnly, type StatelessRule, warning } from "../rule.ts";

const longestEnd = 600;

export const lifecycleRules: readonly StatelessRule[] = [
  warning({
    id: "recreate-strategy",
    class: "session-bound",
    fix: "Make two instances able to run side by side, and use RollingUpdate.",
    platforms: kubernetesOnly,
    look({ group, kind, object }, sight) {
      if (group !== "apps" || kind !== "Deployment") return;
      const type = object.get("spec", "strategy", "type");
      if (type.text === "Recreate")
        sight(type, "The old instance must end before the new one starts, and a swap runs both at once");
    },
  }),
  warning({
    id: "long-termination",
    class: "session-bound",
    fix: "End within 600 s: hand long work to a queue outside the instance.",
    platforms: kubernetesOnly,
    look({ workload }, sight) {
      if (workload?.kubernetes !== true) return;
      const grace = workload.spec.get("terminationGracePeriodSeconds");
      if ((grace.number ?? 0) > longestEnd)
        sight(grace, `An instance may take ${grace.number} s to end, more than ${longestEnd}`);
      for (const { value } of workload.containers) {
        const hook = value.get("lifecycle", "preStop");
        const pause = hook.get("sleep", "seconds");
        if ((pause.number ?? 0) > longestEnd)
          sight(pause, `The preStop hook sleeps for ${pause.number} s, more than ${longestEnd}`);
        const command = hook.get("exec", "command");
        const words = command.items.map(({ text }) => text ?? "").join(" ");
        const asleep = Number(/\bsleep\s+(\d+)/.exec(words)?.[1] ?? 0);
        if (asleep > longestEnd) sight(command, `The preStop hook sleeps for ${asleep} s, more than ${longestEnd}`);
      }
    },
  }),
  warning({
    id: "web-socket-only",
    class: "session-bound",
    fix: "Let clients reconnect and resume from a store outside the instance, or offer plain HTTP beside it.",
    platforms: everywhere,
    look({ group, kind, object }, sight) {
      if (group === "" && kind === "Service") {
        const ports = object.get("spec", "ports");
        const sockets = ports.items.filter(
          (port) =>
            /^kubernetes\.io\/wss?$/.test(port.get("appProtocol").text ?? "") ||
            /^(wss?|websockets?)(-|$)/.test(port.get("name").text ?? ""),
        );
        if (sockets.length > 0 && sockets.length === ports.items.length) {
          sight(ports, "Every port is for WebSockets, and a connection ends with its instance");
        }
      }
      if (group === "networking.k8s.io" && kind === "Ingress") {
        const value = object.get("metadata", "annotations", "nginx.org/websocket-services");
        if (value.exists) sight(value, "The Ingress is for WebSockets, and a connection ends with its instance");
      }
    },
  }),
];
