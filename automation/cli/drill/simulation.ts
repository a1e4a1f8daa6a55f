/** The simulated campaigns as a process beside the drill's own, and what it found. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Campaign, CrashRow, FalseAlarmRow, FaultRow } from "../../drill/results.ts";
import { SwitchyardError } from "../../errors.ts";
import { type SimulationMessage, type SimulationPlan, simulationMessage } from "./simulation-messages.ts";

/** One campaign: promised at once, and known to have come to its end or not. */
class AwaitedCampaign<Row> {
  readonly #outcome = Promise.withResolvers<Campaign<Row>>();
  #settled = false;

  constructor() {
    // Whoever asks hears of it; nobody may have asked yet.
    this.#outcome.promise.catch(() => undefined);
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Errors: why it could not be carried out. */
  get result(): Promise<Campaign<Row>> {
    return this.#outcome.promise;
  }

  found(result: Campaign<Row>): void {
    this.#settled = true;
    this.#outcome.resolve(result);
  }

  broke(error: Error): void {
    this.#settled = true;
    this.#outcome.reject(error);
  }
}

export class Simulation {
  readonly faults = new AwaitedCampaign<FaultRow>();
  readonly crashes = new AwaitedCampaign<CrashRow>();
  readonly falseAlarms = new AwaitedCampaign<FalseAlarmRow>();
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    let complaints = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      complaints = `${complaints}${chunk.toString()}`.slice(-2_000);
    });
    child.on("message", (message) => {
      const read = simulationMessage.safeParse(message);
      if (read.success) this.#take(read.data);
      else this.#break(internal(`The simulation said something else than agreed: ${read.error.message}`));
    });
    this.#ended = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#break(internal(`The simulation could not be started: ${error.message}`));
        resolve();
      });
      // Those that it told of are settled already.
      child.once("close", () => {
        this.#break(internal(`The simulation ended early: ${complaints.trim() || "it said nothing"}`));
        resolve();
      });
    });
  }

  /** Begins at once. `root`: the checkout's. What goes wrong is told by the campaigns: internal-error, or the engine's. */
  static start(root: string, plan: SimulationPlan): Simulation {
    const program = join(root, "automation", "cli", "drill", "simulation-process.ts");
    return new Simulation(
      fork(program, [JSON.stringify(plan)], { stdio: ["ignore", "ignore", "pipe", "ipc"], execArgv: [] }),
    );
  }

  /** Ends it wherever it is; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #take(message: SimulationMessage): void {
    if (message.name === "faults") this.faults.found(message);
    else if (message.name === "crashes") this.crashes.found(message);
    else if (message.name === "false-alarms") this.falseAlarms.found(message);
    else this.#awaited[message.campaign].broke(new SwitchyardError(message.code, { message: message.message }));
  }

  get #awaited() {
    return { faults: this.faults, crashes: this.crashes, "false-alarms": this.falseAlarms };
  }

  #break(error: Error): void {
    for (const campaign of Object.values(this.#awaited)) campaign.broke(error);
  }
}

function internal(message: string): SwitchyardError {
  return new SwitchyardError("internal-error", { message });
}
