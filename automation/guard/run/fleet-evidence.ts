/** Evidence that the registry itself gives: the calendar, the waves, the lock, how old results are. Pure. */

import { compareVersions, parseVersion, type Version } from "../plan/versions.ts";
import type { ClusterRecord } from "../registry/record.ts";
import { states } from "../registry/state.ts";
import type { GuardState } from "../registry/state-names.ts";
import type { Evidence } from "../rules/evidence.ts";
import type { GuardConfig } from "../settings.ts";

export interface FleetView {
  /** Everything in the registry. */
  readonly clusters: readonly ClusterRecord[];
  readonly batch: string;
  /** Members that move in this run. */
  readonly members: readonly ClusterRecord[];
  readonly to: Version;
  readonly settings: Pick<GuardConfig, "execution" | "batch_order" | "validation">;
  readonly now: number;
  readonly fence: number;
}

const failing: readonly GuardState[] = [
  "rollback_needed",
  "rollback_mr_created",
  "rollback_mr_merged",
  "rollback_completed",
];

const versionOf = ({ entry }: ClusterRecord): Version | undefined => parseVersion(entry.currentIstioVersion);

type Wave = NonNullable<Evidence["fleet"]>["earlierWaves"][number];

function waveState(name: string, { clusters, to }: FleetView): Wave {
  const wave = clusters.filter(({ entry }) => entry.batchId === name);
  if (wave.some(({ state }) => failing.includes(state))) return { name, state: "failed" };
  const reached = (one: ClusterRecord): boolean => {
    const version = versionOf(one);
    return version !== undefined && compareVersions(version, to) >= 0 && states[one.state].resting;
  };
  // One without clusters may be a name that is misspelt: it has proven nothing.
  if (wave.length > 0 && wave.every(reached)) return { name, state: "upgraded" };
  return { name, state: wave.some(({ state }) => !states[state].resting) ? "soaking" : "not-started" };
}

/** Sections `fleet`, `lock`, `checks` and `credentials` for one cluster of the batch. */
export function fleetEvidence(
  view: FleetView,
  cluster: ClusterRecord,
): Pick<Evidence, "fleet" | "lock" | "checks" | "credentials"> {
  const { clusters, batch, members, settings, now, fence } = view;
  const { execution, validation, batch_order } = settings;
  const meshId = cluster.entry.meshId ?? "";
  const peers = clusters.filter(
    ({ entry }) => meshId !== "" && entry.meshId === meshId && entry.clusterId !== cluster.entry.clusterId,
  );
  return {
    fleet: {
      freezes: execution.freezes,
      earlierWaves: (batch_order[batch] ?? []).map((name) => waveState(name, view)),
      failures: clusters.filter(({ state }) => failing.includes(state)).length,
      failureBudget: execution.failure_budget,
      wave: members.map(({ entry }) => ({
        cluster: entry.clusterId,
        meshId: entry.meshId ?? "",
        region: entry.region,
      })),
      peers: peers.flatMap((one) => {
        const version = versionOf(one);
        return version === undefined ? [] : [{ cluster: one.entry.clusterId, version }];
      }),
    },
    // A run works under its lock, and each write carries the fence (lease.unit, registry.unit): the store refuses what the rule would find.
    // Writes are conditional whatever the store is: its port has no others.
    lock: { held: true, fence, highestFence: Math.max(fence, 0), conditionalWrites: true },
    checks: { ranAt: now, validMinutes: validation.checks_valid_minutes },
    // Tokens are renewed as they age (adapters of the clusters).
    credentials: {
      sessionMinutes: 60,
      soakMinutes: validation.soak_period_minutes + validation.control_plane_soak_minutes,
      refreshed: true,
    },
  };
}
