/**
 * Which workloads restart next, so that their proxies take the version of a control plane that has moved: waves that wait for each
 * other, budgets kept, stopped by the first that does not come back. Decided anew at each look from what the cluster shows. Pure.
 */
import type { RestartedWorkload } from "../../ports/kubernetes-api.ts";
import { timeOf } from "../facts/objects.ts";
import { disruptionsAllowed, type MeshWorkload, proxyVersionText } from "../facts/workloads.ts";
import type { Strategy } from "../plan/support.ts";
import { formatVersion, type Version } from "../plan/versions.ts";
import { belongsTo, hasMoved, proxiesByVersion, type Rest, whyStays } from "../proof/proxies-by-version.ts";
import type { GuardConfig } from "../settings.ts";

export interface RestartInput {
  /** ms since the epoch. */
  readonly now: number;
  readonly workloads: readonly MeshWorkload[];
  /** The control plane that has moved; an empty revision for the one without. */
  readonly plane: { readonly revision: string; readonly version: Version };
  readonly strategy: Strategy;
  /** Default all. */
  readonly scope?: "all" | "gateways" | "workloads";
  /** `restartMark` of the record: the instant that its restarts carry. */
  readonly mark: string;
  /** `restarted` of the record, `Kind namespace/name`. */
  readonly restarted: readonly string[];
  readonly settings: GuardConfig["restart"];
}

/** What a workload waits for. */
export interface Held {
  /** `Deployment shop/cart` */
  readonly workload: string;
  readonly why: string;
}

export type RestartDecision =
  /** To be restarted with the mark now; `held`: what cannot yet. */
  | { readonly kind: "restart"; readonly workloads: readonly RestartedWorkload[]; readonly held: readonly Held[] }
  | { readonly kind: "waiting"; readonly for: readonly Held[] }
  /** All have moved but these. */
  | { readonly kind: "done"; readonly rest: readonly Rest[] }
  | { readonly kind: "failed"; readonly workload: string; readonly why: string }
  /** A person restarts these, in this order. */
  | { readonly kind: "manual"; readonly left: readonly string[] };

type Restartable = MeshWorkload & {
  readonly kind: RestartedWorkload["kind"];
  readonly rollout: NonNullable<MeshWorkload["rollout"]>;
};

export function decideRestart(input: RestartInput): RestartDecision {
  const { now, plane, settings } = input;
  const { scope = "all" } = input;
  const own = input.workloads
    .filter((one) => belongsTo(one, plane.revision))
    .filter(({ gateway }) => scope === "all" || gateway === (scope === "gateways"));
  const movable = own.filter(isRestartable).filter((one) => whyStays(one, settings.exclude_namespaces) === undefined);
  const left = inOrder(
    movable.filter((one) => !isThere(one, input)),
    input.strategy,
  );
  const done = (): RestartDecision => ({
    kind: "done",
    rest: proxiesByVersion({
      workloads: own,
      target: plane.version,
      revision: plane.revision,
      excludedNamespaces: settings.exclude_namespaces,
    }).rest,
  });
  if (settings.mode === "manual")
    return left.length === 0 ? done() : { kind: "manual", left: left.map(({ key }) => key) };

  const begun = movable.filter((one) => wasRestarted(one, input));
  const moving = begun.filter((one) => !isThere(one, input) || !one.rollout.complete || one.plain > 0);
  const progress = lastProgress(begun, input);
  for (const one of moving) {
    const why = whyFailed(one, progress, input);
    if (why !== undefined) return { kind: "failed", workload: one.key, why };
  }
  if (moving.length > 0)
    return { kind: "waiting", for: moving.map((one) => ({ workload: one.key, why: seen(one, input) })) };

  const patience = settings.ready_timeout_seconds * 1_000;
  const unwell = left.filter(({ rollout }) => !rollout.complete && !rollout.paused);
  // What was unwell before and stays so is not waited for for ever: it is part of the rest, and said.
  const open = now - progress > patience ? left.filter((one) => !unwell.includes(one)) : left;
  if (open.length === 0) return done();
  const { wave, held } = nextWave(open, settings.wave_size);
  return wave.length === 0
    ? { kind: "waiting", for: held }
    : { kind: "restart", workloads: wave.map(({ kind, namespace, name }) => ({ kind, namespace, name })), held };
}

function isRestartable(workload: MeshWorkload): workload is Restartable {
  const { kind, rollout } = workload;
  // Scaled to nothing: its next pods are new anyway.
  return rollout !== undefined && rollout.replicas > 0 && kind !== "Job" && kind !== "Pod";
}

const isThere = ({ pods }: MeshWorkload, { plane }: RestartInput): boolean =>
  pods.every((pod) => hasMoved(pod, plane.version, plane.revision));

