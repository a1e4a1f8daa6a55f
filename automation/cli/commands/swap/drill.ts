import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import type { DrillResult } from "../../drill/drill-result.ts";
import { EnvironmentCommand } from "../../environment-command.ts";

/** `all`, or a whole number. Errors: usage-error. */
function parseKills(text: string): number | "all" {
  if (text === "all") return "all";
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number > 0) return number;
  throw new SwitchyardError("usage-error", {
    message: `--kills ${text} is neither all nor a number from 1 to 999999`,
    next: "For example:   npx switchyard swap drill --kills all",
  });
}

export default class SwapDrill extends EnvironmentCommand<DrillResult> {
  static override summary =
    "Show that the swap engine can be trusted: faults, crashes, false alarms, round trips under load.";
  static override description =
    "Without flags a short drill of all campaigns; with any of --round-trips, --kills, --faults or --aa only those. The long one, hours: --round-trips 100 --kills 1000 --faults all --aa 2000. Everything runs on this machine: real swaps on a local cloud of their own, the rest on a virtual clock with fixed seeds. Ends with an error when anything was found.";
  static override examples = ["<%= config.bin %> swap drill"];
  static override flags = {
    "round-trips": Flags.integer({
      description: "Real swaps there and back under load, with requests of a minute in flight. Short drill: 1.",
      min: 0,
      max: 10_000,
    }),
    kills: Flags.string({
      description:
        "all: the process dies once at every place where it can, in process and by SIGKILL. A number: so many times at random (by SIGKILL at most 20). Short drill: all.",
    }),
    faults: Flags.string({ description: "all, or names with commas; an unknown one lists them. Short drill: all." }),
    aa: Flags.integer({ description: "Swaps of two equal sides. Short drill: 200.", min: 0, max: 100_000 }),
    rate: Flags.integer({ description: "Requests a second of the real swaps.", default: 100, min: 10, max: 1_000 }),
    "long-seconds": Flags.integer({
      description: "What the long requests of the round trips take, seconds. Default 60; short drill: 20.",
      min: 1,
      max: 60,
    }),
    seed: Flags.integer({ description: "Seed of everything that is drawn.", default: 1, min: 0 }),
  };

  protected override async execute(): Promise<DrillResult> {
    const { flags } = await this.parse(SwapDrill);
    const { chooseFaults, runDrill } = await import("../../drill/drill.ts");
    const { kills, aa, rate, seed } = flags;
    const trips = flags["round-trips"];
    const short = trips === undefined && kills === undefined && flags.faults === undefined && aa === undefined;
    const options = {
      roundTrips: trips ?? (short ? 1 : 0),
      kills: kills === undefined ? (short ? ("all" as const) : undefined) : parseKills(kills),
      faults: chooseFaults(flags.faults ?? (short ? "all" : "none")),
      aa: aa ?? (short ? 200 : 0),
      rate,
      seed,
      longSeconds: flags["long-seconds"] ?? (short ? 20 : 60),
    };
    return runDrill(await this.compose({ ownLocalCloud: true }), this.lines, this.signal, options);
  }

  protected override describe(result: DrillResult): readonly string[] {
    return ["", "Nothing was found that should not be.", `Report   ${result.report}`];
  }
}
