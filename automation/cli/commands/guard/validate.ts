import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import { GuardRunCommand } from "../../guard-run-command.ts";
import { describeConnections, type Validated } from "../../guard-validate.ts";

export default class GuardValidate extends GuardRunCommand<Validated> {
  static override mutates = false;
  static override summary = "Check guard's configuration and every connection that it needs, and say which works.";
  static override description =
    "The section guard of switchyard.yaml, the table, GitLab and each repository, the metrics, who is told (nothing is sent), and of each cluster Kubernetes, EKS and istioctl.";
  static override examples = ["<%= config.bin %> guard validate"];
  static override flags = {
    batch: Flags.string({ description: "Only clusters of this batch." }),
  };

  protected override async execute(): Promise<Validated> {
    const { flags } = await this.parse(GuardValidate);
    const [guard, { validateConnections }, { guardNotifiers }, composition] = await Promise.all([
      this.guard(),
      import("../../guard-validate.ts"),
      import("../../compose-guard-told.ts"),
      this.compose(),
    ]);
    const config = await guard.config();
    const validated = await validateConnections(
      {
        store: () => guard.store(),
        registry: () => guard.registry(),
        opened: () => this.opened(),
        notifiers: () => guardNotifiers(composition, guard),
      },
      config,
      flags.batch,
      this.signal,
    );
    if (validated.connections.every(({ works }) => works)) return validated;
    throw new SwitchyardError("guard-refused", {
      message: describeConnections(validated).join("\n"),
      next: "Correct what does not work, and run it again.",
      data: { ...validated },
    });
  }

  protected override describe(validated: Validated): readonly string[] {
    return describeConnections(validated);
  }
}
