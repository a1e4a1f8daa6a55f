import { Args, Flags } from "@oclif/core";
import { SwitchyardError } from "../../../../errors.ts";
import { type EntryAttributes, writeEntry } from "../../../../guard/registry/entry-file.ts";
import { whyFixed } from "../../../../guard/registry/import.ts";
import { confirmName } from "../../../confirm.ts";
import { GuardCommand } from "../../../guard-command.ts";
import { entriesText } from "../../../guard-registry-view.ts";

interface RemoveResult {
  /** Of the cluster. */
  readonly id: string;
  /** What `guard registry import` takes to put it back. */
  readonly entry: EntryAttributes;
}

export default class GuardRegistryRemove extends GuardCommand<RemoveResult> {
  static override mutates = true;
  static override summary = "Take a cluster out of guard's registry.";
  static override description =
    "The cluster and its files in Git stay as they are; its history is kept. A cluster with a run under way is refused.";
  static override examples = ["<%= config.bin %> guard registry remove prod-eu-1"];
  static override args = {
    cluster: Args.string({ description: "Id of the cluster.", required: true }),
  };
  static override flags = {
    yes: Flags.boolean({ char: "y", description: "Do not ask for the name." }),
  };

  protected override async execute(): Promise<RemoveResult> {
    const { args, flags } = await this.parse(GuardRegistryRemove);
    const guard = await this.guard();
    const registry = await guard.registry();
    const { entry } = (await registry.load(args.cluster)).record;
    await confirmName(args.cluster, `take ${args.cluster} out of the registry`, flags.yes, "--yes", this.signal);
    await guard.underBatchLocks([entry.batchId], async () => {
      const loaded = await registry.load(args.cluster);
      const why = whyFixed(loaded);
      if (why !== undefined) throw new SwitchyardError("guard-refused", { message: why });
      await registry.remove(loaded);
    });
    return { id: args.cluster, entry: writeEntry(entry) };
  }

  protected override describe({ id, entry }: RemoveResult): readonly string[] {
    return [
      `${id} is out of the registry. To undo it, put this into a file and import it (npx switchyard guard registry import FILE):`,
      "",
      ...entriesText([entry], "yaml").trimEnd().split("\n"),
    ];
  }
}
