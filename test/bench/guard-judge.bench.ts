/**
 * How well gate B judges on the documented noise model: what it has to find by the end of a soak of 60 minutes, and what it must not
 * take for a regression. Goals: 95 % found, at most 1 % false rollbacks, with clusters in which nothing changes. Without any only the cluster's last
 * week is left; that is measured too, over 60 minutes and over the 120 of an extended soak, and has no goal of its own.
 */
import { measureSoaks, powerCampaign, type ScenarioResult } from "../../automation/guard/judge/campaign.ts";
import { noInjection } from "../../automation/guard/judge/noise.ts";

const runs = 1_000;
const seed = 20_261_201;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function say(what: string, { failed, passed, undecided, medianMinutes }: ScenarioResult): void {
  const median = medianMinutes === undefined ? "" : `, median ${medianMinutes} min`;
  process.stdout.write(
    `${what}: rolled back ${percent(failed)}${median}, passed ${percent(passed)}, undecided ${percent(undecided)}\n`,
  );
}

const scenarios = {
  "p99 +20 %, limit +10 %": { ...noInjection, tailFactor: 1.2 },
  "5xx +0.2 points, limit +0.1": { ...noInjection, errors: 0.002 },
  "no regression": noInjection,
} as const;

const campaign = powerCampaign(seed, runs);
process.stdout.write(`${runs} soaks each, 60 minutes, 100 requests/s, 4 unchanged clusters, seed ${seed}\n`);
say("  p99 +20 %, limit +10 %", campaign.slower);
say("  5xx +0.2 points, limit +0.1", campaign.failing);
say("  no regression", campaign.quiet);
process.stdout.write(`  goals (95 % found, at most 1 % false rollbacks): ${campaign.met ? "met" : "missed"}\n`);
if (!campaign.met) process.exitCode = 1;

// At the limit itself either answer is right; a rollback there is what the bounds promise to be rare.
say(
  "  p99 +10 %, at its limit",
  measureSoaks(seed, runs, { injection: { ...noInjection, tailFactor: 1.1 }, peers: 4, soakMinutes: 60 }),
);

for (const soakMinutes of [60, 120]) {
  process.stdout.write(`No other cluster, ${soakMinutes} minutes, ${runs / 2} soaks each\n`);
  for (const [what, injection] of Object.entries(scenarios))
    say(`  ${what}`, measureSoaks(seed, runs / 2, { injection, peers: 0, soakMinutes }));
}
