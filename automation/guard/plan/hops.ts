/**
 * The way from one Istio version to another: hops of the mesh, with EKS steps where the windows of Kubernetes demand them. Fewest
 * hops first, then fewest EKS steps, then the longer hop first and each EKS step as late as possible. Pure.
 */
import {
  deniedBy,
  eksSupport,
  eksSupportOf,
  istioSupport,
  istioSupportOf,
  mostMinors,
  type Strategy,
  supportsKubernetes,
} from "./support.ts";
import { compareMinors, compareVersions, formatVersion, type Minor, minorOf, type Version } from "./versions.ts";

export type Step =
  | {
      readonly kind: "istio";
      readonly from: string;
      readonly to: string;
      /** The cluster's minor while the hop is made. */
      readonly kubernetes: Minor;
    }
  | { readonly kind: "kubernetes"; readonly from: Minor; readonly to: Minor; readonly why: string };

export interface HopRequest {
  readonly from: Version;
  readonly to: Version;
  readonly kubernetes: Minor;
  readonly strategy: Strategy;
  /** Whether the cluster runs ztunnel; default false. */
  readonly ambient?: boolean;
  /** Whether Flux or the like writes metadata; default true. */
  readonly gitOps?: boolean;
}

export type Route =
  | {
      readonly kind: "route";
      readonly steps: readonly Step[];
      /** The cluster is outside its present Istio's window before anything is done. */
      readonly startsOutside: boolean;
    }
  | {
      readonly kind: "none";
      readonly reason: "downgrade" | "unknown-istio" | "unknown-kubernetes" | "denied" | "no-way";
      readonly message: string;
      readonly fix: string;
    };

/** A place on the way; the index in the tables, oldest first. */
interface Place {
  readonly istio: number;
  readonly kubernetes: number;
}

const istioMinors = istioSupport.map(({ minor }) => minor).toSorted(compareMinors);
const kubernetesMinors = eksSupport.map(({ minor }) => minor).toSorted(compareMinors);

/** `window[istio][kubernetes]`. */
const inWindow = istioMinors.map((minor) => {
  const support = istioSupportOf(minor);
  return kubernetesMinors.map((one) => support !== undefined && supportsKubernetes(support, one));
});
const highestKubernetes = inWindow.map((row) => row.lastIndexOf(true));

/**
 * The hops that one may make from a place, EKS going up first where it has to; the preferred one first. A hop needs the
 * cluster in the new version's window, and in the old one's unless it was outside before the first step; EKS goes up one at a
 * time, never above the window of the Istio that runs.
 */
function hopsFrom({ istio, kubernetes }: Place, start: Place, goal: number, most: 1 | 2): readonly Place[] {
  const hops: Place[] = [];
  const highest = Math.max(kubernetes, highestKubernetes[istio] ?? kubernetes);
  for (let by = Math.min(most, goal - istio); by >= 1; by -= 1)
    for (let at = kubernetes; at <= highest; at += 1) {
      const leaves = inWindow[istio]?.[at] === true || istio === start.istio;
      if (leaves && inWindow[istio + by]?.[at] === true) hops.push({ istio: istio + by, kubernetes: at });
    }
  return hops;
}

/** A hop weighs more than all EKS steps together. */
const hopCost = kubernetesMinors.length + 1;

/** The places of the best way, a place for each hop; undefined when there is none. */
function wayOf(start: Place, goal: number, most: 1 | 2): readonly Place[] | undefined {
  const known = new Map<number, number>();
  const costOf = (from: Place, to: Place): number => hopCost + to.kubernetes - from.kubernetes + rest(to);
  const rest = (place: Place): number => {
    if (place.istio === goal) return 0;
    const key = place.istio * kubernetesMinors.length + place.kubernetes;
    const cached = known.get(key);
    if (cached !== undefined) return cached;
    const cost = Math.min(...hopsFrom(place, start, goal, most).map((next) => costOf(place, next)));
    known.set(key, cost);
    return cost;
  };
  if (rest(start) === Number.POSITIVE_INFINITY) return undefined;
  const way: Place[] = [start];
  for (let here = start; here.istio !== goal; ) {
    const place = here;
    const next = hopsFrom(place, start, goal, most).find((one) => costOf(place, one) === rest(place));
    if (next === undefined) return undefined;
    way.push(next);
    here = next;
  }
  return way;
}

const supportedPage = "https://istio.io/latest/docs/releases/supported-releases/";

