import { userInfo } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { drivingAlerts } from "../alerts/from-error.ts";
import { alertRunListener } from "../alerts/listeners.ts";
import { SwitchyardError } from "../errors.ts";
import { foldEvents } from "../swap/fold.ts";
import type { Journal } from "../swap/journal.ts";
import type { Lease, LeaseWatch } from "../swap/lease.ts";
import { runSwap } from "../swap/run.ts";
import { combineListeners } from "../swap/run-listeners.ts";
import type { SwapEvent, Verb } from "../swap/state.ts";
import { type SwapRecord, swapPurpose } from "../swap/store.ts";
import { traceListener } from "../swap/trace-listener.ts";
import type { Environment } from "./compose.ts";
import { engineProcess } from "./engine-process.ts";
import { EnvironmentCommand } from "./environment-command.ts";
import { toSwitchyardError } from "./error-output.ts";
import { assertPossible, finish, stopped } from "./swap-outcome.ts";
import { reasonText, type SwapSummary, summarise } from "./swap-summary.ts";
import { swapListener, swapTableHead } from "./swap-view.ts";
import { timeOfDay } from "./text.ts";

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
  protected async ask(environment: Environment, verb: Verb, amountMs?: number): Promise<SwapSummary> {
    const open = await environment.store.open();
    if (open === undefined) {
      throw new SwitchyardError("no-swap", {
        message: `No swap of environment ${environment.name} is open, which swap ${verb === "promote-full" ? "promote --full" : verb} would need`,
        next: `To see the past ones:   npx switchyard swap history --env ${environment.name}`,
      });
    }
    const { id } = open.state;
    assertPossible(verb, open.state);
    const number = await environment.store.request(id, verb, userInfo().username, amountMs);
    const watch = environment.store.watch();
    if ((await watch.look()).kind === "free") return this.#takeOver(environment, id, verb, watch);
    // Who ends a swap wants to know that the traffic is back, not that the wish was heard.
    if (verb === "abort" || verb === "rollback") return this.follow(environment, verb, watch);
    return this.#awaitTaken(environment, id, number, verb, watch);
  }

  /** Runs the swap in this process to its end or to the point where a person is needed. */
  protected async drive(environment: Environment, id: string, verb?: Verb, watch?: LeaseWatch): Promise<SwapSummary> {
    const lease = await this.#claim(environment, id, watch);
    return this.driveClaimed(environment, id, lease, verb);
  }

  #claim(environment: Environment, id: string, watch: LeaseWatch | undefined): Promise<Lease> {
    return environment.store.claim(swapPurpose(id), watch === undefined ? {} : { watch });
  }

  /** Nobody drives the swap: this process carries the wish out. */
  #takeOver(environment: Environment, id: string, verb: Verb, watch: LeaseWatch): Promise<SwapSummary> {
    return onlyWritten.includes(verb)
      ? this.#writeWishes(environment, id, watch)
      : this.drive(environment, id, verb, watch);
  }

  /** As `drive`, for the one who has the lease already; gives it back in any case. */
  protected async driveClaimed(environment: Environment, id: string, lease: Lease, verb?: Verb): Promise<SwapSummary> {
    try {
      const journal = await environment.store.journal(id, lease.token);
      const alerts = environment.alerts();
      alerts.watch();
      try {
        return await this.#run(environment, id, lease, journal, verb);
      } catch (error) {
        const state = foldEvents(journal.events);
        if (state !== undefined && !this.signal.aborted)
          alerts.take(drivingAlerts(toSwitchyardError(error), state, Date.now()));
        if (error instanceof Error) this.alerted.add(error);
        throw this.signal.aborted ? stopped(journal.events, error) : error;
      }
    } finally {
      await lease.release();
    }
  }

  async #run(
    environment: Environment,
    id: string,
    lease: Lease,
    journal: Journal,
    verb: Verb | undefined,
  ): Promise<SwapSummary> {
    const ports = await environment.swapPorts();
    try {
      if (this.lines.redraws) for (const line of swapTableHead) this.lines.line(line);
      const state = await runSwap(
        journal,
        { ...ports, lease, requests: (after) => environment.store.requests(id, after) },
        engineProcess,
        this.signal,
        combineListeners(
          swapListener(this.lines),
          alertRunListener(environment.alerts().take, journal.events),
          traceListener(environment.trace, journal.events),
        ),
      );
      return finish(state, verb);
    } finally {
      await ports.close();
    }
  }

  /** Prints what the swap does until it rests; goes on with it when the process that drove it is gone. */
  protected async follow(
    environment: Environment,
    verb?: Verb,
    watch: LeaseWatch = environment.store.watch(),
  ): Promise<SwapSummary> {
    for (let printed = 0; ; ) {
      const { state, events } = await this.record(environment);
      for (const event of events.slice(printed)) this.#printEvent(event);
      printed = events.length;
      if (state.end !== undefined) return finish(state, verb);
      if ((await watch.look()).kind === "free") {
        // It may have ended between the two looks.
        const { state: now } = await this.record(environment);
        const untaken = await environment.store.requests(now.id, now.requestsSeen);
        if (now.end !== undefined || (now.paused !== undefined && untaken.length === 0)) return finish(now, verb);
        this.progress("Nobody drives this swap any more; this process goes on with it.");
        return this.drive(environment, state.id, verb, watch);
      }
      await wait(pollMs, undefined, { signal: this.signal });
    }
  }

  #printEvent(event: SwapEvent): void {
    if (event.kind === "entered")
      this.progress(`${timeOfDay(event.at)}  ${event.phase.replaceAll("-", " ")}: ${reasonText(event.reason)}`);
    if (event.kind === "paused") this.progress(`${timeOfDay(event.at)}  paused: ${reasonText(event.reason)}`);
    if (event.kind === "requested") this.progress(`${timeOfDay(event.at)}  ${event.verb}: asked for by ${event.by}`);
  }

  async #awaitTaken(
    environment: Environment,
    id: string,
    number: number,
    verb: Verb,
    watch: LeaseWatch,
  ): Promise<SwapSummary> {
    const deadline = Date.now() + takenDeadlineMs;
    for (;;) {
      const { state } = await this.record(environment, id);
      if (state.requestsSeen >= number || state.end !== undefined) return summarise(state);
      const look = await watch.look();
      if (look.kind === "free") return this.#takeOver(environment, id, verb, watch);
      // One that was not seen to live may be gone: then its lease ends while this process waits.
      if (Date.now() > deadline && look.renewed) {
        this.addWarning(
          `the process that drives swap ${id} is busy; it will see the wish when its present effect ends`,
        );
        return summarise(state);
      }
      await wait(pollMs, undefined, { signal: this.signal });
    }
  }

  /** Nobody drives it: the wish is written into the journal here, and holds when somebody does. */
  async #writeWishes(environment: Environment, id: string, watch: LeaseWatch): Promise<SwapSummary> {
    const lease = await this.#claim(environment, id, watch);
    try {
      const journal = await environment.store.journal(id, lease.token);
      const { state } = await this.record(environment, id);
      // All that was not taken in yet, in order: a wish that an earlier driver missed is not lost behind this one.
      for (const wish of await environment.store.requests(id, state.requestsSeen))
        await journal.append({ kind: "requested", at: Date.now(), ...wish });
      return summarise((await this.record(environment, id)).state);
    } finally {
      await lease.release();
    }
  }
}

/** Wishes that need nobody to carry them out: they hold when somebody goes on with the swap. */
const onlyWritten: readonly Verb[] = ["pause", "extend-bake"];

const pollMs = 100;
const takenDeadlineMs = 5_000;
