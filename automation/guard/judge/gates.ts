/**
 * The two gates of an upgrade. Gate A looks at the control plane alone while the proxies are the old ones; gate B at traffic too, after the data plane has
 * moved. Pure.
 */
import type { Monitor } from "../../ports/monitors.ts";
import { baselineTooOld, requestsIn } from "./baseline.ts";
import type { Observations } from "./control.ts";
import { riskOfError } from "./sequential.ts";
import { type JudgeContext, judgeSignal } from "./signal-rules.ts";
import type { Signal } from "./signals.ts";
import { type SignalVerdict, type Verdict, verdictOf } from "./verdict.ts";

/** Alerts in scope; or why they cannot be had. */
export type MonitorsSeen = readonly Monitor[] | { readonly unreadable: string };

export interface GateInput extends Observations, Pick<JudgeContext, "thresholds" | "warmUpMs"> {
  readonly signals: readonly Signal[];
  /** Undefined where the source has none. */
  readonly monitors: MonitorsSeen | undefined;
  /** How old the baseline may be when the run begins; it is judged at the soak's beginning. */
  readonly baselineHours: number;
}

export const gateA = (input: GateInput): Verdict =>
  judge(
    input,
    input.signals.filter(({ gate }) => gate === "a"),
  );

/** The control plane is looked at here too: what the new proxies refuse shows only now. */
export const gateB = (input: GateInput): Verdict => judge(input, input.signals);

const trafficKinds = new Set<Signal["kind"]>(["latency", "error-share"]);
const sequentialKinds = new Set<Signal["kind"]>(["resource", "relative", "custom"]);

function judge(input: GateInput, signals: readonly Signal[]): Verdict {
  const { baseline } = input;
  const judged = signals.flatMap((signal) =>
    [null, ...(signal.perService ? baseline.services : [])].map((service) => ({ signal, service })),
  );
  const tests = (kinds: ReadonlySet<Signal["kind"]>): number =>
    Math.max(1, judged.filter(({ signal }) => kinds.has(signal.kind)).length);
  // Half of the risk for traffic, half for the rest, in equal parts.
  const risk = {
    traffic: riskOfError / 2 / tests(trafficKinds),
    other: riskOfError / 2 / tests(sequentialKinds),
  };
  const context: JudgeContext = { ...input, risk };
  const old = baselineTooOld(baseline, input.soak.fromMs, input.baselineHours);
  return verdictOf(
    [
      ...(old === undefined ? [] : [figureless("baseline", "undecided", old)]),
      ...judged.map(({ signal, service }) => judgeSignal(context, signal, service)),
      ...judgeLeft(context, signals),
      ...judgeMonitors(input.monitors),
    ],
    { before: requestsIn(baseline, null), now: requestsIn({ window: input.soak }, null) },
  );
}

/** The control plane that is left: it may fail a soak by its own limits. What it does not say is nothing against the new one. */
function judgeLeft(context: JudgeContext, signals: readonly Signal[]): readonly SignalVerdict[] {
  const { left } = context;
  if (left === undefined) return [];
  const asked = signals.filter(({ name }) => left.soak.series.some((series) => series.signal === name));
  return asked.map((signal) => {
    const { name, kind, ...rest } = judgeSignal({ ...context, soak: left.soak }, signal, null);
    return { ...rest, name: `${name} of ${left.istiod}`, kind: kind === "failed" ? kind : "observed" };
  });
}

const figureless = (name: string, kind: SignalVerdict["kind"], why: string): SignalVerdict => ({
  name,
  kind,
  before: null,
  now: null,
  limit: null,
  why,
});

/** Required ones: an alert fails, and what says nothing is undecided, also when it is muted. */
function judgeMonitors(monitors: MonitorsSeen | undefined): readonly SignalVerdict[] {
  if (monitors === undefined) return [];
  if ("unreadable" in monitors) return [figureless("monitors", "undecided", monitors.unreadable)];
  return monitors.map(({ name, state, required, muted }) => {
    const label = `monitor ${name}`;
    if (!required) return figureless(label, "observed", `it says ${state}, and is not required`);
    if (muted) return figureless(label, "undecided", `it says ${state}, but is muted`);
    if (state === "Alert") return figureless(label, "failed", "it alerts");
    if (state === "OK" || state === "Warn") return figureless(label, "passed", `it says ${state}`);
    return figureless(label, "undecided", `it says ${state}: silence is not health`);
  });
}
