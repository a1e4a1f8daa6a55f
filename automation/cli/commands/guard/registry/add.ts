import { Args } from "@oclif/core";
import { type EntryAttributes, writeEntry } from "../../../../guard/registry/entry-file.ts";
import { GuardCommand } from "../../../guard-command.ts";
import { entryFlags, entryOf } from "../../../guard-entry-flags.ts";

interface AddResult {
  /** Of the cluster. */
  readonly id: string;
  readonly state: string;
  readonly entry: EntryAttributes;
}

export default class GuardRegistryAdd extends GuardCommand<AddResult> {
  static override mutates = true;
  static override summary = "Put a cluster into guard's registry.";
  static override description =
    "It comes in as pending: its versions are proven by the first run's checks. Many at once: guard registry import.";
  static override examples = [
    "<%= config.bin %> guard registry add prod-eu-1 --batch prod-wave-1 --environment production --region eu-central-1 --gitlab-repo infra/clusters --flux-config-path clusters/prod/eu-1 --aws-role-arn arn:aws:iam::123456789012:role/guard-cluster --istio-version 1.30.5",
  ];
  static override args = {
    cluster: Args.string({ description: "Id: lower-case letters, digits and dashes.", required: true }),
  };
  static override flags = entryFlags;

  protected override async execute(): Promise<AddResult> {
    const { args, flags } = await this.parse(GuardRegistryAdd);
    const entry = entryOf(args.cluster, flags);
    const guard = await this.guard();
    const registry = await guard.registry();
    const { record } = await guard.underBatchLocks([entry.batchId], (fence) =>
      registry.add(entry, guard.clock.wall(), fence),
    );
    return { id: entry.clusterId, state: record.state, entry: writeEntry(record.entry) };
  }

  protected override describe({ id, state, entry }: AddResult): readonly string[] {
    return [
      `${id} is in the registry, in batch ${String(entry["batch_id"])}: ${state}.`,
      `To see it:    npx switchyard guard registry show ${id}`,
      `To undo it:   npx switchyard guard registry remove ${id}`,
    ];
  }
}
