import { Flags } from "@oclif/core";
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
  };

  protected override async execute(): Promise<ListResult> {
    const { flags } = await this.parse(GuardList);
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
