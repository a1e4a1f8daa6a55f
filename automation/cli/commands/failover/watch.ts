import { Flags } from "@oclif/core";
import { alertWatchListener } from "../../../alerts/listeners.ts";
import { SwitchyardError } from "../../../errors.ts";
import { type FailoverDecision, failoverReasons } from "../../../failover/decide.ts";
import { interruptedFailover, recentFailovers } from "../../../failover/history.ts";
import { type FailoverSettings, failoverConfig, toFailoverSettings } from "../../../failover/settings.ts";
import { type WatchListener, type WatchPorts, type WatchResult, watchFailover } from "../../../failover/watch.ts";
import type { Environment } from "../../compose.ts";
import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { timeOfDay } from "../../text.ts";

interface WatchOutcome extends WatchResult {
  readonly environment: string;
  readonly policy: FailoverSettings["policy"];
}

export default class FailoverWatch extends SwapCommand<WatchOutcome> {
  static override mutates = true;
  static override summary = "Watch the serving side outside swaps, and propose or do a failover when it fails.";
  static override description =
    "Runs until Ctrl-C. The environment's failover section of switchyard.yaml says when a side counts as failed and whether its traffic is moved or the command is only proposed. Nothing moves back by itself.";
  static override examples = ["<%= config.bin %> failover watch --env local"];
  static override flags = {
    env: environmentFlag,
    once: Flags.boolean({ description: "Look for one window, act or report, and end: for a scheduled job." }),
  };

  #interrupted: unknown;

  protected override async execute(): Promise<WatchOutcome> {
    const { flags } = await this.parse(FailoverWatch);
    const environment = await this.environment(flags.env);
    const settings = toFailoverSettings(environment.config.failover ?? failoverConfig.parse({}));
    const { policy } = settings;
    if (policy === "off") {
      throw new SwitchyardError("failover-off", { message: `Failover is switched off for environment ${flags.env}` });
    }
    const ports = await environment.swapPorts();
    try {
      if (policy === "automatic") await this.#finishInterrupted(environment, ports.clock);
      this.progress(`Watching ${flags.env}, policy ${policy}.`);
      environment.alerts().watch();
      const listener = this.#listener(environment, ports.clock);
      const watchPorts = await this.#watchPorts(environment, ports);
      const result = await watchFailover({ settings, once: flags.once, listener }, watchPorts, this.signal);
      if (this.#interrupted !== undefined) throw this.#interrupted;
      return { environment: flags.env, policy, ...result };
    } finally {
      await ports.close();
    }
  }

  async #watchPorts(
    environment: Environment,
    { feed, router, platforms, clock }: Pick<WatchPorts, "feed" | "router" | "platforms" | "clock">,
  ): Promise<WatchPorts> {
    const { beginFailover, prepareFailover } = await import("../../failover-start.ts");
    return {
      feed,
      router,
      platforms,
      clock,
      swapOpen: async () => (await environment.store.open()) !== undefined,
      moves: () => recentFailovers(environment.store, clock.wall()),
      move: async (from, to) => {
        const intent = await prepareFailover(environment, to);
        if (intent.from !== from) {
          throw new SwitchyardError("weights-moved-elsewhere", {
            message: `${intent.from} serves environment ${environment.name} now; when the failover was decided it was ${from}`,
          });
        }
        const { id, lease } = await beginFailover(environment, intent);
        this.progress(`Failover ${id}: ${from} -> ${to}`);
        try {
          await this.driveClaimed(environment, id, lease);
        } catch (error) {
          // It says how to go on with what Ctrl-C stopped.
          if (this.signal.aborted) this.#interrupted = error;
          throw error;
        }
      },
    };
  }

  /** A failover whose process died is a side that is still failing. */
  async #finishInterrupted(environment: Environment, clock: WatchPorts["clock"]): Promise<void> {
    const found = await interruptedFailover(environment.store, clock, this.signal, (id) =>
      this.progress(`Failover ${id} has not ended; waiting for the process that drives it.`),
    );
    if (found === undefined) return;
    this.progress(`Failover ${found.id} was interrupted; this process goes on with it.`);
    try {
      await this.drive(environment, found.id, undefined, found.watch);
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.signal.aborted) throw error;
      this.addWarning(error.message);
    }
  }

  #listener(environment: Environment, clock: WatchPorts["clock"]): WatchListener {
    const { name } = environment;
    const alerts = alertWatchListener(environment.alerts().take, name, clock);
    let last = "";
    const line = (text: string): void => this.progress(`${timeOfDay(Date.now())}  ${text}`);
    return {
      onLook: (decision) => {
        alerts.onLook(decision);
        const text = describeDecision(decision);
        if (text !== last) line(text);
        last = text;
      },
      onPropose: ({ to }) => line(`To do it:   npx switchyard failover run --to ${to} --env ${name}`),
      onMoveFailed: (decision, error) => {
        alerts.onMoveFailed(decision, error);
        this.addWarning(`the traffic was not moved: ${error.message}`);
      },
      onBlind: (error) => {
        alerts.onBlind(error);
        this.addWarning(`requests cannot be seen: ${error.message}`);
      },
    };
  }

  protected override describe(result: WatchOutcome): readonly string[] {
    const { last, environment, moves, proposals } = result;
    const counts = `${result.looks} looks, ${proposals} proposals, ${moves} moves.`;
    if (last === undefined) return [counts];
    const next =
      last.kind === "move"
        ? [`To undo:   npx switchyard failover run --to ${last.from} --env ${environment}`]
        : last.kind === "propose"
          ? [`To do it:   npx switchyard failover run --to ${last.to} --env ${environment}`]
          : [];
    return [`${describeDecision(last)}.`, counts, ...next];
  }
}

function describeDecision({ kind, reason, from, to }: FailoverDecision): string {
  const where = from === undefined ? "" : `${from} serves: `;
  const text = failoverReasons[reason];
  if (kind === "move") return `${where}${text}; moving the traffic to ${to}`;
  if (kind === "propose") return `${where}${text}; a failover to ${to} is proposed`;
  return kind === "hold" ? `${where}it fails, and nothing is moved: ${text}` : `${where}${text}`;
}
