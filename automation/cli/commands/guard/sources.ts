import { relative } from "node:path";
import { Flags } from "@oclif/core";
import { EnvironmentCommand } from "../../environment-command.ts";
import { describeSources, type SourcesFound } from "../../guard-sources-view.ts";

export default class GuardSources extends EnvironmentCommand<SourcesFound> {
  static override mutates = false;
  static override summary = "Find the files that use Istio's retired chart and image hosts.";
  static override description =
    "Reads every YAML and JSON file of a folder, also texts inside them, and says for each place where its charts or images are published now. Connects to nothing and changes nothing.";
  static override examples = ["<%= config.bin %> guard sources --folder test/fixtures/guard/fleet"];
  static override flags = {
    folder: Flags.string({
      description: "Folder on this machine, for example a clone of the fleet's repository.",
      required: true,
    }),
  };

  protected override async execute(): Promise<SourcesFound> {
    const { flags } = await this.parse(GuardSources);
    const { findSources } = await import("../../../guard/edit/sources.ts");
    const read = await (await this.compose()).manifests.read([flags.folder]);
    const files = read.flatMap(({ file, text }) =>
      text === undefined ? [] : [{ path: relative(flags.folder, file) || file, text }],
    );
    return {
      folder: flags.folder,
      files: files.length,
      uses: findSources(files),
      unreadable: read.flatMap(({ file, text, problem }) =>
        text === undefined ? [{ path: file, why: problem ?? "it cannot be read" }] : [],
      ),
    };
  }

  protected override describe(found: SourcesFound): readonly string[] {
    return describeSources(found);
  }
}
