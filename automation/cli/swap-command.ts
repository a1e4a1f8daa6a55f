import { userInfo } from "node:os";
import { SwitchyardError } from "../errors.ts";
import { reasons } from "../swap/reasons.ts";
import { runSwap } from "../swap/run.ts";
import type { SwapEvent, SwapState, Verb } from "../swap/state.ts";
import { describePosition, type SwapRecord } from "../swap/store.ts";
import type { Environment } from "./compose.ts";
import { engineProcess } from "./engine-process.ts";
import { EnvironmentCommand } from "./environment-command.ts";
import { swapListener, swapTableHead } from "./swap-view.ts";
import { dateAndTime, duration } from "./text.ts";

export interface SwapSummary {
  readonly id: string;
  readonly environment: string;
  readonly from: string;
  readonly to: string;
  readonly image: string;
  readonly state: string;
  readonly phase: string;
  readonly reason: string;
  readonly weights: Readonly<Record<string, number>>;
  readonly paused: boolean;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  readonly profile: string;
}

export function summarise(state: SwapState): SwapSummary {
  return {
    id: state.id,
    environment: state.environment,
    from: state.from,
    to: state.to,
    image: state.image,
    state: state.end?.as ?? (state.paused === undefined ? "running" : "paused"),
    phase: state.phase,
    reason: state.end?.reason ?? state.paused?.reason ?? state.phaseReason,
    weights: state.accepted ?? {},
    paused: state.paused !== undefined,
    startedAt: new Date(state.startedAt).toISOString(),
    endedAt: state.end === undefined ? undefined : new Date(state.end.at).toISOString(),
    profile: state.settings.profile,
  };
}

export function describeSummary(summary: SwapSummary): readonly string[] {
  const weights = Object.entries(summary.weights)
    .map(([platform, share]) => `${platform} ${share} %`)
    .join(", ");
  const took =
    summary.endedAt === undefined
      ? ""
      : `, took ${duration(Date.parse(summary.endedAt) - Date.parse(summary.startedAt))}`;
  return [
    `Swap ${summary.id} of ${summary.environment}: ${summary.from} -> ${summary.to}, ${summary.state} (${summary.phase.replaceAll("-", " ")}).`,
    `Why        ${reasonText(summary.reason)}`,
    `Weights    ${weights || "not moved"}`,
    `Started    ${dateAndTime(Date.parse(summary.startedAt))}${took}, gate profile ${summary.profile}`,
  ];
}

export function reasonText(reason: string): string {
  return reason in reasons ? reasons[reason as keyof typeof reasons] : reason;
}

/** A command that reads or drives the swap of an environment. */
export abstract class SwapCommand<Result extends object> extends EnvironmentCommand<Result> {
  /** The newest swap or the one asked for. Errors: no-swap. */
  protected async record(environment: Environment, id?: string): Promise<SwapRecord> {
    const record = id === undefined ? await environment.store.latest() : await environment.store.read(id);
    if (record !== undefined) return record;
    throw new SwitchyardError("no-swap", {
      message:
        id === undefined
          ? `Environment ${environment.name} has had no swap`
          : `Environment ${environment.name} has no swap ${id}`,
      next: `To start one:   npx switchyard swap start --to gke --env ${environment.name}`,
    });
  }

  /** Leaves a wish with the process that drives the swap, or carries it out here when there is none. */
  protected async ask(environment: Environment, verb: Verb): Promise<SwapSummary> {
    const open = await environment.store.open();
    if (open === undefined) {
      throw new SwitchyardError("no-swap", {
        message: `No swap of environment ${environment.name} is open, so there is nothing to ${verb}`,
        next: `To see the past ones:   npx switchyard swap history --env ${environment.name}`,
      });
    }
    assertPossible(verb, open.state);
    await environment.store.request(open.state.id, verb, userInfo().username);
    if ((await environment.store.owner()) !== undefined) return this.#awaitTaken(environment, open.state.id, verb);
    if (verb === "pause") return this.#recordPause(environment, open.state.id);
    return this.drive(environment, open.state.id);
  }

