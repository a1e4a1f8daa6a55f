/**
 * The simulated campaigns, one after the other, in a process of its own: they calculate for minutes, while real swaps mostly wait.
 *
 *   node automation/cli/drill/simulation-process.ts PLAN      (as a child with a channel; simulation-messages.ts)
 */
import { getPriority, setPriority } from "node:os";
import { crashCampaign } from "../../drill/crashes.ts";
import { falseAlarmCampaign } from "../../drill/false-alarms.ts";
import { faultCampaign } from "../../drill/fault-campaign.ts";
import { SwitchyardError } from "../../errors.ts";
import { chooseFaults } from "./drill-options.ts";
import { type CampaignName, type SimulationMessage, simulationPlan } from "./simulation-messages.ts";

/** Nicer than the drill by so much: of a processor that both want, real swaps get three parts in four, and what is measured is not disturbed. */
const nicer = 5;
const nicest = 19;

/** Resolves when it has left. */
function tell(message: SimulationMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined) throw new Error("this program is started by the drill, which listens to it");
    process.send(message, undefined, {}, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

/** What a campaign throws that the catalogue knows is one campaign's end; anything else is everything's. */
async function play(campaign: CampaignName, run: () => Promise<SimulationMessage>): Promise<void> {
  try {
    await tell(await run());
  } catch (error) {
    if (!(error instanceof SwitchyardError)) throw error;
    await tell({ name: "broken", campaign, code: error.code, message: error.message });
  }
}

async function main(): Promise<void> {
  // The drill is gone, however it ended.
  process.once("disconnect", () => process.exit(1));
  process.channel?.unref();
  // A terminal's Ctrl-C is for the drill, which ends this process.
  process.on("SIGINT", () => undefined);
  setPriority(Math.min(nicest, getPriority() + nicer));
  const { seed, faults, crashes, aa } = simulationPlan.parse(JSON.parse(process.argv[2] ?? ""));
  if (faults.length > 0)
    await play("faults", async () => ({ ...(await faultCampaign(chooseFaults(faults.join()), seed)), name: "faults" }));
  if (crashes !== undefined)
    await play("crashes", async () => ({ ...(await crashCampaign(seed, crashes)), name: "crashes" }));
  if (aa > 0)
    await play("false-alarms", async () => ({ ...(await falseAlarmCampaign(seed, aa)), name: "false-alarms" }));
}

await main();
