/** A cluster as the registry has it, and where it stands in a run. Kept as one item, written on condition. Pure. */
import { z } from "zod";
import { someThresholds } from "../judge/thresholds.ts";
import { guardStates } from "./state-names.ts";

const text = z.string().min(1).max(2_000);
const ms = z.number().int().nonnegative();
const count = z.number().int().nonnegative();

/** Stands in branches and keys. */
export const clusterId = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?$/,
    "must be lower-case letters, digits and dashes, for example prod-eu-1",
  );
export const batchId = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be lower-case letters, digits and dashes, for example prod-wave-1",
  );
const version = z.string().regex(/^\d+\.\d+\.\d+$/, "must be a whole version in quotes, for example 1.30.5");

/** What people enter. Names on the wire are in snake_case, as in the requirement. */
export const clusterEntry = z.strictObject({
  clusterId,
  batchId,
  environment: text,
  region: text,
  gitlabRepo: z.string().regex(/^[\w.-]+(?:\/[\w.-]+)+$/, "must be group/project"),
  /** Folder (or file) below which Flux reads this cluster. */
  fluxConfigPath: text,
  awsRoleArn: z
    .string()
    .regex(/^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, "must be the ARN of a role")
    .optional(),
  /** Name in EKS; default the id. */
  eksCluster: text.optional(),
  /** Instead of EKS. */
  kubeconfig: z.strictObject({ path: text, context: text }).optional(),
  currentIstioVersion: version,
  datadogTags: z.record(z.string(), z.string()).default({}),
  production: z.boolean().default(true),
  ambient: z.boolean().default(false),
  /** `mesh_id` of a mesh over several clusters; default its own. */
  meshId: text.optional(),
  mesh: z.enum(["istio", "linkerd"]).default("istio"),
});

const mergeRequestMark = z.strictObject({
  repository: text,
  branch: text,
  iid: count,
  url: text,
  /** Commit that the branch began at. */
  base: text,
  /** Our commit on the branch. */
  commit: text,
  landed: text.optional(),
  mergedAt: ms.optional(),
});

/** Limits of a soak. */
const soak = z.strictObject({ startedAt: ms, endsAt: ms, extended: z.boolean() });

/** One merge request's worth of a run. */
const step = z.strictObject({
  /** Index in the hop's merge requests, from 0. */
  index: count,
  /** From 1; a closed merge request ends an attempt. */
  attempt: z.number().int().positive(),
  checkedAt: ms.optional(),
  /** Document with the evidence of those checks and what the rules said. */
  evidence: text.optional(),
  mergeRequest: mergeRequestMark.optional(),
  /** Why the open merge request is a draft: the checks that were made again did not pass. */
  held: text.optional(),
  /** Document with the edits that were committed: what a rollback takes back. */
  edits: text.optional(),
});

const rollback = z.strictObject({
  reason: text,
  /** A person's name, or a gate. */
  askedBy: text,
  askedAt: ms,
  /** The data plane had moved: the skew window is measured. */
  dataPlaneMoved: z.boolean(),
  attempt: z.number().int().positive(),
  mergeRequest: mergeRequestMark.optional(),
  /** Proxies or node components ahead of their control plane, from and to. */
  skewFrom: ms.optional(),
  skewTo: ms.optional(),
});

/** Whether guard restarts the workloads, or says which are left. */
export const restartMode = z.enum(["automatic", "manual"]);

/** A run of one hop of a stored plan. */
export const runRecord = z.strictObject({
  plan: text,
  /** Index among the plan's steps of this cluster. */
  hop: count,
  from: version,
  to: version,
  strategy: z.enum(["in-place", "revision"]),
  startedAt: ms,
  /** Whether the cluster has merge requests of its own; missing: as the settings say. */
  alone: z.boolean().optional(),
  /** How many of the batch had come to `to` when it began: a later region has merge requests of its own. Missing: none. */
  cohort: count.optional(),
  /** Clusters of the batch that stay out until it ends. */
  without: z.array(text).optional(),
  /** Limits that were said where the run began; the others are the settings'. */
  thresholds: someThresholds.optional(),
  /** How workloads restart, where that was said; else as the settings say. */
  restart: restartMode.optional(),
  step,
  /** Steps whose merge requests landed, oldest first. */
  landed: z.array(step),
  /** Document with the baseline. */
  baseline: text.optional(),
  soak: soak.optional(),
  /** Workloads that guard restarted in this step, or on the way back, `Kind namespace/name`. */
  restarted: z.array(text).default([]),
  restartingSince: ms.optional(),
  /** The instant that its restarts carry. */
  restartMark: text.optional(),
  rollback: rollback.optional(),
  /** Why it waits or stopped, for people. */
  note: text.optional(),
  /** Document with the last validation. */
  validation: text.optional(),
  /** Document with what its failure looked like, or that of the cluster with which it goes back; it is kept a while after it is named. */
  bundle: text.optional(),
});

export const transitionRecord = z.strictObject({
  at: ms,
  event: text,
  from: z.enum(guardStates),
  to: z.enum(guardStates),
  by: text,
  note: text.optional(),
});

export const clusterRecord = z.strictObject({
  entry: clusterEntry,
  state: z.enum(guardStates),
  pausedFrom: z.enum(guardStates).optional(),
  /** When it came into its state. */
  since: ms,
  run: runRecord.optional(),
  /** The newest transitions, oldest first; the store keeps older ones apart. */
  history: z.array(transitionRecord),
  /** How many are kept apart. */
  archived: count.optional(),
});

export type ClusterEntry = z.output<typeof clusterEntry>;
export type MergeRequestMark = z.output<typeof mergeRequestMark>;
export type RestartMode = z.output<typeof restartMode>;
export type RunStep = z.output<typeof step>;
export type RunRecord = z.output<typeof runRecord>;
export type TransitionRecord = z.output<typeof transitionRecord>;
export type ClusterRecord = z.output<typeof clusterRecord>;
