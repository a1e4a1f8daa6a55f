import { Args, Flags } from "@oclif/core";
import { writeEntry } from "../../../../guard/registry/entry-file.ts";
import { GuardCommand } from "../../../guard-command.ts";
import { describeCluster, type ShownCluster } from "../../../guard-registry-view.ts";

export default class GuardRegistryShow extends GuardCommand<ShownCluster> {
  static override mutates = false;
  static override summary = "What guard knows of one cluster: its entry, where it stands, and how it came there.";
  static override description = "From the registry alone; the cluster is not asked.";
  static override examples = ["<%= config.bin %> guard registry show prod-eu-1"];
  static override args = {
    cluster: Args.string({ description: "Id of the cluster.", required: true }),
  };
  static override flags = {
    all: Flags.boolean({ description: "The whole history, not only the newest 10 changes of state." }),
  };

  protected override async execute(): Promise<ShownCluster> {
    const { args, flags } = await this.parse(GuardRegistryShow);
    const registry = await (await this.guard()).registry();
    const { record, version } = await registry.load(args.cluster);
    const history = flags.all ? await registry.history(record) : record.history.slice(-10);
    const { entry, state, pausedFrom, since, run } = record;
    return {
      entry: writeEntry(entry),
      state,
      ...(pausedFrom === undefined ? {} : { pausedFrom }),
      since,
      version,
      ...(run === undefined ? {} : { run }),
      history,
      olderHistory: (record.archived ?? 0) + record.history.length - history.length,
    };
  }

  protected override describe(shown: ShownCluster): readonly string[] {
    return describeCluster(shown);
  }
}
