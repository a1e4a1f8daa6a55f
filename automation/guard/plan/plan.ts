/**
 * A plan: for each cluster of a batch the hops, the EKS steps between them, the merge requests of each hop, the upgrade notes that
 * touch it, and what the rules say of its next hop. Its hash is quoted by everything that is done for it. Pure.
 */
import { z } from "zod";
import { judge, type Verdict } from "../rules/book.ts";
import {
  type Component,
  components,
  type Evidence,
  evidenceFile,
  instant,
  minorText,
  type Situation,
  versionText,
} from "../rules/evidence.ts";
import { noteRule } from "../rules/notes.ts";
import { ask, type Finding } from "../rules/rule.ts";
import { unprovenOrder } from "../rules/sources.ts";
import { planHops, type Step } from "./hops.ts";
import { type Strategy, staleness, strategies } from "./support.ts";
import { compareVersions, formatVersion, type Minor, parseVersion, type Version } from "./versions.ts";

/** Stands in branches, so that it keeps to what a branch may hold. */
const id = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be lower-case letters, digits and dashes, for example prod-wave-1",
  );

const clusterEntry = z
  .strictObject({
    cluster: id.describe("Its id in the registry."),
    production: z.boolean().describe("Whether rules that only warn elsewhere block here."),
    istio: versionText.describe("The version that runs."),
    kubernetes: minorText.describe("The minor that EKS runs."),
    ambient: z.boolean().default(false).describe("Whether it runs ztunnel."),
    evidence: evidenceFile
      .default({})
      .describe("What was collected; a section that is left out makes rules undecided."),
  })
  .superRefine(({ kubernetes, ambient, evidence }, context) => {
    const differ = (path: readonly string[], message: string): void =>
      context.addIssue({ code: "custom", path: [...path], message });
    if (evidence.kubernetes !== undefined && evidence.kubernetes.minor !== kubernetes)
      differ(
        ["evidence", "kubernetes", "minor"],
        `says ${evidence.kubernetes.minor}, and kubernetes says ${kubernetes}`,
      );
    if (evidence.ambient !== undefined && evidence.ambient.used !== ambient)
      differ(["evidence", "ambient", "used"], `says ${evidence.ambient.used}, and ambient says ${ambient}`);
  });

