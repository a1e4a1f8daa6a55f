/** A minor upgrade of a whole fleet, wave after wave, on a virtual clock; and one whose third wave has a fault. */
import { SwitchyardError } from "../../errors.ts";
import type { Strategy } from "../../guard/plan/support.ts";
import type { GuardState } from "../../guard/registry/state-names.ts";
import type { Fleet, FleetOptions } from "./fleet.ts";
import { createFleet } from "./fleet.ts";
import { ends, failAtRestart, revisionSettings } from "./plays.ts";
import { type Expected, endOf, problemsOf, upgradeWave } from "./upgrade.ts";

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
  readonly fleet: Pick<FleetOptions, "now" | "kubernetes" | "digest" | "store" | "gitHost" | "strategy">;
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
  const pace = fleet.strategy === "revision" ? revisionSettings : { execution: { poll_seconds: 300 } };
  return createFleet({
    ...fleet,
    clusters,
    waves,
    istio: from,
    settings: { ...pace, batch_order: ordered ? inOrder(waves) : {} },
  });
}

export async function fleetCampaign(options: FleetCampaignOptions): Promise<FleetCampaign> {
  const { clusters, to, signal } = options;
  const fleet = await makeFleet(options);
  const startedAt = fleet.clock.now();
  const problems: string[] = [];
  let upgraded = 0;
  let mergeRequests = 0;
  const expected: Expected = { ...ends["in-place"].upgraded, version: to };
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
      ...fleet.problems(),
      ...(requestsPerCluster > mostRequestsPerCluster && clusters >= leastOfAWave * options.waves ? [tooMany] : []),
    ],
  };
}

export interface FaultyWave {
  readonly wave: string;
  /** States of its clusters. */
  readonly states: readonly GuardState[];
  readonly mergeRequests: number;
  /** Versions of the control planes that run. */
  readonly planes: readonly string[];
  readonly problems: readonly string[];
}

/** Which wave has the fault, from 0. */
const faulty = 2;
/** In place: after a wave's start, when its control plane has soaked and its data plane has moved. By revision: at a share. */
const faultAfterMs = 40 * 60_000;

/** The waves after the faulty one are tried as well: they must not start. */
export async function faultyWaveCampaign(options: FleetCampaignOptions): Promise<readonly FaultyWave[]> {
  const { to, signal } = options;
  const fleet = await makeFleet(options);
  const byRevision = fleet.strategy === "revision";
  const rows: FaultyWave[] = [];
  for (const [index, wave] of fleet.waves.entries()) {
    const [first] = fleet.entries.filter(({ batchId }) => batchId === wave);
    if (index === faulty && first !== undefined && !byRevision)
      fleet.metrics.ail(first.clusterId, { from: fleet.clock.wall() + faultAfterMs, latency: 1.4, errors: 0.004 });
    await fleet.clock
      .run(() =>
        upgradeWave({
          fleet,
          wave,
          target: to,
          signal,
          at: (moment) => {
            if (index === faulty && byRevision) failAtRestart(moment, fleet, wave);
          },
        }),
      )
      .catch((error: unknown) => {
        // A wave that may not start says so.
        const refused = error instanceof SwitchyardError && ["guard-no-way", "guard-refused"].includes(error.code);
        if (!refused || index <= faulty) throw error;
      });
  }
  for (const [index, wave] of fleet.waves.entries()) {
    const end = await endOf(fleet, wave);
    const expected = expectedOf(index, options, fleet.strategy);
    const unordered =
      index > faulty ? end.records.filter(({ run }) => !(run?.note ?? "").includes(waveName(faulty))) : [];
    rows.push({
      wave,
      states: [...new Set(end.records.map(({ state }) => state))],
      mergeRequests: end.mergeRequests,
      planes: [...new Set([...end.clusters.values()].flatMap(({ planes }) => planes))].toSorted(),
      problems: [
        ...problemsOf(end, expected),
        ...unordered.map(({ entry }) => `${entry.clusterId} was not stopped by the wave that went back`),
        ...(index === 0 ? fleet.problems() : []),
      ].map((problem) => `${wave}: ${problem}`),
    });
  }
  return rows;
}

function expectedOf(index: number, { from, to }: FleetCampaignOptions, strategy: Strategy): Expected {
  if (index < faulty) return { ...ends[strategy].upgraded, version: to };
  if (index > faulty) return { state: "pre_check_failed", version: from, mergeRequests: 0 };
  const planes = strategy === "revision" ? [from, to] : [from];
  return { ...ends[strategy].wentBack, version: from, planes };
}
