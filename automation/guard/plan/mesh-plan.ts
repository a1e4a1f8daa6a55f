/**
 * A plan for a mesh other than Istio, by its port alone: hops, EKS steps between them, a merge request for each component in its order, and what
 * skew and the mesh's own check say of the next hop. No rule book: what it cannot tell, a person has to look at. Pure.
 */
import { z } from "zod";
import type { Mesh, MeshStep } from "../../ports/mesh.ts";
import { linkerdMesh } from "../meshes/linkerd.ts";
import { linkerdSources } from "../meshes/linkerd-support.ts";
import { batchId, clusterId } from "../registry/record.ts";
import type { Verdict } from "../rules/book.ts";
import { instant, minorText } from "../rules/evidence.ts";
import { type Finding, some } from "../rules/rule.ts";
import { canonical, type Refusal } from "./plan.ts";
import { strategies } from "./support.ts";

const mesh: Mesh = linkerdMesh;

const version = z.string('must be text in quotes, for example "2026.6.3"').transform((text, context): string => {
  const read = mesh.readVersion(text);
  if (read !== undefined) return read;
  context.issues.push({
    code: "custom",
    input: text,
    message: `"${text}" is no whole version of ${mesh.title}, for example edge-26.6.3 or 2.19.6`,
  });
  return z.NEVER;
});

/** What a plan is made from. Evidence that is left out was not collected, and is undecided. */
export const meshPlanFile = z
  .strictObject({
    mesh: z.literal("linkerd"),
    batch: batchId,
    target: version.describe("The version to reach: edge-26.6.3, 2026.6.3, 2.19.6."),
    strategy: z.enum(strategies).default("in-place"),
    at: instant.optional().describe("The time for which is judged; default now."),
    clusters: z
      .array(
        z.strictObject({
          cluster: clusterId.describe("Its id in the registry."),
          version: version.describe("The version that runs."),
          kubernetes: minorText.describe("The minor that EKS runs."),
          cni: z.boolean().default(false).describe("Whether the chart linkerd2-cni is installed."),
          proxies: z
            .array(z.strictObject({ workload: z.string().min(1), version: z.string().min(1) }))
            .optional()
            .describe("Each proxy as it was found."),
          check: z
            .strictObject({ exitCode: z.number().int(), stdout: z.string() })
            .optional()
            .describe("What `linkerd check --proxy --output json` printed."),
        }),
      )
      .min(1)
      .max(1_000),
  })
  .superRefine(({ clusters }, context) => {
    for (const [index, { cluster }] of clusters.entries())
      if (clusters.findIndex((one) => one.cluster === cluster) < index)
        context.addIssue({
          code: "custom",
          path: ["clusters", index, "cluster"],
          message: `${cluster} stands there twice`,
        });
  });

export type MeshPlanRequest = z.output<typeof meshPlanFile>;
type ClusterRequest = MeshPlanRequest["clusters"][number];

type PlannedMeshStep =
  | Extract<MeshStep, { kind: "kubernetes" }>
  | (Extract<MeshStep, { kind: "mesh" }> & {
      /** In this order; proxies restart after the last one. */
      readonly mergeRequests: readonly { readonly title: string; readonly charts: readonly string[] }[];
    });

interface ClusterPlan {
  readonly cluster: string;
  readonly version: string;
  readonly kubernetes: string;
  readonly startsOutside: boolean;
  readonly steps: readonly PlannedMeshStep[];
  /** Of the next hop; undefined: there is none. */
  readonly next: Verdict | undefined;
}

export interface MeshPlan {
  readonly format: 1;
  readonly mesh: Mesh["name"];
  readonly batch: string;
  readonly target: string;
  /** The worst of its clusters. */
  readonly verdict: Verdict["kind"];
  readonly clusters: readonly ClusterPlan[];
  readonly warnings: readonly string[];
  readonly hash: string;
}

type Told = Omit<Finding, "link" | "rule"> & { readonly rule: "L01" | "L02" | "L03"; readonly link?: string };

/** Proxies must be with their control plane before it moves on, or a hop would leave them two versions behind. */
function skewFindings({ version: plane, proxies }: ClusterRequest, to: string): readonly Told[] {
  const base = { rule: "L01", check: "proxy-skew" } as const;
  if (proxies === undefined)
    return [
      {
        ...base,
        level: "undecided",
        subject: "proxies",
        evidence: "proxies were not collected",
        fix: "Collect them: what is not known counts as not passed.",
        missing: ["proxies"],
      },
    ];
  return [plane, to].flatMap((controlPlane): readonly Told[] => {
    const bad = proxies.flatMap((proxy) => {
      const answer = mesh.skew(controlPlane, proxy.version);
      return answer.ok ? [] : [{ workload: proxy.workload, why: answer.why }];
    });
    const [first] = bad;
    if (first === undefined) return [];
    return [
      {
        ...base,
        level: "block",
        subject: some(bad.map(({ workload }) => workload)),
        evidence: `${bad.length} of ${proxies.length} proxies, the first: ${first.why}`,
        fix:
          controlPlane === plane
            ? "Bring them and their control plane together before anything moves."
            : "Restart them before the control plane moves on.",
      },
    ];
  });
}

