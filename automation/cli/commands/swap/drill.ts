import { Flags } from "@oclif/core";
import type { DrillResult } from "../../drill/drill-result.ts";
import { EnvironmentCommand } from "../../environment-command.ts";
import { composeProgress } from "../../progress.ts";

export default class SwapDrill extends EnvironmentCommand<DrillResult> {
  static override mutates = false;
  static override summary =
    "Show that the swap engine can be trusted: faults, crashes, false alarms, round trips under load.";
  static override description =
    "Without flags a short drill of all campaigns; with any of --round-trips, --kills, --faults or --aa only those. The long one, hours: --round-trips 100 --kills 1000 --faults all --aa 2000. Everything runs on this machine: real swaps in a checkout and on a local cloud of their own (switchyard.yaml does not count), the rest on a virtual clock with fixed seeds. Ends with an error when anything was found.";
  static override examples = ["<%= config.bin %> swap drill"];
  static override flags = {
    "round-trips": Flags.integer({
      description: "Real swaps there and back under load, with long requests in flight. Short drill: 1.",
      min: 0,
      max: 10_000,
    }),
    kills: Flags.string({
      description:
        "all: the process dies once at every place where it can, in process and by SIGKILL. A number: so many times at random (by SIGKILL at most 20). Short drill: all.",
    }),
    faults: Flags.string({ description: "all, or names with commas; an unknown one lists them. Short drill: all." }),
    aa: Flags.integer({ description: "Swaps of two equal sides. Short drill: 1000.", min: 0, max: 100_000 }),
    rate: Flags.integer({ description: "Requests a second of the real swaps.", default: 100, min: 10, max: 1_000 }),
    "long-seconds": Flags.integer({
      description: "What the long requests of the round trips take, seconds. Default 60; short drill: 10.",
      min: 1,
      max: 60,
    }),
    seed: Flags.integer({ description: "Seed of everything that is drawn.", default: 1, min: 0, max: 4_294_967_295 }),
  };

  protected override async execute(): Promise<DrillResult> {
    const { flags } = await this.parse(SwapDrill);
    const { drillOptions } = await import("../../drill/drill-options.ts");
    const options = drillOptions(flags);
    const [{ runDrill }, { Composition }] = await Promise.all([
      import("../../drill/drill.ts"),
      import("../../compose.ts"),
    ]);
    const { lines, signal } = this;
    const compose = (root: string) =>
      new Composition({ root, signal, listener: composeProgress(lines), ownLocalCloud: true });
    return runDrill({ composition: await this.compose(), compose, lines, signal }, options);
  }

  protected override describe(result: DrillResult): readonly string[] {
    return ["", "Nothing was found that should not be.", `Report   ${result.report}`];
  }
}
