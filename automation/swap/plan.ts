/** What a swap will take, in time, money and, should the candidate be bad, in requests; said before anything happens. Pure. */
import { blastRadius, requestsToDetect } from "./blast-radius.ts";
import { sampleNeed } from "./gates/advance.ts";
import { samplesNeeded } from "./gates/weight.ts";
import type { SwapSettings } from "./settings.ts";

export interface PlanInputs {
  readonly probesPerSecond: number;
  /** Users' requests on both sides; undefined when it cannot be measured and was not given. */
  readonly requestsPerSecond: number | undefined;
  /** From an accepted weight to its effect on requests, expected, ms. */
  readonly propagationMs: number;
  /** From the end of a request until the gates see it, ms. */
  readonly feedDelayMs: number;
  /** Requests that one step may lose (swap.error_budget). */
  readonly errorBudget: number;
  /** Both platforms together; undefined where no price is known. */
  readonly doubleRunning?: { readonly currency: string; readonly perHour: number } | undefined;
}

/** What a bad candidate does in a step. */
export interface Badness {
  /** Share of its requests that it fails. */
  readonly errorRate: number;
  /** Requests on both sides until the stop gate decides; undefined: it does not, and the advance gate holds the step. */
  readonly requestsToDetect: number | undefined;
  /** undefined where the load is unknown or the stop gate does not decide. */
  readonly detectMs: number | undefined;
  /** Requests that fail until the candidate is out of the traffic; undefined likewise. */
  readonly failedRequests: number | undefined;
}

export interface PlannedStep {
  readonly percent: number;
  /** User requests that the candidate must finish in the step. */
  readonly requestsNeeded: number;
  /** Probes that verify the weight. */
  readonly probes: number;
  /** Probing and propagation, ms. */
  readonly verificationMs: number;
  /** Time floor, ms. */
  readonly floorMs: number;
  /** The longer of the two, ms. */
  readonly minimumMs: number;
  /** With the time that the requests need to come, ms; undefined without traffic. */
  readonly expectedMs: number | undefined;
  /** Whether it waits for `swap promote` before it begins. */
  readonly approval: boolean;
  readonly atTotalFailure: Badness;
  readonly atSmallFailure: Badness;
  /**
   * The failure by which the budget is judged: the total one, but for a late step (gates.lateFromPercent) that others came
   * before. Those have shown that the candidate does not fail outright; what they may have missed is a small failure.
   */
  readonly budgeted: Badness;
  /** Whether the requests lost at that failure are above the budget. */
  readonly overBudget: boolean;
}

export interface SwapPlan {
  readonly profile: string;
  readonly requestsPerSecond: number | undefined;
  readonly propagationMs: number;
  readonly errorBudget: number;
  readonly steps: readonly PlannedStep[];
  readonly bakeMs: number;
  readonly rollbackWindowMs: number;
  /** Of the ramp, the bake and the rollback window, ms. */
  readonly minimumMs: number;
  readonly expectedMs: number | undefined;
  readonly cost:
    | {
        readonly currency: string;
        readonly perHour: number;
        /** For the expected duration, else for the minimum. */
        readonly total: number;
        readonly of: "expected" | "minimum";
      }
    | undefined;
}

/** Errors that are plain but no outage: 5 %. */
const smallFailure = 0.05;
/** Of rollback_threshold: a failing share that the ceiling finds soon. */
const aboveCeiling = 1.5;

export function planSwap(settings: SwapSettings, inputs: PlanInputs): SwapPlan {
  const steps = settings.ramp.map((percent, index) => planStep(settings, inputs, percent, settings.ramp[index - 1]));
  const after = settings.bakeMs + settings.rollbackWindowMs;
  const minimumMs = steps.reduce((sum, step) => sum + step.minimumMs, after);
  const expectedMs = steps.reduce<number | undefined>(
    (sum, step) => (sum === undefined || step.expectedMs === undefined ? undefined : sum + step.expectedMs),
    after,
  );
  return {
    profile: settings.profile,
    requestsPerSecond: inputs.requestsPerSecond,
    propagationMs: inputs.propagationMs,
    errorBudget: inputs.errorBudget,
    steps,
    bakeMs: settings.bakeMs,
    rollbackWindowMs: settings.rollbackWindowMs,
    minimumMs,
    expectedMs,
    cost: inputs.doubleRunning === undefined ? undefined : costOf(inputs.doubleRunning, minimumMs, expectedMs),
  };
}

/** The steps that may lose more requests than the budget allows. */
export function stepsOverBudget(plan: SwapPlan): readonly PlannedStep[] {
  return plan.steps.filter((step) => step.overBudget);
}

function planStep(settings: SwapSettings, inputs: PlanInputs, percent: number, previous?: number): PlannedStep {
  const { probesPerSecond, requestsPerSecond, propagationMs } = inputs;
  const probes = samplesNeeded(percent, previous ?? 0);
  // The engine waits for the bound; the losses are reckoned with what is expected.
  const verificationMs = (probes / probesPerSecond) * 1_000 + Math.max(propagationMs, settings.propagationMs);
  const minimumMs = Math.max(settings.holdMs, verificationMs);
  const requestsNeeded = sampleNeed(settings, percent);
  const counted = settings.gates.countProbes ? probes * (percent / 100) : 0;
  const perSecond = (requestsPerSecond ?? 0) * (percent / 100);
  const sampleMs = (Math.max(0, requestsNeeded - counted) / perSecond) * 1_000;
  const atTotalFailure = badness(settings, inputs, percent, 1);
  const atSmallFailure = badness(settings, inputs, percent, smallFailure);
  const proven = previous !== undefined && percent >= settings.gates.lateFromPercent;
  // Where nothing is left to compare with, only failures above the ceiling are decided on.
  const missed =
    atSmallFailure.requestsToDetect === undefined
      ? badness(settings, inputs, percent, Math.min(1, settings.rollbackThreshold * aboveCeiling))
      : atSmallFailure;
  const budgeted = proven ? missed : atTotalFailure;
  return {
    percent,
    requestsNeeded,
    probes,
    verificationMs,
    floorMs: settings.holdMs,
    minimumMs,
    expectedMs: perSecond > 0 ? Math.max(minimumMs, sampleMs) : undefined,
    approval: settings.approvals.includes(percent),
    atTotalFailure,
    atSmallFailure,
    budgeted,
    overBudget: (budgeted.failedRequests ?? 0) > inputs.errorBudget,
  };
}

function badness(
  settings: SwapSettings,
  { requestsPerSecond, propagationMs, feedDelayMs }: PlanInputs,
  sharePercent: number,
  errorRate: number,
): Badness {
  const requests = requestsToDetect({ sharePercent, errorRate }, settings);
  if (requests === undefined || requestsPerSecond === undefined || requestsPerSecond <= 0)
    return { errorRate, requestsToDetect: requests, detectMs: undefined, failedRequests: undefined };
  const detectMs = (requests / requestsPerSecond) * 1_000 + feedDelayMs;
  const failedRequests = blastRadius({ requestsPerSecond, sharePercent, errorRate, detectMs, propagationMs });
  return { errorRate, requestsToDetect: requests, detectMs, failedRequests };
}

function costOf(
  { currency, perHour }: { readonly currency: string; readonly perHour: number },
  minimumMs: number,
  expectedMs: number | undefined,
): SwapPlan["cost"] {
  const total = (perHour * (expectedMs ?? minimumMs)) / 3_600_000;
  return { currency, perHour, total, of: expectedMs === undefined ? "minimum" : "expected" };
}
