/**
 * What must hold whenever a swap changes the world, each with a name (order of effects: shared research, hot swap 2.2). A
 * campaign checks all of them at every change, whoever made it and however the engine died before. Pure.
 */
import type { Effect } from "../swap/effects.ts";
import { canReturn, type SwapState } from "../swap/state.ts";

type Weights = Readonly<Record<string, number>>;

/** A change of the world, as the world sees it. */
export type Change =
  | { readonly kind: "weights"; readonly weights: Weights; readonly fence: number }
  | { readonly kind: "up"; readonly platform: string; readonly image: string; readonly held: number }
  | { readonly kind: "attach"; readonly platforms: readonly string[] }
  | { readonly kind: "destroy"; readonly platform: string };

export interface PlatformView {
  readonly image: string;
  readonly wanted: number;
  /** Instances that take requests. */
  readonly available: number;
  /** The acceptance suite passed on this image. */
  readonly accepted: boolean;
}

/** The world at the moment before a change. */
export interface WorldView {
  /** What the balancer's API shows. */
  readonly weights: Weights;
  /** What each worker of the data plane does. */
  readonly workers: readonly Weights[];
  /** What workers are still going to show: weights that they have not followed yet, or fall back to for a moment. */
  readonly coming: readonly Weights[];
  /** Every worker follows for good within so long, ms. */
  readonly followsWithinMs: number;
  readonly platforms: Readonly<Record<string, PlatformView>>;
  /** Platforms that the balancer's stack knows. */
  readonly attached: readonly string[];
  readonly inFlight: Readonly<Record<string, number>>;
  /** The highest fencing token that was given out. */
  readonly token: number;
  /** Folded from the journal as it is on the disk. */
  readonly swap: SwapState;
}

export interface Invariant {
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** What is wrong; undefined when it holds. */
  readonly check: (change: Change, view: WorldView) => string | undefined;
}

export interface Breach {
  readonly invariant: string;
  readonly what: string;
  readonly at: number;
}

/** The largest share that any worker gives a platform, percent. */
function mostOf(platform: string, view: WorldView): number {
  return Math.max(0, ...view.workers.map((weights) => weights[platform] ?? 0));
}

/** Whether all workers give everything to the platform. */
function carriesAll(platform: string, workers: readonly Weights[]): boolean {
  return workers.every((weights) =>
    Object.entries(weights).every(([name, weight]) => (name === platform ? weight > 0 : weight === 0)),
  );
}

/** Sides that a change takes out of the balancer or away. */
function leaving(change: Change, view: WorldView): readonly string[] {
  switch (change.kind) {
    case "destroy":
      return [change.platform];
    case "weights":
      return Object.keys(view.weights).filter((name) => !(name in change.weights));
    case "attach":
      return view.attached.filter((name) => !change.platforms.includes(name));
    case "up":
      return [];
  }
}

function otherThan(name: string, { swap }: WorldView): string {
  return name === swap.from ? swap.to : swap.from;
}

/** Instances that a share of the candidate needs; undefined where the swap did not count them. */
function neededFor(name: string, share: number, { mode, to, settings }: SwapState): number | undefined {
  const { capacity } = settings;
  if (capacity === undefined || mode === "failover" || name !== to) return undefined;
  return Math.ceil((capacity.candidate * share) / 100);
}

/** Platforms whose share a change raises. */
function raised(change: Extract<Change, { kind: "weights" }>, view: WorldView): readonly string[] {
  return Object.keys(change.weights).filter((name) => (change.weights[name] ?? 0) > (view.weights[name] ?? 0));
}

