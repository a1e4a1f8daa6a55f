import { Flags } from "@oclif/core";
import { finishBatch } from "../../guard-outcome.ts";
import {
  type BatchResult,
  batchFlag,
  describeBatch,
  GuardRunCommand,
  maxConcurrentFlag,
} from "../../guard-run-command.ts";
import { begunSoaks, restartFlag, restartOf, thresholdFlags, thresholdsOf, withFlags } from "../../guard-run-flags.ts";

export default class GuardMonitor extends GuardRunCommand<BatchResult> {
  static override mutates = true;
  static override summary =
    "Go on with a batch after its merge: proof, soaks, restarts, verdict, and the way back when it fails.";
  static override description =
    "Proves that Flux applied the merged commit, soaks the control plane (gate A), restarts the data plane in waves, soaks it (gate B), and puts the new version into the registry. When a gate fails it opens the merge request that reverts, at once, and people are told. Killed at any moment, the next one goes on. It fails when the batch goes back or was given up, when it waits for a person, and when the checks of a further step do not pass; the result is then the error's data. With --once a batch that merely waits is no failure.";
  static override examples = ["<%= config.bin %> guard monitor --batch prod-wave-1"];
  static override flags = {
    batch: batchFlag,
    plan: Flags.string({ description: "Hash of the plan. Default the one that the batch runs." }),
    "soak-period": Flags.integer({
      description:
        "Minutes of gate B, of soaks that begin from now on; one that has begun keeps its end, and it is said. Default guard.validation.soak_period_minutes.",
      min: 1,
      max: 1_440,
    }),
    "max-concurrent": maxConcurrentFlag,
    once: Flags.boolean({ description: "Look once at everything, and end; for jobs that are started by a clock." }),
    restart: restartFlag,
    ...thresholdFlags,
  };

  protected override async execute(): Promise<BatchResult> {
    const { flags } = await this.parse(GuardMonitor);
    const { batch, once } = flags;
    const settings = await this.settings((config) => withFlags(config, flags));
    const plan = await this.planOf(batch, flags.plan);
    const loaded = await (await (await this.guard()).registry()).loadBatch(batch);
    const clusters = loaded.map(({ record }) => record);
    for (const warning of begunSoaks(clusters, flags["soak-period"])) this.addWarning(warning);
    const end = await this.drive({
      batch,
      plan,
      settings,
      thresholds: thresholdsOf(flags),
      restart: restartOf(flags),
      start: false,
      until: once ? "once" : "end",
    });
    return finishBatch(end, "upgrade");
  }

  protected override describe(result: BatchResult): readonly string[] {
    return [
      ...describeBatch(result),
      "",
      `To go back:   npx switchyard guard rollback --batch ${result.batch} --reason WHY`,
    ];
  }
}
