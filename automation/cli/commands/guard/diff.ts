import { Flags } from "@oclif/core";
import type { BatchDiff } from "../../guard-diff.ts";
import { describeDiff } from "../../guard-diff.ts";
import { batchFlag, GuardRunCommand } from "../../guard-run-command.ts";

export default class GuardDiff extends GuardRunCommand<BatchDiff> {
  static override mutates = false;
  static override summary =
    "Show what the next merge requests of a batch's plan would change in Git, on today's files.";
  static override description =
    "Each changed place with who reads the file, by repository and step. While a merge request is open it is that one; after it has landed, the next of the hop. Nothing is written.";
  static override examples = ["<%= config.bin %> guard diff --batch prod-wave-1 --plan 0123456789ab"];
  static override flags = {
    batch: batchFlag,
    plan: Flags.string({ description: "Hash of the plan. Default the one that the batch runs." }),
  };

  protected override async execute(): Promise<BatchDiff> {
    const { flags } = await this.parse(GuardDiff);
    const [guard, { ports }, settings, plan, { diffBatch }] = await Promise.all([
      this.guard(),
      this.opened(),
      this.settings(),
      this.planOf(flags.batch, flags.plan),
      import("../../guard-diff.ts"),
    ]);
    return diffBatch(ports, await guard.registry(), settings, plan, this.signal);
  }

  protected override describe(diff: BatchDiff): readonly string[] {
    return describeDiff(diff);
  }
}
