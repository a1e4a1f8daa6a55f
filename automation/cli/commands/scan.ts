import { Args, Flags } from "@oclif/core";
import { SwitchyardError } from "../../errors.ts";
import type { StatelessReport } from "../../stateless/scan.ts";
import { parseDuration } from "../duration-flag.ts";
import { EnvironmentCommand } from "../environment-command.ts";
import { describeReport, type ScanResult } from "../scan-view.ts";
import { plural, timeOfDay } from "../text.ts";

export default class Scan extends EnvironmentCommand<ScanResult> {
  static override mutates = false;
  static override summary =
    "Say whether manifests, or what runs, are a stateless workload, and what to change where not.";
  static override description =
    "Reads rendered Kubernetes manifests, YAML or JSON, and of folders every one below them; with --env what really runs on the platforms that are up, as far as their stacks declare it. What is not stateless, or cannot be told, ends with exit code 5.";
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
    env: Flags.string({
      char: "e",
      description: "Look at what runs in this environment instead of at manifests.",
    }),
    every: Flags.string({
      description: "Look again after this time, for example 5m, until Ctrl-C. Default: once.",
      dependsOn: ["env"],
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
    const allow = parseAllow(flags.allow);
    const platform = flags.platform === "cloud-run" ? "cloud-run" : "gke";
    const judged = (report: StatelessReport, left: readonly string[] = []): ScanResult => {
      try {
        return scanResult(report, platform, allow, left);
      } catch (error) {
        // With --json all of it is in the envelope.
        if (!this.jsonEnabled()) for (const line of describeReport(report, left)) this.progress(line);
        throw error;
      }
    };
    if (flags.env !== undefined) {
      if (argv.length > 0) {
        throw new SwitchyardError("usage-error", {
          message: `--env ${flags.env} looks at what runs, and ${argv.map(String).join(", ")} names manifests: one of both`,
        });
      }
      return judged(await this.#live(flags.env, flags.every));
    }
    if (argv.length === 0) {
      throw new SwitchyardError("usage-error", {
        message: "Nothing is named that could be scanned",
        next: "For example:   npx switchyard scan deploy/, or - for the standard input",
      });
    }
    const paths = argv.map(String);
    const { resources, problems, skipped } = readManifests(await (await this.compose()).manifests.read(paths));
    if (resources.length === 0 && problems.length === 0) {
      throw new SwitchyardError("manifest-unreadable", { message: `There is no manifest in ${paths.join(", ")}` });
    }
    const found = scan(resources);
    return judged(reportOf([...problems, ...found.findings], found.scanned), skipped);
  }

  async #live(name: string, every: string | undefined): Promise<StatelessReport> {
    const [{ scanLive, scanRepeatedly }, { platformNames }] = await Promise.all([
      import("../scan-live.ts"),
      import("../compose.ts"),
    ]);
    const composition = await this.compose();
    const environment = await composition.environment(name);
    const ports = { name, live: environment.liveResources(), engine: await environment.engine() };
    const look = () => scanLive(ports, platformNames, this.signal);
    if (every === undefined) return look();
    const { signal } = this;
    const onLook = (seen: StatelessReport | SwitchyardError): void => {
      const said =
        seen instanceof SwitchyardError ? seen.message : `${seen.verdict}, ${plural(seen.findings.length, "finding")}`;
      this.progress(`${timeOfDay(Date.now())}  ${said}`);
    };
    return scanRepeatedly({ look, everyMs: parseDuration("--every", every), clock: composition.clock, signal, onLook });
  }

  protected override describe(result: ScanResult): readonly string[] {
    return describeReport(result, result.skipped);
  }
}
