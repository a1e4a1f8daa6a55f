import { relative } from "node:path";
import { Flags } from "@oclif/core";
import type { AuditLog } from "../../../audit/log.ts";
import { SwitchyardError } from "../../../errors.ts";
import { GuardCommand } from "../../guard-command.ts";
import { describeSources, type SourcesFound } from "../../guard-sources-view.ts";

interface Found {
  /** By folder, or by repository. */
  readonly places: readonly SourcesFound[];
}

export default class GuardSources extends GuardCommand<Found> {
  static override mutates = true;
  static override summary = "Find the files that use Istio's retired chart and image hosts, and move them.";
  static override description =
    "Reads every YAML and JSON file of a folder, or of the repositories of a batch at the head of their default branch, also texts inside them, and says for each place where its charts or images are published now. With --move it opens, per repository, one merge request that changes the addresses which the batch's clusters read, at the version that they have; a person merges it. Without --move it changes nothing, and a folder needs no connection.";
  static override examples = ["<%= config.bin %> guard sources --folder test/fixtures/guard/fleet"];
  static override flags = {
    folder: Flags.string({
      description: "Folder on this machine, for example a clone of the fleet's repository.",
    }),
    batch: Flags.string({ description: "The repositories of this batch, as GitLab has them." }),
    move: Flags.boolean({
      description: "Open a merge request per repository that moves the addresses.",
      dependsOn: ["batch"],
    }),
  };

  /** Looking is nobody's business. */
  protected override async auditLog(): Promise<AuditLog | undefined> {
    const { flags } = await this.parse(GuardSources);
    return flags.move ? super.auditLog() : undefined;
  }

  protected override async execute(): Promise<Found> {
    const { flags } = await this.parse(GuardSources);
    if ((flags.folder === undefined) === (flags.batch === undefined))
      throw new SwitchyardError("usage-error", { message: "Either --folder or --batch is needed" });
    if (flags.folder !== undefined) return { places: [await this.#inFolder(flags.folder)] };
    return { places: await this.#inBatch(flags.batch ?? "", flags.move) };
  }

  async #inFolder(folder: string): Promise<SourcesFound> {
    const { findSources } = await import("../../../guard/edit/sources.ts");
    const read = await (await this.compose()).manifests.read([folder]);
    const files = read.flatMap(({ file, text }) =>
      text === undefined ? [] : [{ path: relative(folder, file) || file, text }],
    );
    return {
      folder,
      files: files.length,
      uses: findSources(files),
      unreadable: read.flatMap(({ file, text, problem }) =>
        text === undefined ? [{ path: file, why: problem ?? "it cannot be read" }] : [],
      ),
    };
  }

  async #inBatch(batch: string, move: boolean): Promise<readonly SourcesFound[]> {
    const guard = await this.guard();
    const [registry, host, { gitlab }, { batchSources }, { planDigest: digest }] = await Promise.all([
      guard.registry(),
      guard.gitHost(),
      guard.config(),
      import("../../../guard/run/move-sources.ts"),
      import("../../../guard/plan/digest.ts"),
    ]);
    // Says which batches there are.
    await registry.loadBatch(batch);
    const fleet = (await registry.loadAll()).map(({ record }) => record);
    const found = await batchSources({ host, batch, fleet, gitlab, digest, move, signal: this.signal });
    const problems = found.flatMap((one) => one.problems);
    if (problems.length > 0)
      throw new SwitchyardError("guard-refused", {
        message: problems.map(({ file, what, why }) => `${file}: ${what}: ${why}`).join("\n"),
        next: [...new Set(problems.map(({ fix }) => fix))],
        data: { repositories: found },
      });
    return found.map(({ repository, files, uses, mergeRequest }) => ({
      folder: repository,
      files,
      uses,
      unreadable: [],
      ...(mergeRequest === undefined ? {} : { mergeRequest }),
    }));
  }

  protected override describe({ places }: Found): readonly string[] {
    return places.flatMap(describeSources);
  }
}