/** In place gateways come last; under revisions first, where the new one is proved before the rest follows. Then by name. */
function inOrder(workloads: readonly Restartable[], strategy: Strategy): readonly Restartable[] {
  const first = strategy === "revision";
  return workloads.toSorted((a, b) =>
    a.gateway === b.gateway ? (a.key < b.key ? -1 : 1) : a.gateway === first ? -1 : 1,
  );
}

const markOf = ({ mark }: RestartInput): number => timeOf(mark) ?? 0;

/** Times of the server are whole seconds. */
const sinceMark = (input: RestartInput): number => Math.floor(markOf(input) / 1_000) * 1_000;

/** Its template has our mark or a later one; or we did it, and another tool took the mark away after pods had followed it. */
function wasRestarted(workload: Restartable, input: RestartInput): boolean {
  const at = timeOf(workload.rollout.restartedAt);
  if (at !== undefined && at >= markOf(input)) return true;
  return input.restarted.includes(workload.key) && workload.pods.some(({ createdAt }) => createdAt >= sinceMark(input));
}

/** Instants at which a restarted workload got further, ms since the epoch. */
function steps({ rollout, pods }: Restartable, input: RestartInput): readonly number[] {
  return [
    ...pods.flatMap(({ createdAt, ready, changedAt }) => [
      createdAt,
      ...(ready && changedAt !== undefined ? [changedAt] : []),
    ]),
    ...(rollout.progressedAt === undefined ? [] : [rollout.progressedAt]),
  ].filter((at) => at >= sinceMark(input));
}

/** Of the whole: a wave begins when the one before it has ended. */
const lastProgress = (begun: readonly Restartable[], input: RestartInput): number =>
  Math.max(markOf(input), ...begun.flatMap((one) => steps(one, input)));

function whyFailed(workload: Restartable, progress: number, input: RestartInput): string | undefined {
  const { rollout, pods } = workload;
  if (rollout.stuck !== undefined) return rollout.stuck;
  if (rollout.complete && workload.plain > 0)
    return `${workload.plain} of its new pods have no proxy: nobody injected them`;
  const own = steps(workload, input);
  // Restarted just now, and maybe long after what is measured from: a process may have been gone in between.
  if (own.length === 0 && !rollout.observed) return undefined;
  const last = own.length === 0 ? progress : Math.max(...own);
  const first = own.length === 0 ? progress : Math.min(...own);
  const patience = input.settings.ready_timeout_seconds * 1_000;
  // However it flaps, all of it together has no longer than each pod in turn.
  if (input.now - last <= patience && input.now - first <= patience * (rollout.replicas + 1)) return undefined;
  const seconds = Math.round((input.now - last) / 1_000);
  if (!rollout.complete) return `${seen(workload, input)}, for ${seconds} s`;
  const versions = [...new Set(pods.map(proxyVersionText))].join(", ");
  const gone =
    timeOf(rollout.restartedAt) === undefined ? "; its mark is gone, so another tool writes its template" : "";
  return `it was restarted, and its proxies are at ${versions} instead of ${formatVersion(input.plane.version)}${gone}`;
}

function seen({ rollout, pods }: Restartable, { plane }: RestartInput): string {
  const moved = pods.filter((pod) => hasMoved(pod, plane.version, plane.revision)).length;
  return `${rollout.updated} of ${rollout.replicas} pods are new, ${rollout.available} available, ${moved} proxies at ${formatVersion(plane.version)}`;
}

interface Wave {
  readonly wave: readonly Restartable[];
  readonly held: readonly Held[];
}

/** The next of the first class (gateways or not) that has any left; never two under one budget. */
function nextWave(open: readonly Restartable[], size: number): Wave {
  const gateways = open[0]?.gateway;
  const wave: Restartable[] = [];
  const held: Held[] = [];
  const budgets = new Set<string>();
  for (const one of open) {
    if (one.gateway !== gateways) continue;
    const why = whyHeld(one);
    if (why !== undefined) {
      held.push({ workload: one.key, why });
      continue;
    }
    if (wave.length === size || one.budgets.some(({ name }) => budgets.has(name))) continue;
    for (const { name } of one.budgets) budgets.add(name);
    wave.push(one);
  }
  return { wave, held };
}

function whyHeld(workload: Restartable): string | undefined {
  const { rollout, budgets } = workload;
  if (rollout.paused) return "its rollout is paused";
  if (!rollout.complete)
    return `${rollout.available} of ${rollout.replicas} pods are available: it is rolling out or unwell`;
  if (disruptionsAllowed(workload) !== 0) return undefined;
  return `its disruption budget ${budgets.find(({ allowed }) => allowed === 0)?.name ?? ""} allows none`;
}
