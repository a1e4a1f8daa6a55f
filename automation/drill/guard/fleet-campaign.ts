/** A minor upgrade of a whole fleet, wave after wave, on a virtual clock; and one whose third wave has a fault. */
import { SwitchyardError } from "../../errors.ts";
import type { GuardState } from "../../guard/state-names.ts";
import type { Fleet, FleetOptions } from "./fleet.ts";
import { createFleet } from "./fleet.ts";
import { endOf, problemsOf, upgradeWave } from "./upgrade.ts";

export interface FleetCampaign {
  readonly clusters: number;
  readonly waves: number;
  readonly upgraded: number;
  readonly mergeRequests: number;
  /** Requests that GitLab would have had, without looks at open merge requests, for each cluster. */
  readonly requestsPerCluster: number;
  /** Of the looks at merge requests. */
  readonly polls: number;
  /** Calls of the Git host by method. */
  readonly calls: Readonly<Record<string, number>>;
  /** How long it would have taken people, ms. */
  readonly virtualMs: number;
  readonly problems: readonly string[];
}

export interface FleetCampaignOptions {
  readonly clusters: number;
  readonly waves: number;
  readonly from: string;
  readonly to: string;
  /** false: no wave waits for another, which a faulty one then does not stop. Default true. */
  readonly ordered?: boolean;
  readonly fleet: Pick<FleetOptions, "now" | "kubernetes" | "digest" | "store" | "gitHost">;
  readonly signal: AbortSignal;
}

export const mostRequestsPerCluster = 6;
/** What a wave's project and merge request need by themselves is spread over so many clusters, or says nothing of them. */
const leastOfAWave = 10;

export const waveName = (index: number): string => `wave-${String(index + 1).padStart(2, "0")}`;

/** Each wave waits for all before it (rule G27). */
const inOrder = (waves: number): Readonly<Record<string, string[]>> =>
  Object.fromEntries(
    Array.from({ length: waves }, (_, index) => [
      waveName(index),
      Array.from({ length: index }, (_unused, earlier) => waveName(earlier)),
    ]),
  );

function makeFleet({ clusters, waves, from, fleet, ordered = true }: FleetCampaignOptions): Promise<Fleet> {
  return createFleet({
    ...fleet,
    clusters,
    waves,
    istio: from,
    settings: { batch_order: ordered ? inOrder(waves) : {}, execution: { poll_seconds: 300 } },
  });
}

export async function fleetCampaign(options: FleetCampaignOptions): Promise<FleetCampaign> {
  const { clusters, to, signal } = options;
  const fleet = await makeFleet(options);
  const startedAt = fleet.clock.now();
  const problems: string[] = [];
  let upgraded = 0;
  let mergeRequests = 0;
  const expected = { state: "upgraded", version: to, mergeRequests: 1 } as const;
  for (const wave of fleet.waves) {
    await fleet.clock.run(() => upgradeWave({ fleet, wave, target: to, signal }));
    const end = await endOf(fleet, wave);
    upgraded += end.records.filter(({ state }) => state === "upgraded").length;
    mergeRequests += end.mergeRequests;
    problems.push(...problemsOf(end, expected).map((problem) => `${wave}: ${problem}`));
  }
  const { calls, requests } = fleet.host;
  const polls = (calls.get("mergeRequest") ?? 0) + (calls.get("approvals") ?? 0);
  const requestsPerCluster = (requests - polls) / clusters;
  const tooMany = `${requestsPerCluster.toFixed(1)} GitLab requests a cluster, at most ${mostRequestsPerCluster}`;
  return {
    clusters,
    waves: options.waves,
    upgraded,
    mergeRequests,
    requestsPerCluster,
    polls,
    calls: Object.fromEntries(calls),
    virtualMs: fleet.clock.now() - startedAt,
    problems: [
      ...problems,
      ...fleet.watched.lostStates,
      ...fleet.watched.doubleLocks,
      ...(requestsPerCluster > mostRequestsPerCluster && clusters >= leastOfAWave * options.waves ? [tooMany] : []),
    ],
  };
}

export interface FaultyWave {
  readonly wave: string;
  /** States of its clusters. */
  readonly states: readonly GuardState[];
  readonly mergeRequests: number;
  readonly problems: readonly string[];
}

/** Which wave has the fault, from 0. */
const faulty = 2;
/** After a wave's start: its control plane has soaked, and its data plane has moved. */
const faultAfterMs = 40 * 60_000;

/** The waves after the faulty one are tried as well: they must not start. */
export async function faultyWaveCampaign(options: FleetCampaignOptions): Promise<readonly FaultyWave[]> {
  const { from, to, signal } = options;
  const fleet = await makeFleet(options);
  const rows: FaultyWave[] = [];
  for (const [index, wave] of fleet.waves.entries()) {
    const [first] = fleet.entries.filter(({ batchId }) => batchId === wave);
    if (index === faulty && first !== undefined)
      fleet.metrics.ail(first.clusterId, { from: fleet.clock.wall() + faultAfterMs, latency: 1.4, errors: 0.004 });
    await fleet.clock
      .run(() => upgradeWave({ fleet, wave, target: to, signal }))
      .catch((error: unknown) => {
        // A wave that may not start says so.
        const refused = error instanceof SwitchyardError && ["guard-no-way", "guard-refused"].includes(error.code);
        if (!refused || index <= faulty) throw error;
      });
  }
  for (const [index, wave] of fleet.waves.entries()) {
    const end = await endOf(fleet, wave);
    const expected =
      index < faulty
        ? ({ state: "upgraded", version: to, mergeRequests: 1 } as const)
        : index === faulty
          ? ({ state: "rollback_completed", version: from, mergeRequests: 2 } as const)
          : ({ state: "pre_check_failed", version: from, mergeRequests: 0 } as const);
    const unordered =
      index > faulty ? end.records.filter(({ run }) => !(run?.note ?? "").includes(waveName(faulty))) : [];
    rows.push({
      wave,
      states: [...new Set(end.records.map(({ state }) => state))],
      mergeRequests: end.mergeRequests,
      problems: [
        ...problemsOf(end, expected),
        ...unordered.map(({ entry }) => `${entry.clusterId} was not stopped by the wave that went back`),
      ].map((problem) => `${wave}: ${problem}`),
    });
  }
  return rows;
}