export const invariants: readonly Invariant[] = [
  {
    name: "never-weight-to-a-side-with-none-available",
    title: "No weight goes to a side that has no instance",
    check(change, view) {
      if (change.kind !== "weights") return undefined;
      const empty = raised(change, view).find((name) => (view.platforms[name]?.available ?? 0) === 0);
      return empty === undefined ? undefined : `${empty} was given ${change.weights[empty]} % and has no instance`;
    },
  },
  {
    name: "weight-up-only-after-capacity",
    title: "A side's weight rises only when it has the instances for that weight and they passed the acceptance suite",
    check(change, view) {
      if (change.kind !== "weights") return undefined;
      for (const name of raised(change, view)) {
        const platform = view.platforms[name];
        if (platform === undefined) return `${name} was given weight and is not there`;
        const share = change.weights[name] ?? 0;
        const needed = neededFor(name, share, view.swap) ?? platform.wanted;
        if (platform.available < needed)
          return `${name} was given ${share} % with ${platform.available} of ${needed} instances`;
        if (!platform.accepted) return `${name} was given ${change.weights[name]} % before its acceptance suite passed`;
      }
      return undefined;
    },
  },
  {
    name: "going-back-needs-no-start",
    title: "While users are on the candidate and it can still go back, the old side has all instances that it had",
    check(_change, { swap, weights, platforms }) {
      const { capacity } = swap.settings;
      if (capacity === undefined || swap.mode === "failover" || !canReturn(swap) || (weights[swap.to] ?? 0) === 0)
        return undefined;
      const available = platforms[swap.from]?.available ?? 0;
      return available >= capacity.old
        ? undefined
        : `${swap.from} had ${available} of the ${capacity.old} instances that carried all of the traffic`;
    },
  },
  {
    name: "target-changes-zero-weight-first",
    title: "A side is changed or withdrawn only while no worker sends it anything",
    check(change, view) {
      const touched =
        change.kind === "up"
          ? [change.platform].filter(
              (name) => view.platforms[name] !== undefined && view.platforms[name].image !== change.image,
            )
          : change.kind === "attach"
            ? view.attached.filter((name) => !change.platforms.includes(name))
            : [];
      const carrying = touched.find((name) => mostOf(name, view) > 0 || (view.weights[name] ?? 0) > 0);
      return carrying === undefined ? undefined : `${carrying} was changed while it had ${mostOf(carrying, view)} %`;
    },
  },
  {
    name: "unverified-hundred-blocks-removal",
    title: "A side goes only when every worker gives everything to the other",
    check(change, view) {
      const left =
        change.kind === "destroy"
          ? [change.platform]
          : change.kind === "weights"
            ? Object.keys(view.weights).filter((name) => !(name in change.weights))
            : [];
      for (const name of left) {
        const other = otherThan(name, view);
        if (!carriesAll(other, view.workers))
          return `${name} was removed while the data plane gave ${other} less than everything`;
        if (change.kind === "destroy" && view.attached.includes(name))
          return `${name} was destroyed while the balancer knew it`;
        if (change.kind === "destroy" && (view.inFlight[name] ?? 0) > 0)
          return `${name} was destroyed with ${view.inFlight[name]} requests in flight`;
      }
      return undefined;
    },
  },
  {
    name: "old-side-only-removed-when-no-worker-can-go-back",
    title: "A side goes only when no worker falls back to weights that send it something",
    check(change, view) {
      const back = leaving(change, view).find((name) => !carriesAll(otherThan(name, view), view.coming));
      return back === undefined ? undefined : `${back} was removed while a worker was still going to send it requests`;
    },
  },
  {
    name: "abort-moves-traffic-first",
    title: "Once a swap goes back, nothing is changed before the traffic is off the candidate",
    check(change, { swap, workers, weights }) {
      if (swap.rollback === undefined) return undefined;
      const { to } = swap;
      const moved = (weights[to] ?? 0) === 0 && workers.every((worker) => (worker[to] ?? 0) === 0);
      if (moved)
        return change.kind === "weights" && (change.weights[to] ?? 0) > 0 ? `${to} was given weight again` : undefined;
      if (change.kind !== "weights") return `${change.kind} came before the traffic was off ${to}`;
      return (change.weights[to] ?? 0) === 0 ? undefined : `${to} kept ${change.weights[to]} %`;
    },
  },
  {
    name: "sides-keep-their-identity",
    title: "Roles change, platforms do not: no side is re-pointed, the old side keeps its image",
    check(change, { swap, platforms }) {
      const sides = [swap.from, swap.to];
      const named =
        change.kind === "weights"
          ? Object.keys(change.weights)
          : change.kind === "attach"
            ? change.platforms
            : [change.platform];
      const stranger = named.find((name) => !sides.includes(name));
      if (stranger !== undefined) return `${stranger} is neither ${sides.join(" nor ")}`;
      const kept = platforms[swap.from]?.image;
      if (change.kind === "up" && change.platform === swap.from && change.image !== kept)
        return `the old side ${swap.from} was changed to ${change.image}`;
      if (change.kind === "up" && change.platform === swap.to && change.image !== swap.image)
        return `${swap.to} was brought up with ${change.image}, the swap has ${swap.image}`;
      return undefined;
    },
  },
  {
    name: "weight-rises-one-step-at-a-time",
    title: "The candidate's weight never rises by more than one step of the ramp",
    check(change, { swap, weights }) {
      if (change.kind !== "weights" || swap.mode === "failover" || swap.promotedFull) return undefined;
      const before = weights[swap.to] ?? 0;
      const after = change.weights[swap.to] ?? 0;
      const next = swap.settings.ramp.find((share) => share > before) ?? 100;
      return after > next ? `${swap.to} went from ${before} % to ${after} %; the next step is ${next} %` : undefined;
    },
  },
  {
    name: "next-step-only-when-every-worker-follows",
    title: "The candidate's weight rises only when every worker follows the present one, for good",
    check(change, view) {
      const { to, settings } = view.swap;
      if (change.kind !== "weights" || !raised(change, view).includes(to)) return undefined;
      const present = view.weights[to] ?? 0;
      const others = (shown: readonly Weights[]): readonly Weights[] =>
        shown.filter((weights) => (weights[to] ?? 0) !== present);
      const behind = others(view.workers);
      const told = `${to} was given ${change.weights[to]} % while`;
      const shares = behind.map((weights) => weights[to] ?? 0).join(", ");
      // Where the balancer is slower than the swap was told only probes decide, and they cannot see a single worker.
      const unseen = view.followsWithinMs > settings.propagationMs ? 1 : 0;
      if (behind.length > unseen) return `${told} ${behind.length} workers had ${shares} % and not ${present} %`;
      const [back] = unseen > 0 ? [] : others(view.coming);
      return back === undefined
        ? undefined
        : `${told} a worker was going to fall back from ${present} % to ${back[to] ?? 0} %`;
    },
  },
  {
    name: "intent-before-effect",
    title: "Every change is in the journal before it is in the world",
    check(change, { swap }) {
      const intended = swap.pending?.effect;
      if (intended !== undefined && fits(change, intended)) return undefined;
      return `${describe(change)} happened while the journal's open intent was ${intended?.kind ?? "none"}`;
    },
  },
  {
    name: "one-writer",
    title: "Only the holder of the newest lease changes the balancer",
    check(change, { token }) {
      if (change.kind !== "weights" || change.fence >= token) return undefined;
      return `weights were written under lease ${change.fence} after lease ${token} had been given out`;
    },
  },
];