  /** Runs the swap in this process to its end or to the point where a person is needed. */
  protected async drive(environment: Environment, id: string): Promise<SwapSummary> {
    const release = await environment.store.claim(id);
    try {
      const journal = await environment.store.journal(id);
      const ports = await environment.swapPorts();
      try {
        if (this.lines.redraws) for (const line of swapTableHead) this.lines.line(line);
        const state = await runSwap(
          journal,
          { ...ports, requests: (after) => environment.store.requests(id, after) },
          engineProcess,
          this.signal,
          swapListener(this.lines),
        );
        return finish(state);
      } catch (error) {
        throw this.signal.aborted ? stopped(environment, journal.events) : error;
      } finally {
        await ports.close();
      }
    } finally {
      await release();
    }
  }

  async #awaitTaken(environment: Environment, id: string, verb: Verb): Promise<SwapSummary> {
    const deadline = Date.now() + takenDeadlineMs;
    for (;;) {
      const record = await this.record(environment, id);
      const taken = record.events.findLast((event) => event.kind === "requested");
      if (taken?.kind === "requested" && taken.verb === verb) return summarise(record.state);
      if (record.state.end !== undefined) return summarise(record.state);
      if (Date.now() > deadline) {
        this.addWarning(
          `the process that drives swap ${id} is busy; it will see the wish when its present effect ends`,
        );
        return summarise(record.state);
      }
      await pollPause(this.signal);
    }
  }

  /** Nobody drives it: the wish is written down, and holds when somebody does. */
  async #recordPause(environment: Environment, id: string): Promise<SwapSummary> {
    return summarise((await this.record(environment, id)).state);
  }
}

const takenDeadlineMs = 5_000;

async function pollPause(signal: AbortSignal): Promise<void> {
  const { setTimeout: wait } = await import("node:timers/promises");
  await wait(100, undefined, { signal });
}

function assertPossible(verb: Verb, state: SwapState): void {
  const late = ["removing-entry", "detaching", "removing"].includes(state.phase);
  if ((verb === "abort" || verb === "rollback") && late) {
    throw new SwitchyardError("swap-cannot-return", {
      message: `Swap ${state.id} is removing ${state.from} (${describePosition(state)}), which therefore cannot take the traffic back`,
      next: `To go back:   npx switchyard swap start --to ${state.from} --env ${state.environment}`,
    });
  }
}

/** A swap that came to rest: its summary, or the error that says what a person has to do. */
function finish(state: SwapState): SwapSummary {
  const summary = summarise(state);
  if (state.end?.as === "completed") return summary;
  const env = `--env ${state.environment}`;
  const data = { swap: summary };
  if (state.end !== undefined) {
    if (state.end.reason === "requested-abort" || state.end.reason === "requested-rollback") return summary;
    throw new SwitchyardError("swap-failed", {
      message: `Swap ${state.id} (${state.from} -> ${state.to}) was ${state.end.as.replace("-", " ")}: ${reasonText(state.end.reason)}. ${state.from} serves everything`,
      next: [`To see what decided:   npx switchyard swap why ${state.id} ${env}`],
      data,
    });
  }
  throw new SwitchyardError("swap-paused", {
    message: `Swap ${state.id} waits for a person: ${reasonText(state.paused?.reason ?? state.phaseReason)}${state.lastFailure === undefined ? "" : `: ${state.lastFailure.message}`}`,
    next: [`To try again:   npx switchyard swap resume ${env}`, `To go back:     npx switchyard swap abort ${env}`],
    data,
  });
}

function stopped(environment: Environment, events: readonly SwapEvent[]): SwitchyardError {
  const accepted = events.findLast((event) => event.kind === "intent" && event.effect.kind === "write-weights");
  const weights =
    accepted?.kind === "intent" && accepted.effect.kind === "write-weights"
      ? Object.entries(accepted.effect.weights)
          .map(([platform, share]) => `${platform} ${share} %`)
          .join(", ")
      : "not moved";
  return new SwitchyardError("cancelled", {
    message: `Stopped. The swap's state is kept and traffic stays as it is (${weights})`,
    next: [
      `To go on:     npx switchyard swap resume --env ${environment.name}`,
      `To go back:   npx switchyard swap abort --env ${environment.name}`,
    ],
  });
}