/** What a plan is made from. */
export const planFile = z
  .strictObject({
    mesh: z.literal("istio").optional().describe("Default istio; mesh-plan.ts has the others."),
    batch: id,
    target: versionText.describe("The version to reach."),
    strategy: z.enum(strategies).default("in-place"),
    at: instant.optional().describe("The time for which is judged; default now."),
    clusters: z.array(clusterEntry).min(1).max(1_000),
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

export type PlanRequest = z.output<typeof planFile>;
type ClusterRequest = PlanRequest["clusters"][number];

/** What a merge request of a hop does; `share` in percent of the namespaces. */
export type StepKind =
  | { readonly kind: "all" | "crds" | "control-plane" | "gateways" }
  | { readonly kind: "new-revision" | "canary-tag" | "node-components" | "default-revision" | "remove-old" }
  | { readonly kind: "share"; readonly share: number };

export interface PlannedMergeRequest {
  readonly title: string;
  readonly step: StepKind;
  /** What it moves. */
  readonly components: readonly Component[];
}

export type PlannedStep =
  | Extract<Step, { kind: "kubernetes" }>
  | (Extract<Step, { kind: "istio" }> & {
      readonly mergeRequests: readonly PlannedMergeRequest[];
      /** Upgrade notes that touch this cluster, that cannot be told, or that a person has to look at. */
      readonly notes: readonly Finding[];
    });

/** A file that the next hop changes, and everyone who reads it. */
export interface PlannedFile {
  readonly repository: string;
  readonly path: string;
  readonly readers: readonly string[];
  /** `place: before -> after` */
  readonly changes: readonly string[];
}

interface ClusterPlan {
  readonly cluster: string;
  readonly istio: string;
  readonly kubernetes: Minor;
  /** It is outside its present Istio's window of Kubernetes. */
  readonly startsOutside: boolean;
  readonly steps: readonly PlannedStep[];
  /** That the next hop changes; undefined where no repository was read. */
  readonly files?: readonly PlannedFile[] | undefined;
  /** Of the next hop, on today's evidence; later hops are judged when they are due. undefined: there is none. */
  readonly next: Verdict | undefined;
}

export interface Plan {
  readonly format: 1;
  readonly batch: string;
  readonly target: string;
  readonly strategy: Strategy;
  /** The worst of its clusters: one that is blocked stops the batch. */
  readonly verdict: Verdict["kind"];
  readonly clusters: readonly ClusterPlan[];
  readonly warnings: readonly string[];
  /** Of what is to be done and what the rules said, not of when it was looked at. */
  readonly hash: string;
}

export interface Refusal {
  readonly cluster: string;
  readonly message: string;
  readonly fix: string;
}

export type Planned =
  | { readonly kind: "plan"; readonly plan: Plan }
  /** No way for some clusters: the batch has no plan. */
  | { readonly kind: "refused"; readonly refusals: readonly Refusal[] };

/** Percent of the namespaces that are at the new revision after each step. */
const shares = [10, 50, 90, 100] as const;

/** In place: one where Flux keeps the order, else one each. By revision: the series that keeps the old one until nothing names it. */
function mergeRequestsOf(
  strategy: Strategy,
  stepwise: boolean,
  present: readonly Component[],
): readonly PlannedMergeRequest[] {
  const of = (...wanted: Component[]): readonly Component[] => present.filter((one) => wanted.includes(one));
  const nodes = of("cni", "ztunnel");
  const gateways = of("gateway");
  if (strategy === "in-place") {
    if (!stepwise) return [{ title: "all components", step: { kind: "all" }, components: present }];
    const requests: readonly PlannedMergeRequest[] = [
      { title: "CRDs", step: { kind: "crds" }, components: of("base") },
      { title: "control plane", step: { kind: "control-plane" }, components: of("istiod", "cni", "ztunnel") },
      { title: "gateways", step: { kind: "gateways" }, components: gateways },
    ];
    return requests.filter((one) => one.components.length > 0);
  }
  return [
    { title: "CRDs", step: { kind: "crds" }, components: of("base") },
    { title: "new revision beside the old", step: { kind: "new-revision" }, components: of("istiod") },
    { title: "canary tag", step: { kind: "canary-tag" }, components: [] },
    ...shares.map(
      (share): PlannedMergeRequest => ({
        title: `new revision for ${share} % of the namespaces`,
        step: { kind: "share", share },
        components: [],
      }),
    ),
    // A node has one of each: they follow when no workload is left with a control plane older than they become (rule 4).
    ...(nodes.length === 0
      ? []
      : [{ title: "node components", step: { kind: "node-components" }, components: nodes } as const]),
    { title: "gateways", step: { kind: "gateways" }, components: gateways },
    { title: "default revision", step: { kind: "default-revision" }, components: of("base") },
    { title: "old revision removed", step: { kind: "remove-old" }, components: of("istiod") },
  ];
}

/** The order is taken for unproven where nobody read the files. */
export const isStepwise = ({ git }: Evidence, strategy: Strategy): boolean =>
  strategy === "revision" || git === undefined || unprovenOrder(git).length > 0;

function componentsOf({ git }: Evidence, ambient: boolean): readonly Component[] {
  const found =
    git?.releases.map(({ component }) => component) ??
    (ambient ? components : (["base", "istiod", "gateway"] as const));
  return components.filter((one) => found.includes(one));
}

interface Asked extends PlanRequest {
  readonly stepwise: boolean;
}

function situationOf(
  request: Asked,
  one: ClusterRequest,
  step: Extract<Step, { kind: "istio" }>,
  at: number,
): Situation {
  const version = (text: string, otherwise: Version): Version => parseVersion(text) ?? otherwise;
  return {
    cluster: one.cluster,
    at,
    production: one.production,
    hop: {
      from: version(step.from, one.istio),
      to: version(step.to, request.target),
      strategy: request.strategy,
      final: step.to === formatVersion(request.target),
      stepwise: request.stepwise,
    },
    evidence: one.evidence,
  };
}

function clusterPlan(request: Asked, one: ClusterRequest, at: number, files: Files): ClusterPlan | Refusal {
  const { strategy, target } = request;
  const route = planHops({ from: one.istio, to: target, kubernetes: one.kubernetes, strategy, ambient: one.ambient });
  if (route.kind === "none") return { cluster: one.cluster, message: route.message, fix: route.fix };
  const steps = route.steps.map((step): PlannedStep => {
    if (step.kind === "kubernetes") return step;
    const situation = situationOf(request, one, step, at);
    return {
      ...step,
      mergeRequests: mergeRequestsOf(strategy, situation.hop.stepwise, componentsOf(one.evidence, one.ambient)),
      notes: ask(noteRule, situation),
    };
  });
  const first = route.steps.find((step) => step.kind === "istio");
  const changed = files.get(one.cluster);
  return {
    cluster: one.cluster,
    istio: formatVersion(one.istio),
    kubernetes: one.kubernetes,
    startsOutside: route.startsOutside,
    steps,
    ...(changed === undefined ? {} : { files: changed }),
    next: first === undefined ? undefined : judge(situationOf(request, one, first, at)),
  };
}

const worst = (clusters: readonly ClusterPlan[]): Verdict["kind"] => {
  const kinds = clusters.flatMap(({ next }) => next?.kind ?? []);
  return kinds.find((kind) => kind === "blocked") ?? kinds.find((kind) => kind === "undecided") ?? "passed";
};

function warningsOf(request: PlanRequest, at: number): readonly string[] {
  const stale = staleness(at);
  const versions = request.clusters.map(({ istio }) => istio).toSorted(compareVersions);
  const [oldest, newest] = [versions.at(0), versions.at(-1)];
  return [
    ...(stale === undefined ? [] : [stale]),
    ...(oldest !== undefined && newest !== undefined && compareVersions(oldest, newest) !== 0
      ? [
          `the batch begins at different versions, ${formatVersion(oldest)} to ${formatVersion(newest)}: its clusters are not at the same step`,
        ]
      : []),
  ];
}

/** What of a plan is hashed: text of evidence changes by the minute, what it led to does not. */
function identity({ batch, target, strategy, clusters }: Omit<Plan, "hash">): unknown {
  const said = (findings: readonly Finding[]) =>
    findings.map(({ rule, check, level, subject }) => [rule, check, level, subject]);
  return {
    batch,
    target,
    strategy,
    clusters: clusters.map(({ cluster, istio, kubernetes, steps, files, next }) => ({
      cluster,
      istio,
      kubernetes,
      files,
      steps: steps.map((step) => (step.kind === "istio" ? { ...step, notes: said(step.notes) } : step)),
      next: next === undefined ? [] : said(next.findings),
    })),
  };
}

/** The same text for the same value, whatever order its keys were put in. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}

/** The hash that a plan must have; a stored one with another was changed. */
export const hashOf = (plan: Omit<Plan, "hash">, digest: (text: string) => string): string =>
  digest(canonical(identity(plan)));

type Files = ReadonlyMap<string, readonly PlannedFile[]>;

/**
 * `at`: now, ms since the epoch, for when the request names no time. `digest`: hex of a text. `files`: what the next hop changes in
 * Git, by cluster.
 */
export function makePlan(
  request: PlanRequest,
  at: number,
  digest: (text: string) => string,
  files: Files = new Map(),
): Planned {
  const when = request.at ?? at;
  // A batch moves by the same steps: where one cluster's Flux keeps no order, guard keeps it for all.
  const stepwise = request.clusters.some(({ evidence }) => isStepwise(evidence, request.strategy));
  const made = request.clusters.map((one) => clusterPlan({ ...request, stepwise }, one, when, files));
  const refusals = made.filter((one) => "message" in one);
  if (refusals.length > 0) return { kind: "refused", refusals };
  const clusters = made.filter((one) => "steps" in one);
  const plan = {
    format: 1,
    batch: request.batch,
    target: formatVersion(request.target),
    strategy: request.strategy,
    verdict: worst(clusters),
    clusters,
    warnings: warningsOf(request, when),
  } as const;
  return { kind: "plan", plan: { ...plan, hash: hashOf(plan, digest) } };
}

/** Stands for a plan that is only being made: it has no steps. */
export const noPlan = (target: string): Plan => ({
  format: 1,
  batch: "none",
  target,
  strategy: "in-place",
  verdict: "undecided",
  clusters: [],
  warnings: [],
  hash: "none",
});
