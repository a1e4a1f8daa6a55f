import { samplesNeeded } from "./gates/weight.ts";
import { gateProfiles, type SwapSettings } from "./settings.ts";

export interface PlannedStep {
  readonly name: string;
  readonly percent: number;
  /** User requests that the candidate must finish in the step. */
  readonly minimumRequests: number;
  /** Probes that verify the weight. */
  readonly probes: number;
  /** Time floor, ms. */
  readonly minimumMs: number;
}

export interface SwapPlan {
  readonly profile: string;
  readonly steps: readonly PlannedStep[];
  /** Of the ramp and the bake, ms. */
  readonly minimumMs: number;
}

/** What a swap with these settings takes at the least. Pure. */
export function planSwap(settings: SwapSettings, probesPerSecond: number): SwapPlan {
  const profile = gateProfiles[settings.profile];
  const floorMs = Math.max(profile.holdMs, settings.trafficShiftDurationMs / settings.ramp.length);
  const ramp = settings.ramp.map((percent, index) => {
    const probes = samplesNeeded(percent, settings.ramp[index - 1] ?? 0);
    return {
      name: String(index + 1),
      percent,
      minimumRequests: profile.minimumRequests,
      probes,
      minimumMs: Math.max(floorMs, (probes / probesPerSecond) * 1_000),
    };
  });
  const steps = [
    { name: "dark", percent: 0, minimumRequests: 0, probes: 0, minimumMs: 0 },
    ...ramp,
    { name: "bake", percent: 100, minimumRequests: 0, probes: 0, minimumMs: profile.bakeMs },
  ];
  return { profile: profile.name, steps, minimumMs: steps.reduce((sum, step) => sum + step.minimumMs, 0) };
}
