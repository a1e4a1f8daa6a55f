import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import { GuardCommand } from "../../guard-command.ts";
import { describeConnections, type Validated } from "../../guard-validate.ts";

export default class GuardValidate extends GuardCommand<Validated> {
  static override mutates = false;
  static override summary = "Check guard's configuration and every connection that it needs, and say which works.";
  static override description =
    "The section guard of switchyard.yaml, the table, GitLab and each repository, the sources of charts and images, metrics and monitors, the language model (asked for one word), who is told and the event bus (nothing is sent), the token of hooks, checks by module, and of each cluster Kubernetes, EKS and istioctl. Each is tried for itself.";
  static override examples = ["<%= config.bin %> guard validate"];
  static override flags = {
    batch: Flags.string({ description: "Only clusters of this batch." }),
  };

  protected override async execute(): Promise<Validated> {
    const { flags } = await this.parse(GuardValidate);
    const [guard, { validateConnections }, { guardEventBus, guardNotifiers }, { runParts }, composition] =
      await Promise.all([
        this.guard(),
        import("../../guard-validate.ts"),
        import("../../compose-guard-told.ts"),
        import("../../compose-guard-run.ts"),
        this.compose(),
      ]);
    const parts = await runParts(composition, guard);
    const surroundings = {
      store: () => guard.store(),
      registry: () => guard.registry(),
      parts,
      notifiers: () => guardNotifiers(composition, guard),
      eventBus: () => guardEventBus(composition, guard),
      secret: (reference: string) => guard.secret(reference),
    };
    let validated: Validated;
    try {
      validated = await validateConnections(surroundings, await guard.config(), flags.batch, this.signal);
    } finally {
      await parts.close();
    }
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