function fits(change: Change, effect: Effect): boolean {
  switch (change.kind) {
    case "weights":
      return effect.kind === "write-weights" && sameWeights(effect.weights, change.weights);
    case "up":
      return ofPlatform(change, effect);
    case "attach":
      return (
        (effect.kind === "attach" || effect.kind === "detach") && effect.platforms.join() === change.platforms.join()
      );
    case "destroy":
      return effect.kind === "remove" && effect.platform === change.platform;
  }
}

/** `held`: a deploy without a number leaves what was held. */
function ofPlatform({ platform, held }: Extract<Change, { kind: "up" }>, effect: Effect): boolean {
  switch (effect.kind) {
    case "deploy":
      return effect.platform === platform && (effect.instances === undefined || effect.instances === held);
    case "hold":
      return effect.platform === platform && effect.instances === held;
    case "release":
      return effect.platforms.includes(platform) && held === 0;
    default:
      return false;
  }
}

function sameWeights(a: Weights, b: Weights): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function describe(change: Change): string {
  switch (change.kind) {
    case "weights":
      return `weights ${Object.entries(change.weights)
        .map(([name, weight]) => `${name} ${weight} %`)
        .join(", ")}`;
    case "attach":
      return `attach ${change.platforms.join(" and ")}`;
    default:
      return `${change.kind} ${change.platform}`;
  }
}

/** All that a change breaks. */
export function breachesOf(change: Change, view: WorldView, at: number): readonly Breach[] {
  return invariants.flatMap(({ name, check }) => {
    const what = check(change, view);
    return what === undefined ? [] : [{ invariant: name, what, at }];
  });
}
