import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import { GuardCommand } from "../../guard-command.ts";
import { describeList, type ListedCluster } from "../../guard-registry-view.ts";

interface ListResult {
  readonly clusters: readonly ListedCluster[];
}

export default class GuardList extends GuardCommand<ListResult> {
  static override mutates = false;
  static override summary = "The clusters of guard's registry, their versions and where they stand.";
  static override description = "From the registry alone; no cluster is asked.";
  static override examples = ["<%= config.bin %> guard list --batch prod-wave-1"];
  static override flags = {
    batch: Flags.string({ description: "Only this batch." }),
    environment: Flags.string({ description: "Only clusters of this environment, as their entries say it." }),
    format: Flags.string({ description: "Refused: a table is what is printed, and JSON is --json.", hidden: true }),
  };

  protected override async execute(): Promise<ListResult> {
    const { flags } = await this.parse(GuardList);
    if (flags.format !== undefined)
      throw new SwitchyardError("usage-error", {
        message: `--format ${flags.format} is of the tool that guard replaces`,
        next: "Leave it out for a table; --json prints JSON.",
      });
    const registry = await (await this.guard()).registry();
    const loaded = await (flags.batch === undefined ? registry.loadAll() : registry.loadBatch(flags.batch));
    const clusters = loaded.map(({ record: { entry, state } }) => ({
      cluster: entry.clusterId,
      batch: entry.batchId,
      environment: entry.environment,
      region: entry.region,
      istio: entry.currentIstioVersion,
      state,
    }));
    return {
      clusters: clusters.filter(
        ({ environment }) => flags.environment === undefined || environment === flags.environment,
      ),
    };
  }

  protected override describe({ clusters }: ListResult): readonly string[] {
    return describeList(clusters);
  }
}
