import { Flags } from "@oclif/core";
import { type EntryAttributes, writeEntry } from "../../../../guard/registry/entry-file.ts";
import { GuardCommand } from "../../../guard-command.ts";
import { entriesText } from "../../../guard-registry-view.ts";

interface ExportResult {
  readonly clusters: readonly EntryAttributes[];
}

export default class GuardRegistryExport extends GuardCommand<ExportResult> {
  static override mutates = false;
  static override summary = "Print guard's registry as `guard registry import` takes it.";
  static override description = "Entries only, without where clusters stand in a run.";
  static override examples = ["<%= config.bin %> guard registry export --batch prod-wave-1 > clusters.yaml"];
  static override flags = {
    batch: Flags.string({ description: "Only this batch." }),
    format: Flags.string({ description: "Form of the text.", options: ["yaml", "json"], default: "yaml" }),
  };

  protected override async execute(): Promise<ExportResult> {
    const { flags } = await this.parse(GuardRegistryExport);
    const registry = await (await this.guard()).registry();
    const loaded = await (flags.batch === undefined ? registry.loadAll() : registry.loadBatch(flags.batch));
    return { clusters: loaded.map(({ record }) => writeEntry(record.entry)) };
  }

  protected override describe({ clusters }: ExportResult): readonly string[] {
    return entriesText(clusters, this.argv.some((word) => /^(--format=)?json$/.test(word)) ? "json" : "yaml")
      .trimEnd()
      .split("\n");
  }
}
