import { environmentFlag } from "../../environment-command.ts";
import { describeSummary, reasonText, SwapCommand, type SwapSummary, summarise } from "../../swap-command.ts";
import { timeOfDay } from "../../text.ts";

const pollMs = 200;

export default class SwapWatch extends SwapCommand<SwapSummary> {
  static override summary = "Follow the open swap; goes on with it when the process that drove it is gone.";
  static override examples = ["<%= config.bin %> swap watch --env local"];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<SwapSummary> {
    const { flags } = await this.parse(SwapWatch);
    const environment = await this.environment(flags.env);
    const { setTimeout: wait } = await import("node:timers/promises");
    let printed = 0;
    for (;;) {
      const { state, events } = await this.record(environment);
      for (const event of events.slice(printed)) {
        if (event.kind === "entered")
          this.progress(`${timeOfDay(event.at)}  ${event.phase.replaceAll("-", " ")}: ${reasonText(event.reason)}`);
        if (event.kind === "paused") this.progress(`${timeOfDay(event.at)}  paused: ${reasonText(event.reason)}`);
      }
      printed = events.length;
      if (state.end !== undefined) return summarise(state);
      if ((await environment.store.owner()) === undefined) {
        if (state.paused !== undefined) return summarise(state);
        this.progress("Nobody drives this swap any more; this process goes on with it.");
        return this.drive(environment, state.id);
      }
      await wait(pollMs, undefined, { signal: this.signal });
    }
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return describeSummary(result);
  }
}
