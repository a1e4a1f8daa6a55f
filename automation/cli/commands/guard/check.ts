import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import { strategies } from "../../../guard/plan/support.ts";
import { parseVersion } from "../../../guard/plan/versions.ts";
import type { ClusterCheck } from "../../guard-check.ts";
import { describeCheck } from "../../guard-check-view.ts";
import { GuardRunCommand } from "../../guard-run-command.ts";

export default class GuardCheck extends GuardRunCommand<ClusterCheck> {
  static override mutates = false;
  static override summary = "Check one cluster as a run would, and change nothing.";
  static override description =
    "Evidence from the cluster, its repository, its metrics and the registry, judged by the rules for one hop and by the modules of guard.custom_checks; and whether the files can be edited. Fails when a rule blocks, when the editor refuses, and when what would decide is not known.";
  static override examples = ["<%= config.bin %> guard check --cluster prod-eu-1 --target-version 1.31.1"];
  static override flags = {
    cluster: Flags.string({ description: "Id in the registry.", required: true }),
    "target-version": Flags.string({
      description: "Version of the hop. Default: the version that it runs, for what holds of any hop.",
    }),
    strategy: Flags.string({ description: "Default guard.execution.strategy.", options: [...strategies] }),
  };

  protected override async execute(): Promise<ClusterCheck> {
    const { flags } = await this.parse(GuardCheck);
    const wanted = flags["target-version"];
    if (wanted !== undefined && parseVersion(wanted) === undefined)
      throw new SwitchyardError("usage-error", { message: `"${wanted}" is no whole version, for example 1.31.1` });
    const [guard, { ports }, settings, { checkCluster }] = await Promise.all([
      this.guard(),
      this.opened(),
      this.settings(),
      import("../../guard-check.ts"),
    ]);
    const hop = { target: wanted, strategy: strategies.find((one) => one === flags.strategy) };
    const checked = await checkCluster(ports, await guard.registry(), settings, flags.cluster, hop, this.signal);
    if (checked.verdict === "passed") return checked;
    throw new SwitchyardError("guard-refused", {
      message: describeCheck(checked).join("\n"),
      next: [
        ...new Set(
          checked.findings.filter(({ level }) => level === "block" || level === "undecided").map(({ fix }) => fix),
        ),
      ].slice(0, 10),
      data: { ...checked },
    });
  }

  protected override describe(checked: ClusterCheck): readonly string[] {
    return describeCheck(checked);
  }
}
