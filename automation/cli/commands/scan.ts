import { Args, Flags } from "@oclif/core";
import { SwitchyardError } from "../../errors.ts";
import { EnvironmentCommand } from "../environment-command.ts";
import { describeReport, type ScanResult } from "../scan-view.ts";

export default class Scan extends EnvironmentCommand<ScanResult> {
  static override mutates = false;
  static override summary = "Say whether manifests describe a stateless workload, and what to change where not.";
  static override description =
    "Reads rendered Kubernetes manifests, YAML or JSON, and of folders every one below them. What is not stateless, or cannot be told, ends with exit code 5.";
  static override examples = ["<%= config.bin %> scan test/fixtures/manifests/good"];
  // More than one path.
  static override strict = false;
  static override args = {
    files: Args.string({
      description: "Files, folders, or - for the standard input; more than one may be named.",
    }),
  };
  static override flags = {
    platform: Flags.string({
      description: "Platform whose rules the validation lists.",
      options: ["gke", "cloud-run"],
      default: "gke",
    }),
    allow: Flags.string({
      description:
        "What to accept, with commas: cache-only, session-bound, cannot-tell. What keeps state is never accepted.",
    }),
  };

  protected override async execute(): Promise<ScanResult> {
    const { argv, flags } = await this.parse(Scan);
    const [{ readManifests }, { reportOf, scan }, { parseAllow, scanResult }] = await Promise.all([
      import("../../stateless/manifests.ts"),
      import("../../stateless/scan.ts"),
      import("../scan-outcome.ts"),
    ]);
    if (argv.length === 0) {
      throw new SwitchyardError("usage-error", {
        message: "Nothing is named that could be scanned",
        next: "For example:   npx switchyard scan deploy/, or - for the standard input",
      });
    }
    const allow = parseAllow(flags.allow);
    const paths = argv.map(String);
    const { resources, problems, skipped } = readManifests(await (await this.compose()).manifests.read(paths));
    if (resources.length === 0 && problems.length === 0) {
      throw new SwitchyardError("manifest-unreadable", { message: `There is no manifest in ${paths.join(", ")}` });
    }
    const found = scan(resources);
    const report = reportOf([...problems, ...found.findings], found.scanned);
    try {
      return scanResult(report, flags.platform === "cloud-run" ? "cloud-run" : "gke", allow, skipped);
    } catch (error) {
      // With --json all of it is in the envelope.
      if (!this.jsonEnabled()) for (const line of describeReport(report, skipped)) this.progress(line);
      throw error;
    }
  }

  protected override describe(result: ScanResult): readonly string[] {
    return describeReport(result, result.skipped);
  }
}
