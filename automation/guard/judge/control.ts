/**
 * What a cluster is held against besides its own baseline: clusters in which nothing changed, in the same minutes, or, without any, itself
 * a week before. The difference takes out the season of the day and what happens to the whole fleet. Pure.
 */
import type { Baseline } from "./baseline.ts";
import { countOf, type Series } from "./series.ts";
import { type MetricWindow, seriesIn, stepMs } from "./window.ts";

export interface Peer {
  readonly cluster: string;
  /** In the minutes of the baseline and of the soak. */
  readonly before: MetricWindow;
  readonly now: MetricWindow;
}

export interface Observations {
  readonly baseline: Baseline;
  /** From the beginning of the soak to now. */
  readonly soak: MetricWindow;
  /** The same cluster in the same minutes a week before. */
  readonly lastWeek: MetricWindow;
  /** Clusters in which nothing changed since the baseline began. */
  readonly peers: readonly Peer[];
  /** The control plane that is left, while both are there. */
  readonly left?: LeftControlPlane;
}

export interface LeftControlPlane {
  /** Its Deployment. */
  readonly istiod: string;
  /** In the minutes of the soak. */
  readonly soak: MetricWindow;
}

/** A peer with more gaps than that in a window is left out. */
const wholeFrom = 0.8;

export interface Pair {
  readonly before: Series;
  readonly now: Series;
}

export interface Compared extends Pair {
  /** The control's own values, for their level; empty without one. */
  readonly control: Pair;
  /** `2 unchanged clusters`, `itself a week before`; undefined without one. */
  readonly against: string | undefined;
  /** How many clusters the control is; 0: it is the cluster itself, or none. */
  readonly peers: number;
}

function pairOf(before: MetricWindow, now: MetricWindow, signal: string, service: string | null): Pair {
  return {
    before: seriesIn(before, signal, service)?.values ?? [],
    now: seriesIn(now, signal, service)?.values ?? [],
  };
}

const minutesIn = ({ fromMs, toMs }: MetricWindow): number => Math.max(1, Math.round((toMs - fromMs) / stepMs));

function isWhole({ before, now }: Pair, baseline: MetricWindow, soak: MetricWindow): boolean {
  return countOf(before) >= wholeFrom * minutesIn(baseline) && countOf(now) >= wholeFrom * minutesIn(soak);
}

/** Each minute's mean over all; a minute that one lacks is missing, so that their mixture never changes. */
function together(all: readonly Series[], minutes: number): Series {
  const sums = new Array<number | null>(minutes).fill(0);
  for (const series of all)
    for (let index = 0; index < minutes; index += 1) {
      const [sum = null, value = null] = [sums[index], series[index]];
      sums[index] = sum === null || value === null ? null : sum + value / all.length;
    }
  return sums;
}

const minus = (own: Series, control: Series): Series =>
  own.map((value, index) => {
    const other = control[index] ?? null;
    return value === null || other === null ? null : value - other;
  });

/** A cluster's series less its control's, after `scale`, which gives null for what has no place on it. */
export function compared(
  { baseline, soak, lastWeek, peers }: Observations,
  signal: string,
  service: string | null,
  scale: (value: number) => number | null,
): Compared {
  const scaled = (series: Series): Series => series.map((value) => (value === null ? null : scale(value)));
  const onScale = ({ before, now }: Pair): Pair => ({ before: scaled(before), now: scaled(now) });
  const own = onScale(pairOf(baseline.window, soak, signal, service));
  const sameMinutes = peers.filter(
    ({ before, now }) => before.fromMs === baseline.window.fromMs && now.fromMs === soak.fromMs,
  );
  const others = sameMinutes
    .map(({ before, now }) => onScale(pairOf(before, now, signal, service)))
    .filter((pair) => isWhole(pair, baseline.window, soak));
  const before = onScale(pairOf(baseline.lastWeek, lastWeek, signal, service));
  const itself = isWhole(before, baseline.window, soak) ? [before] : [];
  const used = others.length > 0 ? others : itself;
  const control: Pair = {
    before: together(
      used.map((pair) => pair.before),
      minutesIn(baseline.window),
    ),
    now: together(
      used.map((pair) => pair.now),
      minutesIn(soak),
    ),
  };
  if (used.length === 0) return { ...own, control: { before: [], now: [] }, against: undefined, peers: 0 };
  return {
    before: minus(own.before, control.before),
    now: minus(own.now, control.now),
    control,
    against:
      others.length === 0
        ? "itself a week before"
        : `${others.length} unchanged ${others.length === 1 ? "cluster" : "clusters"}`,
    peers: others.length,
  };
}