function checkFindings({ check: printed }: ClusterRequest): readonly Told[] {
  const base = { rule: "L02", check: "linkerd-check" } as const;
  const unknown = (evidence: string): Told => ({
    ...base,
    level: "undecided",
    subject: "check",
    evidence,
    fix: `Run: ${mesh.precheck.program} ${mesh.precheck.arguments({ context: "CONTEXT" }).join(" ")}`,
    missing: ["check"],
  });
  if (printed === undefined) return [unknown("it was not run")];
  const reading = mesh.precheck.read(printed);
  if (reading.kind === "unreadable") return [unknown(reading.why)];
  return reading.findings
    .filter(({ level }) => level !== "info")
    .map(({ level, check, subject, message, link }) => ({
      ...base,
      level: level === "error" ? "block" : "warn",
      subject: `${check}: ${subject}`,
      evidence: message,
      fix: "Do what its page says, and run the check again.",
      ...(link === undefined ? {} : { link }),
    }));
}

const order: readonly Finding["level"][] = ["block", "undecided", "warn", "manual"];

function judge(one: ClusterRequest, to: string): Verdict {
  const notes: Told = {
    rule: "L03",
    check: "release-notes",
    level: "manual",
    subject: `${one.version} to ${to}`,
    evidence: "numbers of edges say nothing of breaking changes; the notes of each release do",
    fix: "Read them, and those of a vendor's own distribution.",
    link: linkerdSources.releaseNotes,
  };
  const findings = [...skewFindings(one, to), ...checkFindings(one), notes]
    .map((told): Finding => ({ link: linkerdSources.upgrade, ...told }))
    .toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  const has = (level: Finding["level"]): boolean => findings.some((finding) => finding.level === level);
  return { kind: has("block") ? "blocked" : has("undecided") ? "undecided" : "passed", findings };
}

const titles = {
  crds: "CRDs",
  node: "node components",
  "control-plane": "control plane",
  gateway: "gateways",
} as const;

const mergeRequestsOf = ({ cni }: ClusterRequest) =>
  mesh.components
    .filter(({ what }) => cni || what !== "node")
    .map(({ what, charts }) => ({ title: titles[what], charts }));

function clusterPlan({ target, strategy }: MeshPlanRequest, one: ClusterRequest): ClusterPlan | Refusal {
  const { cluster, version: from, kubernetes } = one;
  const route = mesh.planHops({ from, to: target, kubernetes, strategy });
  if (route.kind === "none") return { cluster, message: route.message, fix: route.fix };
  const first = route.steps.find((step) => step.kind === "mesh");
  return {
    cluster,
    version: from,
    kubernetes,
    startsOutside: route.startsOutside,
    steps: route.steps.map((step) => (step.kind === "mesh" ? { ...step, mergeRequests: mergeRequestsOf(one) } : step)),
    next: first === undefined ? undefined : judge(one, first.to),
  };
}

/** What is hashed: texts of evidence change by the minute, what they led to does not. */
function identityOf({ mesh: name, batch, target, clusters }: Omit<MeshPlan, "hash">): unknown {
  return {
    mesh: name,
    batch,
    target,
    clusters: clusters.map(({ next, ...one }) => ({
      ...one,
      next: next?.findings.map(({ rule, check, level, subject }) => [rule, check, level, subject]) ?? [],
    })),
  };
}

/** `at`: now, ms since the epoch, for when the request names no time. `digest`: hex of a text. */
export function makeMeshPlan(
  request: MeshPlanRequest,
  at: number,
  digest: (text: string) => string,
):
  | { readonly kind: "plan"; readonly plan: MeshPlan }
  | { readonly kind: "refused"; readonly refusals: readonly Refusal[] } {
  const made = request.clusters.map((one) => clusterPlan(request, one));
  const refusals = made.filter((one) => "message" in one);
  if (refusals.length > 0) return { kind: "refused", refusals };
  const clusters = made.filter((one) => "steps" in one);
  const kinds = clusters.flatMap(({ next }) => next?.kind ?? []);
  const stale = mesh.staleness(request.at ?? at);
  const plan = {
    format: 1,
    mesh: mesh.name,
    batch: request.batch,
    target: request.target,
    verdict: (["blocked", "undecided"] as const).find((kind) => kinds.includes(kind)) ?? "passed",
    clusters,
    warnings: stale === undefined ? [] : [stale],
  } as const;
  return { kind: "plan", plan: { ...plan, hash: digest(canonical(identityOf(plan))) } };
}
