/** The plays of the drill: which small fleets its crashes and rivals happen to, and what each must come to. */
import type { Strategy } from "../../guard/plan/support.ts";
import type { CrashOptions } from "./crashes.ts";
import { createFleet, type Fleet, type FleetOptions } from "./fleet.ts";
import type { Moment } from "./guarded-process.ts";
import type { RivalOptions } from "./rivals.ts";
import type { Expected } from "./upgrade.ts";

export const from = "1.30.5";
export const to = "1.31.1";

export type Given = Pick<FleetOptions, "now" | "kubernetes" | "digest" | "store" | "gitHost">;

/** What a wave comes to that is upgraded, and one that goes back after its data plane began to move. */
export const ends: Readonly<Record<Strategy, { readonly upgraded: Expected; readonly wentBack: Expected }>> = {
  "in-place": {
    upgraded: { state: "upgraded", version: to, mergeRequests: 1 },
    wentBack: { state: "rollback_completed", version: from, mergeRequests: 2 },
  },
  revision: {
    // CRDs, new revision, canary tag, four shares, gateways, default revision, and the old one's removal.
    upgraded: { state: "upgraded", version: to, mergeRequests: 10 },
    // Up to the second share, and back; both control planes stay.
    wentBack: { state: "rollback_completed", version: from, mergeRequests: 6, planes: [from, to] },
  },
};

/** Short soaks: what is looked for is between them. */
const settings = {
  validation: { control_plane_soak_minutes: 7, soak_period_minutes: 14, warm_up_minutes: 2 },
  execution: { poll_seconds: 60, lease_seconds: 120 },
} as const;

/** Ten merge requests take their time: it looks less often, and the old revision is held for some hours. */
export const revisionSettings = {
  validation: { control_plane_soak_minutes: 14, soak_period_minutes: 14, warm_up_minutes: 2, hold_days: 0.1 },
  execution: { poll_seconds: 180, lease_seconds: 240 },
} as const;

/** One wave of two clusters. */
const small = (given: Given, strategy: Strategy, paced: NonNullable<FleetOptions["settings"]>) => (): Promise<Fleet> =>
  createFleet({ ...given, strategy, clusters: 2, waves: 1, istio: from, settings: paced });

type Play = Pick<CrashOptions, "makeFleet" | "beside" | "target" | "expected" | "killsPerPlay">;

export const upgradePlay = (given: Given): Play => ({
  makeFleet: small(given, "in-place", settings),
  target: to,
  expected: ends["in-place"].upgraded,
});

/** Gate B sends both clusters back. */
export const rollbackPlay = (given: Given): Play => ({
  makeFleet: small(given, "in-place", settings),
  target: to,
  expected: ends["in-place"].wentBack,
  beside: (moment, fleet) => failAtRestart(moment, fleet, fleet.waves[0] ?? ""),
});

/** Half of the namespaces: a share at which there is something to return, and something that never moved. */
const brokenShare = 50;

/** Traffic of a wave's last cluster gets worse once its data plane begins to move; by revision, with the second share. */
export function failAtRestart({ call, when }: Moment, fleet: Fleet, wave: string): void {
  if (call !== "kubernetes.restart" || when !== "before") return;
  const last = fleet.entries.findLast(({ batchId }) => batchId === wave)?.clusterId ?? "";
  const early = fleet.strategy === "revision" && fleet.shareOf(last) < brokenShare;
  if (early || fleet.metrics.isIll(last)) return;
  fleet.metrics.ail(last, { from: fleet.clock.wall(), latency: 1.5, errors: 0.005 });
}

/** Ten merge requests have hundreds of moments: one death in a play would take an hour. */
const killsPerPlay = 16;

export const revisionUpgradePlay = (given: Given): Play => ({
  makeFleet: small(given, "revision", revisionSettings),
  target: to,
  expected: ends.revision.upgraded,
  killsPerPlay,
});

/** Half of the namespaces have moved when gate B returns them. */
export const revisionRollbackPlay = (given: Given): Play => ({
  ...revisionUpgradePlay(given),
  expected: ends.revision.wentBack,
  beside: (moment, fleet) => failAtRestart(moment, fleet, fleet.waves[0] ?? ""),
});

type Rivals = Pick<RivalOptions, "makeFleet" | "target" | "expected">;

/** A lease that a pause outlasts often. */
export const rivalPlay = (given: Given): Rivals => ({
  makeFleet: small(given, "in-place", { ...settings, execution: { ...settings.execution, lease_seconds: 60 } }),
  target: to,
  expected: ends["in-place"].upgraded,
});

export const revisionRivalPlay = (given: Given): Rivals => ({
  makeFleet: small(given, "revision", revisionSettings),
  target: to,
  expected: ends.revision.upgraded,
});
