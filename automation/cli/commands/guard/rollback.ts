import { Flags } from "@oclif/core";
import { finishBatch } from "../../guard-outcome.ts";
import { type BatchResult, batchFlag, describeBatch, GuardRunCommand } from "../../guard-run-command.ts";

export default class GuardRollback extends GuardRunCommand<BatchResult> {
  static override mutates = true;
  static override summary = "Take a batch's hop back, by a merge request that reverts it.";
  static override description =
    "What has landed of the hop goes back for the whole batch; CRDs stay. The merge request is opened here, or by the monitor that works on the batch now. Until it is merged nothing in the clusters changes. It fails when that merge request cannot be opened.";
  static override examples = ['<%= config.bin %> guard rollback --batch prod-wave-1 --reason "checkout is slow"'];
  static override flags = {
    batch: batchFlag,
    reason: Flags.string({ description: "Why; it stands in the merge request.", required: true }),
    plan: Flags.string({ description: "Hash of the plan. Default the one that the batch runs." }),
  };

  protected override async execute(): Promise<BatchResult> {
    const { flags } = await this.parse(GuardRollback);
    const { batch, reason } = flags;
    const [settings, plan] = await Promise.all([this.settings(), this.planOf(batch, flags.plan)]);
    await this.decide(batch, plan, settings, (view, by, { rollbackMoves }) => rollbackMoves(view, { reason, by }));
    const end = await this.driveUnlessDriven({ batch, plan, settings, start: false, until: "merge-request" });
    return finishBatch(end, "rollback");
  }

  protected override describe(result: BatchResult): readonly string[] {
    return [
      ...describeBatch(result),
      "",
      `When it is merged:   npx switchyard guard monitor --batch ${result.batch}`,
      "To undo it before that, close the merge request.",
    ];
  }
}
