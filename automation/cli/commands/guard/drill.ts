import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import { strategies } from "../../../guard/plan/support.ts";
import type { GuardDrillResult } from "../../drill/guard-drill.ts";
import { EnvironmentCommand } from "../../environment-command.ts";

export default class GuardDrill extends EnvironmentCommand<GuardDrillResult> {
  static override mutates = false;
  static override summary =
    "Show that guard can be trusted with a fleet: a whole upgrade, a fault, crashes, rivals, the judge's error rates.";
  static override description =
    "Everything is simulated on this machine, on a virtual clock with a fixed seed: clusters whose Flux follows a repository, a Git host, a store, people who merge. Waves are upgraded in place and by revision, and go back in both ways. switchyard.yaml does not count, and nothing outside is touched. Limits are findings: 60 s of a processor and 400 MB for the fleet, six GitLab requests a cluster besides looks at merge requests, no merge request made twice, no state lost, no lock held twice, by revision no proxy without its control plane, no share exceeded, no old control plane removed while anything names it, 95 % of regressions found and at most 1 % false rollbacks. Ends with an error when anything was found.";
  static override examples = ["<%= config.bin %> guard drill --clusters 100 --waves 5 --kills 60"];
  static override flags = {
    clusters: Flags.integer({ description: "Of the fleet.", default: 500, min: 1, max: 2_000 }),
    waves: Flags.integer({ description: "Batches, one after another.", default: 25, min: 1, max: 99 }),
    kills: Flags.string({
      description:
        "all: processes die around every call that changes something, of renewals of a lease around 30. A number: around so many, drawn.",
      default: "all",
    }),
    strategy: Flags.option({
      description: "How the waves are upgraded: in place, by revision, or both, one after the other.",
      options: [...strategies, "both"] as const,
      default: "both",
    })(),
    seed: Flags.integer({ description: "Seed of everything that is drawn.", default: 1, min: 0, max: 1_000_000 }),
  };

  protected override async execute(): Promise<GuardDrillResult> {
    const { flags } = await this.parse(GuardDrill);
    const [{ parseKills }, { runGuardDrill }] = await Promise.all([
      import("../../drill/drill-options.ts"),
      import("../../drill/guard-drill.ts"),
    ]);
    const { clusters, waves, seed, strategy } = flags;
    if (waves > clusters)
      throw new SwitchyardError("usage-error", {
        message: `${waves} waves of ${clusters} clusters: one of them would be empty`,
        next: "Give as many clusters as waves, or more:   npx switchyard guard drill --clusters 100 --waves 5",
      });
    const { root } = await this.compose();
    return runGuardDrill(
      { root, lines: this.lines, signal: this.signal },
      { clusters, waves, seed, strategy, kills: parseKills(flags.kills) },
    );
  }

  protected override describe(): readonly string[] {
    return ["", "Nothing was found that should not be."];
  }
}
