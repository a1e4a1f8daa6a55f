/** Results of guard's drill as tables for people, and as findings. Pure. */
import { goals, type ScenarioResult } from "../../guard/judge/campaign.ts";
import { count, duration, table } from "../text.ts";
import type { GuardCampaignName, Played } from "./guard-drill-messages.ts";

/** The requirement's, for 500 clusters and for fewer. Processor time: what else runs on the machine is no fault of guard. */
const fleetLimits = { processorMs: 60_000, memoryMb: 400 } as const;

export const titles: Readonly<Record<GuardCampaignName, string>> = {
  fleet: "A minor upgrade of a whole fleet in place, wave after wave, on a virtual clock",
  "faulty-wave": "The same with a fault in the third wave: it goes back, and no later one starts",
  "kills-upgrade": "Processes that die around every change, while a wave is upgraded in place",
  "kills-rollback": "Processes that die around every change, while a wave goes back in place",
  rivals: "Three processes that drive one batch in place, with pauses longer than the lease, and kills",
  "revision-faulty-wave":
    "By revision, share by share; the third wave has a fault at 50 % and returns all, no later one starts",
  "revision-kills-upgrade": "Processes that die around every change, while a wave is upgraded by revision",
  "revision-kills-rollback": "Processes that die around every change, while a wave returns to its old revision",
  "revision-rivals": "Three processes that drive one batch by revision, with pauses longer than the lease, and kills",
  judge: "Soaks with and without a regression, on the noise model",
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const verdict = (problems: readonly string[]): string => (problems.length === 0 ? "holds" : "FAILS");

export function linesOf(played: Played): readonly string[] {
  switch (played.name) {
    case "fleet": {
      const { clusters, waves, upgraded, mergeRequests, requestsPerCluster, polls, virtualMs } = played.result;
      return table(
        [
          "clusters",
          "waves",
          "upgraded",
          "merge requests",
          "requests a cluster",
          "polls",
          "virtual time",
          "processor",
          "memory",
        ],
        [
          [
            count(clusters),
            count(waves),
            count(upgraded),
            count(mergeRequests),
            requestsPerCluster.toFixed(1),
            count(polls),
            duration(virtualMs),
            duration(played.processorMs),
            `${count(played.memoryMb)} MB`,
          ],
        ],
      );
    }
    case "faulty-wave":
    case "revision-faulty-wave":
      return table(
        ["wave", "came to", "merge requests", "control planes", "verdict"],
        played.result.map(({ wave, states, mergeRequests, planes, problems }) => [
          wave,
          states.join(", "),
          count(mergeRequests),
          planes.join(", "),
          verdict(problems),
        ]),
      );
    case "kills-upgrade":
    case "kills-rollback":
    case "revision-kills-upgrade":
    case "revision-kills-rollback": {
      const { moments, points, random, rows } = played.result;
      return [
        ...table(
          ["dies at", "before", "after", "verdict"],
          rows.map(({ call, before, after, problems }) => [call, count(before), count(after), verdict(problems)]),
        ),
        `${count(points)} of ${count(moments)} moments around a change, and ${count(random)} others.`,
      ];
    }
    case "rivals":
    case "revision-rivals":
      return table(
        ["seed", "processes", "pauses", "kills", "locks taken", "writes", "verdict"],
        played.result.map(({ seed, processes, pauses, kills, locks, writes, problems }) => [
          count(seed),
          count(processes),
          count(pauses),
          count(kills),
          count(locks),
          count(writes),
          verdict(problems),
        ]),
      );
    case "judge": {
      const { runs, slower, failing, quiet } = played.result;
      const row = (name: string, { failed, passed, undecided, medianMinutes }: ScenarioResult) => [
        name,
        count(runs),
        percent(failed),
        percent(passed),
        percent(undecided),
        medianMinutes === undefined ? "–" : `${medianMinutes} min`,
      ];
      return table(
        ["regression", "soaks", "failed", "passed", "undecided", "found after"],
        [row("+20 % p99", slower), row("+0.2 points 5xx", failing), row("none", quiet)],
      );
    }
  }
}

/** Everything that must not be, in sentences. */
export function findingsOf(played: Played): readonly string[] {
  const named = (problems: readonly string[]): readonly string[] =>
    problems.map((problem) => `${played.name}: ${problem}`);
  switch (played.name) {
    case "fleet": {
      const { processorMs, memoryMb, result } = played;
      return named([
        ...result.problems,
        ...(processorMs > fleetLimits.processorMs
          ? [`took ${duration(processorMs)} of a processor, at most ${duration(fleetLimits.processorMs)}`]
          : []),
        ...(memoryMb > fleetLimits.memoryMb ? [`took ${memoryMb} MB, at most ${fleetLimits.memoryMb}`] : []),
      ]);
    }
    case "faulty-wave":
    case "revision-faulty-wave":
      return named(played.result.flatMap(({ problems }) => problems));
    case "kills-upgrade":
    case "kills-rollback":
    case "revision-kills-upgrade":
    case "revision-kills-rollback":
      return named(played.result.rows.flatMap(({ problems }) => problems));
    case "rivals":
    case "revision-rivals":
      return named(played.result.flatMap(({ seed, problems }) => problems.map((one) => `seed ${seed}: ${one}`)));
    case "judge": {
      const { slower, failing, quiet } = played.result;
      const missed = (what: string, { failed }: ScenarioResult): readonly string[] =>
        failed >= goals.detected ? [] : [`found ${what} in ${percent(failed)}, at least ${percent(goals.detected)}`];
      return named([
        ...missed("+20 % p99", slower),
        ...missed("+0.2 points 5xx", failing),
        ...(quiet.failed <= goals.falseRollbacks
          ? []
          : [`${percent(quiet.failed)} false rollbacks, at most ${percent(goals.falseRollbacks)}`]),
      ]);
    }
  }
}
