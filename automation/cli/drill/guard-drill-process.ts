/**
 * One campaign of guard's drill, in a process of its own: its memory is measured, and several calculate at the same time.
 *
 *   node automation/cli/drill/guard-drill-process.ts PLAN      (as a child with a channel; guard-drill-messages.ts)
 */
import { crashCampaign } from "../../drill/guard/crashes.ts";
import { faultyWaveCampaign, fleetCampaign } from "../../drill/guard/fleet-campaign.ts";
import {
  from,
  revisionRivalPlay,
  revisionRollbackPlay,
  revisionUpgradePlay,
  rivalPlay,
  rollbackPlay,
  to,
  upgradePlay,
} from "../../drill/guard/plays.ts";
import { rivalCampaign } from "../../drill/guard/rivals.ts";
import { powerCampaign } from "../../guard/judge/campaign.ts";
import { planDigest } from "../../guard/plan/digest.ts";
import { type GuardDrillMessage, type GuardDrillPlan, guardDrillPlan } from "./guard-drill-messages.ts";

/** A Tuesday, on which nothing is frozen. */
const now = Date.UTC(2026, 11, 1, 10);
const given = { now, kubernetes: "1.33", digest: planDigest };

/** Crashes at other calls. */
const randomCrashes = 20;
const rivals = { processes: 3, plays: 12 };
/** Each has ten merge requests. */
const revisionRivals = 6;
/** Each three soaks; fewer would leave the rates to chance. */
const soaks = 300;
/** Of the fleet whose third wave has a fault. */
const faulty = { clusters: 10, waves: 5 };
const revisionFaulty = { clusters: 8, waves: 4 };

/** Resolves when it has left. */
function tell(message: GuardDrillMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined) throw new Error("this program is started by the drill, which listens to it");
    process.send(message, undefined, {}, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

async function play(plan: GuardDrillPlan): Promise<GuardDrillMessage> {
  const { campaign, seed, clusters, waves, kills } = plan;
  const { signal } = new AbortController();
  const startedAt = performance.now();
  const usage = process.cpuUsage();
  const rss = process.memoryUsage().rss;
  const cost = () => {
    const { user, system } = process.cpuUsage(usage);
    return {
      tookMs: Math.round(performance.now() - startedAt),
      processorMs: Math.round((user + system) / 1_000),
      // The highest of this process's life, in KB.
      memoryMb: Math.max(0, Math.round((process.resourceUsage().maxRSS * 1_024 - rss) / 1e6)),
    };
  };
  const upgrade = { from, to, fleet: given, signal };
  const crashes = { kills, random: kills === "all" ? randomCrashes : Math.min(kills, randomCrashes), seed, signal };
  const among = (plays: number) => ({
    processes: rivals.processes,
    seeds: Array.from({ length: plays }, (_, index) => seed * 1_000 + index),
  });
  switch (campaign) {
    case "fleet": {
      const result = await fleetCampaign({ ...upgrade, clusters, waves });
      return { name: campaign, result, ...cost() };
    }
    case "faulty-wave": {
      const result = await faultyWaveCampaign({ ...upgrade, ...faulty });
      return { name: campaign, result, ...cost() };
    }
    case "kills-upgrade": {
      const result = await crashCampaign({ ...upgradePlay(given), ...crashes });
      return { name: campaign, result, ...cost() };
    }
    case "kills-rollback": {
      const result = await crashCampaign({ ...rollbackPlay(given), ...crashes });
      return { name: campaign, result, ...cost() };
    }
    case "rivals": {
      const result = await rivalCampaign({ ...rivalPlay(given), ...among(rivals.plays), signal });
      return { name: campaign, result, ...cost() };
    }
    case "revision-faulty-wave": {
      const fleet = { ...given, strategy: "revision" } as const;
      const result = await faultyWaveCampaign({ ...upgrade, fleet, ...revisionFaulty });
      return { name: campaign, result, ...cost() };
    }
    case "revision-kills-upgrade": {
      const result = await crashCampaign({ ...revisionUpgradePlay(given), ...crashes });
      return { name: campaign, result, ...cost() };
    }
    case "revision-kills-rollback": {
      const result = await crashCampaign({ ...revisionRollbackPlay(given), ...crashes });
      return { name: campaign, result, ...cost() };
    }
    case "revision-rivals": {
      const result = await rivalCampaign({ ...revisionRivalPlay(given), ...among(revisionRivals), signal });
      return { name: campaign, result, ...cost() };
    }
    case "judge": {
      const result = powerCampaign(seed, soaks);
      return { name: campaign, result, ...cost() };
    }
  }
}

async function main(): Promise<void> {
  // The drill is gone, however it ended.
  process.once("disconnect", () => process.exit(1));
  process.channel?.unref();
  // A terminal's Ctrl-C is for the drill, which ends this process.
  process.on("SIGINT", () => undefined);
  const plan = guardDrillPlan.parse(JSON.parse(process.argv[2] ?? ""));
  try {
    await tell(await play(plan));
  } catch (error) {
    // Whatever the engine threw is a finding, not the end of the drill.
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    await tell({ name: "broken", campaign: plan.campaign, message });
  }
}

await main();