function refusal(request: HopRequest): Route | undefined {
  const { from, to, kubernetes } = request;
  const [old, target] = [formatVersion(from), formatVersion(to)];
  if (compareVersions(to, from) < 0)
    return {
      kind: "none",
      reason: "downgrade",
      message: `${target} is below ${old}: a plan goes up`,
      fix: "To go back one hop, revert its merge request.",
    };
  for (const version of [from, to])
    if (istioSupportOf(minorOf(version)) === undefined)
      return {
        kind: "none",
        reason: "unknown-istio",
        message: `Istio ${minorOf(version)} is not in the support table (${istioMinors.at(0)} to ${istioMinors.at(-1)})`,
        fix: `Compare the table with ${supportedPage} and add it.`,
      };
  if (eksSupportOf(kubernetes) === undefined)
    return {
      kind: "none",
      reason: "unknown-kubernetes",
      message: `Kubernetes ${kubernetes} is not in the EKS table (${kubernetesMinors.at(0)} to ${kubernetesMinors.at(-1)})`,
      fix: "Compare the table with https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html and add it.",
    };
  const denied = deniedBy(to, request.gitOps ?? true);
  if (denied !== undefined)
    return {
      kind: "none",
      reason: "denied",
      message: `${target} is on the deny-list: ${denied.reason}`,
      fix: `Choose ${denied.fixedIn} or later (${denied.source}).`,
    };
  return undefined;
}

/** The version in which a hop ends: the target's own, in between the newest patch that was seen. */
function versionAt(minor: Minor, to: Version): string {
  return minor === minorOf(to) ? formatVersion(to) : (istioSupportOf(minor)?.patch ?? `${minor}.0`);
}

/** The shortest way that is supported at every step, or why there is none. Nothing to do is a route without steps. */
export function planHops(request: HopRequest): Route {
  const refused = refusal(request);
  if (refused !== undefined) return refused;
  const { from, to, strategy } = request;
  const start = {
    istio: istioMinors.indexOf(minorOf(from)),
    kubernetes: kubernetesMinors.indexOf(request.kubernetes),
  };
  const goal = istioMinors.indexOf(minorOf(to));
  const startsOutside = inWindow[start.istio]?.[start.kubernetes] !== true;
  if (start.istio === goal) return withinMinor(request, startsOutside);
  const way = wayOf(start, goal, mostMinors(strategy, request.ambient ?? false));
  return way === undefined ? noWay(request) : { kind: "route", steps: stepsOf(way, from, to), startsOutside };
}

function stepsOf(way: readonly Place[], from: Version, to: Version): readonly Step[] {
  let version = formatVersion(from);
  return way.slice(1).flatMap((place, index) => {
    const minor = istioMinors[place.istio] ?? minorOf(to);
    const steps: Step[] = [];
    for (let at = way[index]?.kubernetes ?? place.kubernetes; at < place.kubernetes; at += 1)
      steps.push({ kind: "kubernetes", from: kubernetesAt(at), to: kubernetesAt(at + 1), why: whyEks(minor) });
    const next = versionAt(minor, to);
    steps.push({ kind: "istio", from: version, to: next, kubernetes: kubernetesAt(place.kubernetes) });
    version = next;
    return steps;
  });
}

const kubernetesAt = (index: number): Minor => kubernetesMinors[index] ?? "0.0";

/** A patch needs no window, unless the cluster is outside it already. */
function withinMinor(request: HopRequest, startsOutside: boolean): Route {
  const [from, to] = [formatVersion(request.from), formatVersion(request.to)];
  if (from === to) return { kind: "route", steps: [], startsOutside };
  return startsOutside
    ? noWay(request)
    : { kind: "route", steps: [{ kind: "istio", from, to, kubernetes: request.kubernetes }], startsOutside };
}

/** Which Istio an EKS step is for. */
function whyEks(minor: Minor): string {
  const window = istioSupportOf(minor)?.kubernetes;
  return window === undefined
    ? `Istio ${minor} needs it`
    : `Istio ${minor} needs Kubernetes ${window.from} to ${window.to}`;
}

function noWay({ from, to, kubernetes, strategy, ambient }: HopRequest): Route {
  const window = istioSupportOf(minorOf(from))?.kubernetes;
  const most = mostMinors(strategy, ambient ?? false);
  return {
    kind: "none",
    reason: "no-way",
    message:
      `no supported way from Istio ${formatVersion(from)} on Kubernetes ${kubernetes} to ${formatVersion(to)} with at most ` +
      `${most} ${most === 1 ? "minor" : "minors"} a hop: Istio ${minorOf(from)} supports Kubernetes ${window?.from} to ${window?.to}`,
    fix:
      strategy === "in-place" && ambient !== true
        ? "Try the strategy revision, which may cross two minors, or install the target in a new cluster."
        : "Install the target in a new cluster and move the workloads.",
  };
}
