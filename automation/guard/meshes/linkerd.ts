/**
 * Linkerd behind the port of meshes. Its charts are linkerd-crds, then linkerd-control-plane; proxies move when their pods restart, and may be
 * one logical version behind. It has no revisions. Pure.
 */
import { z } from "zod";
import type { Mesh, MeshHopRequest, MeshReading, MeshRoute, MeshStep, MeshVersions } from "../../ports/mesh.ts";
import { eksSupport, eksSupportOf } from "../plan/support.ts";
import { compareMinors, type Minor, minorParts, parseMinor } from "../plan/versions.ts";
import { jsonDocuments } from "./json-documents.ts";
import { linkerdSources, linkerdSupport, linkerdTableDate } from "./linkerd-support.ts";
import { compareParts, formatLinkerd, type LinkerdVersion, parseLinkerd } from "./linkerd-version.ts";
import { nameOf, podOf, tagOf, templateOf } from "./objects.ts";

/** A logical version comes about every half year. */
const staleAfterDays = 120;
const dayMs = 86_400_000;

const minors = linkerdSupport.map(({ minor }) => minor).toSorted(compareMinors);
const supportOf = (minor: Minor) => linkerdSupport.find((one) => one.minor === minor);
const holds = (minor: Minor, kubernetes: Minor): boolean => {
  const window = supportOf(minor)?.kubernetes;
  return (
    window !== undefined && compareMinors(window.from, kubernetes) <= 0 && compareMinors(kubernetes, window.to) <= 0
  );
};
const next = (minor: Minor): Minor => {
  const [major, low] = minorParts(minor);
  return `${major}.${low + 1}`;
};

const none = (reason: Extract<MeshRoute, { kind: "none" }>["reason"], message: string, fix: string): MeshRoute => ({
  kind: "none",
  reason,
  message,
  fix,
});

interface Known {
  readonly from: LinkerdVersion & { readonly minor: Minor };
  readonly to: LinkerdVersion & { readonly minor: Minor };
  readonly kubernetes: Minor;
}

function unknown(text: string): MeshRoute {
  return none(
    "unknown-version",
    `Linkerd "${text}" is not in the support table (${minors.at(0)} to ${minors.at(-1)}, edges from 24.2.4)`,
    `Compare the table with ${linkerdSources.versions} and add it.`,
  );
}

function look({ from, to, kubernetes, strategy }: MeshHopRequest): Known | MeshRoute {
  if (strategy === "revision")
    return none("strategy", "Linkerd has no revisions: one control plane is replaced", "Use the strategy in-place.");
  const [old, target, cluster] = [parseLinkerd(from), parseLinkerd(to), parseMinor(kubernetes)];
  if (old?.minor === undefined) return unknown(from);
  if (target?.minor === undefined) return unknown(to);
  if (cluster === undefined || eksSupportOf(cluster) === undefined)
    return none(
      "unknown-kubernetes",
      `Kubernetes ${kubernetes} is not in the EKS table (${eksSupport.at(-1)?.minor} to ${eksSupport.at(0)?.minor})`,
      "Compare the table with https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html and add it.",
    );
  const order = compareMinors(target.minor, old.minor);
  const downgrade =
    order < 0 || (order === 0 && target.channel === old.channel && compareParts(target.parts, old.parts) < 0);
  if (downgrade)
    return none("downgrade", `${to} is below ${from}: a plan goes up`, "To go back one hop, revert its merge request.");
  if (order === 0 && target.channel !== old.channel)
    return none(
      "other-channel",
      `${from} and ${to} are both Linkerd ${target.minor}, of different channels: which one is newer cannot be told`,
      "Go to the next logical version of the other channel.",
    );
  return { from: { ...old, minor: old.minor }, to: { ...target, minor: target.minor }, kubernetes: cluster };
}

