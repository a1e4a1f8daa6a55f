/** `guard drill`: the campaigns that show whether an upgrade by guard can be trusted, two at a time, each in a process of its own. */
import { availableParallelism } from "node:os";
import { SwitchyardError } from "../../errors.ts";
import type { ProgressLines } from "../progress.ts";
import { duration, plural } from "../text.ts";
import { playInChild } from "./guard-drill-child.ts";
import {
  campaignsOf,
  type DrillStrategy,
  type GuardCampaignName,
  type GuardDrillMessage,
  type GuardDrillPlan,
  type Played,
} from "./guard-drill-messages.ts";
import { findingsOf, linesOf, titles } from "./guard-drill-tables.ts";

export interface GuardDrillResult {
  readonly seed: number;
  readonly campaigns: readonly Played[];
  /** Everything that was found, in sentences; empty when guard did what it has to. */
  readonly problems: readonly string[];
}

export type GuardDrillOptions = Omit<GuardDrillPlan, "campaign"> & { readonly strategy: DrillStrategy };

export interface GuardDrillSurroundings {
  /** The checkout's. */
  readonly root: string;
  readonly lines: Pick<ProgressLines, "line">;
  readonly signal: AbortSignal;
  /** Default: in a process. */
  readonly play?: typeof playInChild;
}

const problemsTold = 20;
/** The fleet's own time is measured: nothing more runs beside it than has a processor of its own. */
const mostAtOnce = 2;

/** Errors: drill-failed with everything that was found. */
export async function runGuardDrill(
  { root, lines, signal, play = playInChild }: GuardDrillSurroundings,
  { strategy, ...options }: GuardDrillOptions,
): Promise<GuardDrillResult> {
  const campaigns = campaignsOf(strategy);
  const stop = new AbortController();
  const inner = AbortSignal.any([signal, stop.signal]);
  const queue = campaigns.values();
  const told = new Map<GuardCampaignName, PromiseWithResolvers<GuardDrillMessage>>(
    campaigns.map((campaign) => [campaign, Promise.withResolvers()]),
  );
  const worker = async (): Promise<void> => {
    for (const campaign of queue) {
      const message = await play(root, { ...options, campaign }, inner);
      told.get(campaign)?.resolve(message);
    }
  };
  const working = Promise.all(Array.from({ length: Math.min(mostAtOnce, availableParallelism()) }, worker));
  // Whoever waits for a campaign hears of the abort.
  working.catch((error: unknown) => {
    for (const { reject } of told.values()) reject(error);
  });
  for (const { promise } of told.values()) promise.catch(() => undefined);
  try {
    const messages: GuardDrillMessage[] = [];
    for (const campaign of campaigns) {
      lines.line("");
      lines.line(titles[campaign]);
      const message = await told.get(campaign)?.promise;
      if (message === undefined) continue;
      messages.push(message);
      if (message.name === "broken") lines.line(`Not carried out: ${message.message.split("\n")[0]}`);
      else for (const line of [...linesOf(message), `Took ${duration(message.tookMs)}.`]) lines.line(line);
    }
    await working;
    return judged(messages, options.seed);
  } finally {
    stop.abort();
    await working.catch(() => undefined);
  }
}

/** Pure. Errors: drill-failed. */
export function judged(messages: readonly GuardDrillMessage[], seed: number): GuardDrillResult {
  const campaigns = messages.flatMap((message) => (message.name === "broken" ? [] : [message]));
  const problems = messages.flatMap((message) =>
    message.name === "broken" ? [`${message.campaign}: not carried out: ${message.message}`] : findingsOf(message),
  );
  const result = { seed, campaigns, problems };
  if (problems.length === 0) return result;
  const more = problems.length - problemsTold;
  throw new SwitchyardError("drill-failed", {
    message: [
      `${plural(problems.length, "problem")}:`,
      ...problems.slice(0, problemsTold).map((problem) => `  ${problem}`),
      ...(more > 0 ? [`  and ${more} more`] : []),
    ].join("\n"),
    next: ["To see everything:   npx switchyard guard drill --json"],
    data: { ...result },
  });
}
