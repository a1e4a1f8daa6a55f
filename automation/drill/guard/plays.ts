/** The plays of the drill: which small fleets its crashes and rivals happen to, and what each must come to. */
import type { CrashOptions } from "./crashes.ts";
import { createFleet, type Fleet, type FleetOptions } from "./fleet.ts";
import type { Moment } from "./guarded-process.ts";
import type { RivalOptions } from "./rivals.ts";
import type { Expected } from "./upgrade.ts";

export const from = "1.30.5";
export const to = "1.31.1";

export type Given = Pick<FleetOptions, "now" | "kubernetes" | "digest" | "store" | "gitHost">;

/** Short soaks: what is looked for is between them. */
const settings = {
  validation: { control_plane_soak_minutes: 7, soak_period_minutes: 14, warm_up_minutes: 2 },
  execution: { poll_seconds: 60, lease_seconds: 120 },
} as const;

const clusters = 2;

const small = (given: Given) => (): Promise<Fleet> =>
  createFleet({ ...given, clusters, waves: 1, istio: from, settings });

const upgraded: Expected = { state: "upgraded", version: to, mergeRequests: 1 };
const wentBack: Expected = { state: "rollback_completed", version: from, mergeRequests: 2 };

type Play = Pick<CrashOptions, "makeFleet" | "beside" | "target" | "expected">;

export const upgradePlay = (given: Given): Play => ({ makeFleet: small(given), target: to, expected: upgraded });

/** Traffic gets worse once the data plane begins to move: gate B sends both clusters back. */
export const rollbackPlay = (given: Given): Play => ({
  makeFleet: small(given),
  target: to,
  expected: wentBack,
  beside: failAfterRestart,
});

function failAfterRestart({ call, when }: Moment, fleet: Fleet): void {
  if (call !== "kubernetes.restart" || when !== "before") return;
  const last = fleet.entries.at(-1)?.clusterId ?? "";
  if (!fleet.metrics.isIll(last)) fleet.metrics.ail(last, { from: fleet.clock.wall(), latency: 1.5, errors: 0.005 });
}

/** A lease that a pause outlasts often. */
export const rivalPlay = (given: Given): Pick<RivalOptions, "makeFleet" | "target" | "expected"> => ({
  makeFleet: () =>
    createFleet({
      ...given,
      clusters,
      waves: 1,
      istio: from,
      settings: { ...settings, execution: { ...settings.execution, lease_seconds: 60 } },
    }),
  target: to,
  expected: upgraded,
});