/** In between: the edge with which a logical version begins, or its first stable release. */
function versionAt(minor: Minor, to: Known["to"]): string {
  if (minor === to.minor) return formatLinkerd(to);
  const edge = supportOf(minor)?.edge;
  return to.channel === "edge" && edge !== undefined
    ? formatLinkerd({ channel: "edge", parts: edge, minor })
    : `${minor}.0`;
}

/** One logical version at a time, EKS up only where the next one needs it: lower bounds never fall, so that late is never too late. */
function planHops(request: MeshHopRequest): MeshRoute {
  const known = look(request);
  if ("kind" in known) return known;
  const { from, to } = known;
  const startsOutside = !holds(from.minor, known.kubernetes);
  const steps: MeshStep[] = [];
  let [version, kubernetes] = [formatLinkerd(from), known.kubernetes];
  const noWay = (minor: Minor): MeshRoute => {
    const window = supportOf(minor)?.kubernetes;
    return none(
      "no-way",
      `no supported way from Linkerd ${request.from} on Kubernetes ${known.kubernetes} to ${request.to}: ` +
        `Linkerd ${minor} supports Kubernetes ${window?.from} to ${window?.to}`,
      "Install the target in a new cluster and move the workloads.",
    );
  };
  if (from.minor === to.minor) {
    if (version === formatLinkerd(to)) return { kind: "route", steps, startsOutside };
    if (startsOutside) return noWay(to.minor);
    return {
      kind: "route",
      steps: [{ kind: "mesh", from: version, to: formatLinkerd(to), kubernetes }],
      startsOutside,
    };
  }
  for (let minor = from.minor; minor !== to.minor; minor = next(minor)) {
    const goal = next(minor);
    const [here, window] = [supportOf(minor)?.kubernetes, supportOf(goal)?.kubernetes];
    if (here === undefined || window === undefined) return noWay(goal);
    while (compareMinors(kubernetes, window.from) < 0) {
      const up = next(kubernetes);
      if (compareMinors(up, here.to) > 0) return noWay(goal);
      steps.push({
        kind: "kubernetes",
        from: kubernetes,
        to: up,
        why: `Linkerd ${goal} needs Kubernetes ${window.from} to ${window.to}`,
      });
      kubernetes = up;
    }
    if (!holds(goal, kubernetes)) return noWay(goal);
    const reached = versionAt(goal, to);
    steps.push({ kind: "mesh", from: version, to: reached, kubernetes });
    version = reached;
  }
  return { kind: "route", steps, startsOutside };
}

/** `linkerd check --output json`; a document more for each group of extensions. */
const checks = z.array(
  z.looseObject({
    success: z.boolean(),
    categories: z
      .array(
        z.looseObject({
          categoryName: z.string(),
          checks: z
            .array(
              z.looseObject({
                description: z.string(),
                result: z.enum(["success", "warning", "error"]),
                error: z.string().optional(),
                hint: z.string().optional(),
              }),
            )
            .nullable(),
        }),
      )
      .nullable(),
  }),
);

function read({ exitCode, stdout }: { readonly exitCode: number; readonly stdout: string }): MeshReading {
  const documents = jsonDocuments(stdout);
  const unreadable = (why: string): MeshReading => ({ kind: "unreadable", why });
  if (documents === undefined) return unreadable("linkerd printed JSON that is cut off or broken");
  if (documents.length === 0) return unreadable("linkerd printed no JSON");
  const parsed = checks.safeParse(documents);
  if (!parsed.success) return unreadable("linkerd printed something else than checks");
  const results = parsed.data.flatMap(({ categories }) =>
    (categories ?? []).flatMap(({ categoryName, checks: made }) =>
      (made ?? []).map((one) => ({ ...one, category: categoryName })),
    ),
  );
  if (results.length === 0) return unreadable("linkerd made no check");
  const findings = results.flatMap(({ category, description, result, error = "", hint }) =>
    result === "success"
      ? []
      : [
          {
            level: result,
            check: category,
            subject: description,
            message: error,
            ...(hint === undefined ? {} : { link: hint }),
          },
        ],
  );
  const failed = findings.some(({ level }) => level === "error");
  const said = parsed.data.every(({ success }) => success);
  if (failed === said || failed === (exitCode === 0))
    return unreadable(
      `linkerd ended with status ${exitCode} and says ${said ? "success" : "failure"}, which its checks do not`,
    );
  return { kind: "findings", findings };
}

