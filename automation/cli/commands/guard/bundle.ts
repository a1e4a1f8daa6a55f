import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import { describeFailure, type FailureView } from "../../guard-bundle-view.ts";
import { GuardCommand } from "../../guard-command.ts";

export default class GuardBundle extends GuardCommand<FailureView> {
  static override mutates = false;
  static override summary =
    "What the last failure of a cluster, or of the one with which it went back, looked like, as it was kept, and advice on it.";
  static override description =
    "Events of Kubernetes, logs of istiod and of the proxies that failed, Flux, the validation and its series, without secrets. With guard.llm.enabled a language model was asked for advice, without names of the house; nothing acts on it. No cluster is asked. The whole document is in --json.";
  static override examples = ["<%= config.bin %> guard bundle --cluster prod-eu-1"];
  static override flags = {
    cluster: Flags.string({ description: "The cluster.", required: true }),
  };

  protected override async execute(): Promise<FailureView> {
    const { flags } = await this.parse(GuardBundle);
    const guard = await this.guard();
    const [registry, store, { keptFailure }] = await Promise.all([
      guard.registry(),
      guard.store(),
      import("../../../guard/run/failure.ts"),
    ]);
    const { record } = await registry.load(flags.cluster);
    const kept = await keptFailure({ store }, record);
    if (kept !== undefined) return { cluster: flags.cluster, ...kept };
    const name = record.run?.bundle;
    throw new SwitchyardError("guard-refused", {
      message:
        name === undefined
          ? `Nothing was kept of ${flags.cluster}: nothing of its run has failed after a merge`
          : `The bundle ${name} of ${flags.cluster} is not collected yet`,
      next:
        name === undefined
          ? "To see where it stands: npx switchyard guard status"
          : `Collect it: npx switchyard guard monitor --batch ${record.entry.batchId} --once`,
    });
  }

  protected override describe(view: FailureView): readonly string[] {
    return describeFailure(view);
  }
}
