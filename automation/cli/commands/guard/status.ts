import { Flags } from "@oclif/core";
import type { FleetStatus } from "../../../guard/registry/status.ts";
import { GuardCommand } from "../../guard-command.ts";
import { describeFleet } from "../../guard-status-view.ts";

export default class GuardStatus extends GuardCommand<FleetStatus> {
  static override mutates = false;
  static override summary = "Where each cluster stands in its upgrade, what comes next, and who has to act.";
  static override description =
    "From what is stored alone: no cluster, no GitLab and no metrics are asked. A time after `next` is when that is, or the latest; overdue means that no process looks after it.";
  static override examples = ["<%= config.bin %> guard status --batch prod-wave-1"];
  static override flags = {
    batch: Flags.string({ description: "Only this batch." }),
  };

  protected override async execute(): Promise<FleetStatus> {
    const { flags } = await this.parse(GuardStatus);
    const guard = await this.guard();
    const [registry, { validation }, { fleetStatus }] = await Promise.all([
      guard.registry(),
      guard.config(),
      import("../../../guard/registry/status.ts"),
    ]);
    const loaded = await (flags.batch === undefined ? registry.loadAll() : registry.loadBatch(flags.batch));
    return fleetStatus(
      loaded.map(({ record }) => record),
      validation,
      guard.clock.wall(),
    );
  }

  protected override describe(status: FleetStatus): readonly string[] {
    return describeFleet(status, Date.now());
  }
}