function versionsIn(objects: Parameters<Mesh["versionsIn"]>[0]): MeshVersions {
  const controlPlanes: MeshVersions["controlPlanes"][number][] = [];
  const proxies: MeshVersions["proxies"][number][] = [];
  const unread: string[] = [];
  for (const object of objects) {
    const template = templateOf(object);
    const controller =
      template?.label("linkerd.io/control-plane-component") === "destination"
        ? template.image("destination")
        : undefined;
    const pod = podOf(object);
    const proxy = pod?.image("linkerd-proxy");
    if (controller === undefined && proxy === undefined) continue;
    // A vendor's own tag of an image may differ; the injector's annotation is what it meant.
    const said = controller === undefined ? pod?.annotation("linkerd.io/proxy-version") : undefined;
    const version = parseLinkerd(said ?? tagOf(controller ?? proxy ?? "") ?? "");
    if (version === undefined) unread.push(nameOf(object));
    else if (template !== undefined)
      controlPlanes.push({ name: template.workload, revision: "", version: formatLinkerd(version) });
    else if (pod !== undefined) proxies.push({ workload: pod.workload, revision: "", version: formatLinkerd(version) });
  }
  return { controlPlanes, proxies, unread };
}

export const linkerdMesh: Mesh = {
  name: "linkerd",
  title: "Linkerd",
  strategies: ["in-place"],
  components: [
    { name: "crds", what: "crds", charts: ["linkerd-crds"] },
    { name: "cni", what: "node", charts: ["linkerd2-cni"] },
    { name: "control-plane", what: "control-plane", charts: ["linkerd-control-plane"] },
  ],

  readVersion(text) {
    const version = parseLinkerd(text);
    return version === undefined ? undefined : formatLinkerd(version);
  },

  planHops,

  /** "A skew of more than one major version between data plane and control plane is not supported." */
  skew(controlPlane, proxy) {
    const [plane, behind] = [parseLinkerd(controlPlane), parseLinkerd(proxy)];
    if (plane?.minor === undefined) return { ok: false, why: `"${controlPlane}" is not in Linkerd's support table` };
    if (behind?.minor === undefined) return { ok: false, why: `"${proxy}" is not in Linkerd's support table` };
    const versions = minors.indexOf(plane.minor) - minors.indexOf(behind.minor);
    // Edges promise nothing by their numbers, so that a newer one is ahead within a logical version, too.
    const ahead =
      versions < 0 ||
      (versions === 0 &&
        plane.channel === "edge" &&
        behind.channel === "edge" &&
        compareParts(behind.parts, plane.parts) > 0);
    if (ahead) return { ok: false, why: `the proxy (${proxy}) is ahead of its control plane (${controlPlane})` };
    return versions <= 1
      ? { ok: true }
      : {
          ok: false,
          why: `the proxy (${proxy}) is ${versions} logical versions behind its control plane (${controlPlane})`,
        };
  },

  precheck: {
    program: "linkerd",
    // Not --pre: that is for clusters without Linkerd, and fails where its namespace exists.
    arguments: ({ context, kubeconfig }) => [
      "check",
      "--proxy",
      "--output",
      "json",
      "--wait",
      "30s",
      "--context",
      context,
      ...(kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig]),
    ],
    read,
  },

  versionsIn,

  staleness(at) {
    const days = Math.floor((at - Date.parse(linkerdTableDate)) / dayMs);
    return days <= staleAfterDays
      ? undefined
      : `Linkerd's support table is of ${linkerdTableDate}, ${days} days ago: compare it with ${linkerdSources.versions}`;
  },
};
