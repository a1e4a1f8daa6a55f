import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import type { ResumeAs } from "../../../guard/run/person.ts";
import { finishBatch } from "../../guard-outcome.ts";
import { type BatchResult, batchFlag, describeBatch, GuardRunCommand } from "../../guard-run-command.ts";

const alone = ["retry", "give-up", "accept"];
const besides = (name: string): string[] => alone.filter((other) => other !== name);

export default class GuardResume extends GuardRunCommand<BatchResult> {
  static override mutates = true;
  static override summary = "Let a batch that waits for a person go on: as it was, with a new attempt, or not at all.";
  static override description =
    "Without a flag every paused cluster goes on where it stopped; a soak without a verdict gets its time once more. What was decided, and by whom, is written down. It fails when the batch waits for a person again at once, or its checks do not pass.";
  static override examples = ["<%= config.bin %> guard resume --batch prod-wave-1"];
  static override flags = {
    batch: batchFlag,
    plan: Flags.string({ description: "Hash of the plan. Default the one that the batch runs." }),
    retry: Flags.boolean({
      description: "Begin the next attempt: of a merge request that was closed or changed, or of what went back.",
      exclusive: besides("retry"),
    }),
    "give-up": Flags.string({
      description: "Give the run up, with this reason. Git and clusters stay as they are.",
      exclusive: besides("give-up"),
    }),
    accept: Flags.string({
      description: "Take a soak without a verdict for passed, with this reason.",
      exclusive: besides("accept"),
    }),
    "from-step": Flags.string({ description: "Refused: it goes on where it stopped.", hidden: true }),
  };

  protected override async execute(): Promise<BatchResult> {
    const { flags } = await this.parse(GuardResume);
    const { batch, accept } = flags;
    if (flags["from-step"] !== undefined)
      throw new SwitchyardError("usage-error", {
        message: "--from-step is of the tool that guard replaces: guard goes on where it stopped, and proves each step",
        next: `Leave it out: npx switchyard guard resume --batch ${batch}`,
      });
    const giveUp = flags["give-up"];
    const as: ResumeAs =
      giveUp !== undefined
        ? { kind: "give-up", reason: giveUp }
        : accept !== undefined
          ? { kind: "accept", reason: accept }
          : { kind: flags.retry ? "retry" : "on" };
    const [settings, plan] = await Promise.all([this.settings(), this.planOf(batch, flags.plan)]);
    await this.decide(batch, plan, settings, (view, by, { resumeMoves }) => resumeMoves(view, as, by));
    const end = await this.driveUnlessDriven({ batch, plan, settings, start: false, until: "merge-request" });
    return finishBatch(end, "resume");
  }

  protected override describe(result: BatchResult): readonly string[] {
    return [...describeBatch(result), "", `To go on:   npx switchyard guard monitor --batch ${result.batch}`];
  }
}
