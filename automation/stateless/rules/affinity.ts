/** What binds a user to one instance. */
import { cloudRunOnly, everywhere, kubernetesOnly, type StatelessRule, warning } from "../rule.ts";
import type { Value } from "../value.ts";

const spread = "Keep sessions outside the instances and let every request go anywhere.";
const onIngress = (text: string | undefined): boolean =>
  text !== undefined && text !== "" && text !== "false" && text !== "none";

/** Annotations of Ingress controllers and of Services that they read. */
const cookieAnnotations: Readonly<Record<string, (text: string | undefined) => boolean>> = {
  "nginx.ingress.kubernetes.io/affinity": (text) => text === "cookie",
  "nginx.ingress.kubernetes.io/upstream-hash-by": onIngress,
  "nginx.com/sticky-cookie-services": onIngress,
  "nginx.org/sticky-cookie-services": onIngress,
  "ingress.kubernetes.io/affinity": (text) => text === "cookie",
  "haproxy-ingress.github.io/affinity": (text) => text === "cookie",
  "haproxy.org/cookie-persistence": onIngress,
  "traefik.ingress.kubernetes.io/service.sticky.cookie": (text) => text === "true",
  "traefik.ingress.kubernetes.io/affinity": (text) => text === "true",
  "projectcontour.io/load-balancer-policy": (text) => /^cookie$/i.test(text ?? ""),
  "konghq.com/hash-on": onIngress,
  "appgw.ingress.kubernetes.io/cookie-based-affinity": (text) => text === "true",
};
const stickinessAnnotations: Readonly<Record<string, RegExp>> = {
  "alb.ingress.kubernetes.io/target-group-attributes": /stickiness\.enabled=true/,
  "alb.ingress.kubernetes.io/actions.forward": /stickiness/i,
  "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes": /stickiness\.enabled=true/,
};
const balancers = new Set(["/Service", "networking.k8s.io/Ingress", "extensions/Ingress"]);

/** Policies of Google's balancer that hash or stick. */
const hashing: ReadonlySet<string> = new Set(["RING_HASH", "MAGLEV", "WEIGHTED_MAGLEV"]);
const backendTypes: ReadonlySet<string> = new Set([
  "gcp:compute/backendService:BackendService",
  "gcp:compute/regionBackendService:RegionBackendService",
]);

function sticks(value: Value): boolean {
  const text = value.text ?? "";
  return text !== "" && text.toUpperCase() !== "NONE";
}

export const affinityRules: readonly StatelessRule[] = [
  warning({
    id: "client-ip-affinity",
    class: "session-bound",
    fix: spread,
    platforms: kubernetesOnly,
    look({ group, kind, object }, sight) {
      if (group !== "" || kind !== "Service") return;
      const affinity = object.get("spec", "sessionAffinity");
      if (affinity.text === "ClientIP") sight(affinity, "The Service sends a client to the same pod each time");
    },
  }),
  warning({
    id: "cookie-affinity",
    class: "session-bound",
    fix: spread,
    platforms: kubernetesOnly,
    look({ group, kind, object }, sight) {
      if (balancers.has(`${group}/${kind}`)) {
        const annotations = object.get("metadata", "annotations");
        for (const [name, binds] of Object.entries(cookieAnnotations)) {
          const value = annotations.get(name);
          if (binds(value.text)) sight(value, `The annotation ${name} binds a user to one pod`);
        }
      }
      if (/^traefik\.(io|containo\.us)$/.test(group ?? "") && kind === "IngressRoute") {
        for (const route of object.get("spec", "routes").items) {
          for (const service of route.get("services").items) {
            const sticky = service.get("sticky");
            if (sticky.exists) sight(sticky, "The route binds a user to one pod by a cookie");
          }
        }
      }
    },
  }),
  warning({
    id: "load-balancer-stickiness",
    class: "session-bound",
    fix: spread,
    platforms: kubernetesOnly,
    look({ group, kind, object }, sight) {
      if (!balancers.has(`${group}/${kind}`)) return;
      for (const [name, pattern] of Object.entries(stickinessAnnotations)) {
        const value = object.get("metadata", "annotations", name);
        if (pattern.test(value.text ?? "")) sight(value, "The load balancer sends a user to the same target each time");
      }
    },
  }),
  warning({
    id: "consistent-hash",
    class: "session-bound",
    fix: spread,
    platforms: kubernetesOnly,
    look({ group, kind, object }, sight) {
      if (group !== "networking.istio.io" || kind !== "DestinationRule") return;
      const spec = object.get("spec");
      const policies = [spec, ...spec.get("subsets").items].map((holder) => holder.get("trafficPolicy"));
      for (const policy of policies.flatMap((value) => [value, ...value.get("portLevelSettings").items])) {
        const hash = policy.get("loadBalancer", "consistentHash");
        if (hash.exists) sight(hash, "Requests of one user go to the same pod by a hash");
      }
    },
  }),
  warning({
    id: "session-persistence",
    class: "session-bound",
    fix: spread,
    platforms: kubernetesOnly,
    look({ group, kind, object }, sight) {
      if (!/^gateway\.networking\.(x-)?k8s\.io$/.test(group ?? "")) return;
      const rules = /Route$/.test(kind) ? object.get("spec", "rules").items : [object.get("spec")];
      for (const rule of rules) {
        const persistence = rule.get("sessionPersistence");
        if (persistence.exists) sight(persistence, "The gateway sends a session to the same pod each time");
      }
    },
  }),
  warning({
    id: "google-backend-affinity",
    class: "session-bound",
    fix: "Leave the session affinity at NONE and the locality policy at its default.",
    platforms: everywhere,
    look({ group, kind, object }, sight) {
      const places: Value[] = [];
      if (group === undefined && backendTypes.has(kind)) {
        places.push(object.get("sessionAffinity"));
        const hash = object.get("consistentHash");
        if (hash.exists) sight(hash, "The balancer spreads by a hash of the request");
        const locality = object.get("localityLbPolicy");
        if (hashing.has(locality.text ?? ""))
          sight(locality, `The balancer spreads by ${locality.text}, a hash of the request`);
      }
      if (group === "cloud.google.com" && kind === "BackendConfig") {
        places.push(object.get("spec", "sessionAffinity", "affinityType"));
      }
      if (group === "networking.gke.io" && kind === "GCPBackendPolicy") {
        places.push(object.get("spec", "default", "sessionAffinity", "type"));
      }
      if (group === "networking.gke.io" && kind === "GCPSessionAffinityPolicy") {
        sight(object, "The policy binds a user to one pod");
      }
      for (const place of places) {
        if (sticks(place)) sight(place, `The balancer's session affinity is ${place.text}`);
      }
    },
  }),
  warning({
    id: "cloud-run-affinity",
    class: "session-bound",
    fix: "Leave session affinity off.",
    platforms: cloudRunOnly,
    look({ group, kind, object, workload }, sight) {
      const flag =
        group === "serving.knative.dev" && kind === "Service"
          ? object.get("spec", "template", "metadata", "annotations", "run.googleapis.com/sessionAffinity")
          : group === undefined && kind === "gcp:cloudrunv2/service:Service"
            ? workload?.spec.get("sessionAffinity")
            : undefined;
      if (flag?.isTrue) sight(flag, "Cloud Run sends a user to the same instance each time");
    },
  }),
];
