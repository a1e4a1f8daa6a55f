/** Istio behind the port of meshes: the planner and the tables that its rules use. Pure. */
import { z } from "zod";
import type { Mesh, MeshReading, MeshRoute, MeshVersions } from "../../ports/mesh.ts";
import { planHops, type Route } from "../plan/hops.ts";
import { staleness, strategies } from "../plan/support.ts";
import { formatVersion, minorOf, minorsBetween, parseMinor, parseVersion } from "../plan/versions.ts";
import { jsonDocuments } from "./json-documents.ts";
import { nameOf, type PodView, podOf, tagOf, templateOf } from "./objects.ts";

const known = (text: string, field: string): MeshRoute => ({
  kind: "none",
  reason: "unknown-version",
  message: `${field} "${text}" is no whole version of Istio`,
  fix: "Write all three parts, for example 1.31.1.",
});

const reasons = { "unknown-istio": "unknown-version" } as const;

function asMeshRoute(route: Route): MeshRoute {
  if (route.kind === "none") {
    const { reason } = route;
    return { ...route, reason: reason === "unknown-istio" ? reasons[reason] : reason };
  }
  return { ...route, steps: route.steps.map((step) => (step.kind === "istio" ? { ...step, kind: "mesh" } : step)) };
}

/** As istioctl 1.31 prints them; `message` and `documentationUrl` may be missing in older ones. */
const messages = z.array(
  z.looseObject({
    code: z.string().regex(/^IST\d{4}$/),
    level: z.enum(["Info", "Warning", "Error"]),
    origin: z.string().default(""),
    message: z.string().default(""),
    documentationUrl: z.string().optional(),
  }),
);

const levels = { Info: "info", Warning: "warning", Error: "error" } as const;

/** Nothing on stdout and exit status 0 is clean; messages come with status 1 when one is a warning or worse. */
function read({ exitCode, stdout }: { readonly exitCode: number; readonly stdout: string }): MeshReading {
  const documents = jsonDocuments(stdout);
  if (documents === undefined) return { kind: "unreadable", why: "istioctl printed JSON that is cut off or broken" };
  const parsed = z.array(messages).safeParse(documents);
  if (!parsed.success) return { kind: "unreadable", why: "istioctl printed something else than messages" };
  const findings = parsed.data.flat().map(({ code, level, origin, message, documentationUrl }) => ({
    level: levels[level],
    check: code,
    subject: origin,
    message,
    ...(documentationUrl === undefined ? {} : { link: documentationUrl }),
  }));
  if (exitCode === 0 || (exitCode === 1 && findings.some(({ level }) => level !== "info")))
    return { kind: "findings", findings };
  return { kind: "unreadable", why: `istioctl ended with status ${exitCode} and without a message that says why` };
}

/** The revision that a proxy was injected for; `default` is the one without a name. */
function revisionOf(pod: PodView): string {
  const found = pod.annotation("istio.io/rev") ?? pod.label("istio.io/rev") ?? "";
  return found === "default" ? "" : found;
}

function versionsIn(objects: Parameters<Mesh["versionsIn"]>[0]): MeshVersions {
  const controlPlanes: MeshVersions["controlPlanes"][number][] = [];
  const proxies: MeshVersions["proxies"][number][] = [];
  const unread: string[] = [];
  for (const object of objects) {
    const template = templateOf(object);
    const pilot = template?.label("app") === "istiod" ? template.image("discovery") : undefined;
    const pod = podOf(object);
    const image = pilot ?? pod?.image("istio-proxy");
    if (image === undefined) continue;
    const version = parseVersion(tagOf(image) ?? "");
    if (version === undefined) unread.push(nameOf(object));
    else if (template !== undefined)
      controlPlanes.push({
        name: template.workload,
        revision: revisionOf(template),
        version: formatVersion(version),
      });
    else if (pod !== undefined)
      proxies.push({ workload: pod.workload, revision: revisionOf(pod), version: formatVersion(version) });
  }
  return { controlPlanes, proxies, unread };
}

export const istioMesh: Mesh = {
  name: "istio",
  title: "Istio",
  strategies,
  components: [
    { name: "base", what: "crds", charts: ["base"] },
    { name: "istiod", what: "control-plane", charts: ["istiod"] },
    { name: "cni", what: "node", charts: ["cni"] },
    { name: "ztunnel", what: "node", charts: ["ztunnel"] },
    { name: "gateway", what: "gateway", charts: ["gateway"] },
  ],

  readVersion(text) {
    const version = parseVersion(text);
    return version === undefined ? undefined : formatVersion(version);
  },

  planHops({ from, to, kubernetes, strategy, nodeProxies = false }) {
    const [old, target, minor] = [parseVersion(from), parseVersion(to), parseMinor(kubernetes)];
    if (old === undefined) return known(from, "from");
    if (target === undefined) return known(to, "to");
    if (minor === undefined)
      return {
        kind: "none",
        reason: "unknown-kubernetes",
        message: `"${kubernetes}" is no version of Kubernetes`,
        fix: "Write it as 1.33.",
      };
    return asMeshRoute(planHops({ from: old, to: target, kubernetes: minor, strategy, ambient: nodeProxies }));
  },

  skew(controlPlane, proxy) {
    const [plane, behind] = [parseVersion(controlPlane), parseVersion(proxy)];
    if (plane === undefined || behind === undefined)
      return { ok: false, why: `"${plane === undefined ? controlPlane : proxy}" is no whole version` };
    const minors = minorsBetween(minorOf(behind), minorOf(plane));
    if (minors === undefined) return { ok: false, why: `${proxy} and ${controlPlane} are of different majors` };
    if (minors < 0) return { ok: false, why: `the proxy (${proxy}) is ahead of its control plane (${controlPlane})` };
    return minors <= 1
      ? { ok: true }
      : { ok: false, why: `the proxy (${proxy}) is ${minors} minors behind its control plane (${controlPlane})` };
  },

  precheck: {
    program: "istioctl",
    arguments: ({ context, kubeconfig }) => [
      "experimental",
      "precheck",
      "--output",
      "json",
      "--context",
      context,
      ...(kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig]),
    ],
    read,
  },

  versionsIn,
  staleness,
};
