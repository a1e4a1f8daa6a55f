import { Args, Flags } from "@oclif/core";
import { SwitchyardError } from "../../../../errors.ts";
import { writeEntry } from "../../../../guard/registry/entry-file.ts";
import { applyImport, batchesOf, type ImportPlan, planImport } from "../../../../guard/registry/import.ts";
import type { Loaded } from "../../../../guard/registry/registry.ts";
import { GuardCommand } from "../../../guard-command.ts";
import { readEntries } from "../../../guard-entries-input.ts";
import { describeImport, entriesText, type ImportResult } from "../../../guard-registry-view.ts";

export default class GuardRegistryImport extends GuardCommand<ImportResult> {
  static override mutates = true;
  static override onlyReadsWith = ["dry-run"];
  static override summary = "Put the clusters of a file into guard's registry: all of them, or none.";
  static override description =
    "A list of entries in YAML or JSON, as `guard registry export` writes it, or what `aws dynamodb scan` prints of the original tool's table. Those that are new are added, those that differ are changed, those that are so already stay; none is removed. Doing it twice is no harm.";
  static override examples = ["<%= config.bin %> guard registry import clusters.yaml --dry-run"];
  static override args = {
    file: Args.string({ description: "The file.", required: true }),
  };
  static override flags = {
    "dry-run": Flags.boolean({ description: "Only say what would change." }),
  };

  protected override async execute(): Promise<ImportResult> {
    const { args, flags } = await this.parse(GuardRegistryImport);
    const { files, root } = await this.compose();
    const text = await files.read(args.file);
    if (text === undefined)
      throw new SwitchyardError("guard-input-invalid", { message: `There is no file ${args.file}` });
    const { entries, warnings } = readEntries(args.file, text);
    for (const warning of warnings) this.addWarning(warning);
    const guard = await this.guard();
    const registry = await guard.registry();
    const plan = async (): Promise<ImportPlan> => {
      const existing = new Map<string, Loaded>();
      for (const { clusterId } of entries) {
        const found = await registry.find(clusterId);
        if (found !== undefined) existing.set(clusterId, found);
      }
      return accepted(planImport(entries, existing));
    };
    const planned = await plan();
    if (flags["dry-run"] || planned.added.length + planned.updated.length === 0)
      return resultOf(planned, flags["dry-run"]);
    const done = await guard.underBatchLocks(batchesOf(planned), async (fence) => {
      // As it is now that nobody else writes.
      const now = await plan();
      if (batchesOf(now).some((batch) => !batchesOf(planned).includes(batch)))
        throw new SwitchyardError("guard-conflict", { message: "Somebody else changed the registry meanwhile" });
      await applyImport(registry, now, guard.clock.wall(), fence);
      return now;
    });
    const before = done.updated.map(({ loaded }) => writeEntry(loaded.record.entry));
    if (before.length === 0) return resultOf(done, false);
    const undo = `${root}/.switchyard/guard/before-import.yaml`;
    await files.writeAtomic(undo, entriesText(before, "yaml"));
    return { ...resultOf(done, false), undo };
  }

  protected override describe(result: ImportResult): readonly string[] {
    return describeImport(result);
  }
}

/** Errors: guard-refused with every cluster that must stay as it is. */
function accepted(plan: ImportPlan): ImportPlan {
  if (plan.refused.length === 0) return plan;
  throw new SwitchyardError("guard-refused", {
    message: `Nothing was written:\n${plan.refused.map((why) => `  ${why}`).join("\n")}`,
    data: { refused: plan.refused },
  });
}

function resultOf({ added, updated, same }: ImportPlan, dryRun: boolean): ImportResult {
  return {
    dryRun,
    added: added.map(({ clusterId }) => clusterId),
    updated: updated.map(({ entry, changed }) => ({ cluster: entry.clusterId, changed })),
    same,
  };
}
