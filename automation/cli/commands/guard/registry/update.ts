import { Args, Flags } from "@oclif/core";
import { SwitchyardError } from "../../../../errors.ts";
import { differences, type EntryAttributes, writeEntry } from "../../../../guard/registry/entry-file.ts";
import { whyFixed } from "../../../../guard/registry/import.ts";
import { GuardCommand } from "../../../guard-command.ts";
import { entryFlags, entryOf, undoUpdate } from "../../../guard-entry-flags.ts";

interface UpdateResult {
  /** Of the cluster. */
  readonly id: string;
  readonly changed: readonly string[];
  readonly entry: EntryAttributes;
  /** Absent where nothing was changed. */
  readonly undo?: string;
}

export default class GuardRegistryUpdate extends GuardCommand<UpdateResult> {
  static override mutates = true;
  static override summary = "Change what guard's registry says of a cluster.";
  static override description =
    "Only what is given changes. A cluster with a run under way is refused. What runs in the cluster is not touched.";
  static override examples = ["<%= config.bin %> guard registry update prod-eu-1 --batch prod-wave-2"];
  static override args = {
    cluster: Args.string({ description: "Id of the cluster.", required: true }),
  };
  static override flags = {
    ...entryFlags,
    unset: Flags.string({
      description: "An attribute to take away; may be repeated.",
      options: ["aws_role_arn", "eks_cluster", "kubeconfig", "datadog_tags", "mesh_id"],
      multiple: true,
    }),
  };

  protected override async execute(): Promise<UpdateResult> {
    const { args, flags } = await this.parse(GuardRegistryUpdate);
    const guard = await this.guard();
    const registry = await guard.registry();
    const { entry: before } = (await registry.load(args.cluster)).record;
    const entry = entryOf(args.cluster, flags, before);
    const changed = differences(before, entry);
    if (changed.length === 0) return { id: args.cluster, changed, entry: writeEntry(entry) };
    await guard.underBatchLocks([before.batchId, entry.batchId], async (fence) => {
      // Whoever held the lock before may have changed it.
      const loaded = await registry.load(args.cluster);
      const why = whyFixed(loaded);
      if (why !== undefined) throw new SwitchyardError("guard-refused", { message: why });
      if (differences(before, loaded.record.entry).length > 0)
        throw new SwitchyardError("guard-conflict", { message: `Somebody else changed ${args.cluster} meanwhile` });
      await registry.save(loaded, { ...loaded.record, entry }, fence);
    });
    return { id: args.cluster, changed, entry: writeEntry(entry), undo: undoUpdate(args.cluster, before, changed) };
  }

  protected override describe({ id, changed, undo }: UpdateResult): readonly string[] {
    if (undo === undefined) return [`${id} is so already; nothing was written.`];
    return [`${id}: ${changed.join(", ")} changed.`, `To undo it:   ${undo}`];
  }
}
