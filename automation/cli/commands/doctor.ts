import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../errors.ts";
import type { Finding } from "../doctor.ts";
import { EnvironmentCommand } from "../environment-command.ts";

interface DoctorResult {
  readonly findings: readonly Finding[];
}

export default class Doctor extends EnvironmentCommand<DoctorResult> {
  static override mutates = false;
  static override summary = "Say what is there, what is missing, and the command that repairs it.";
  static override examples = ["<%= config.bin %> doctor"];
  static override flags = {
    strict: Flags.boolean({ description: "Fail when something is missing that a local environment needs." }),
  };

  protected override async execute(): Promise<DoctorResult> {
    const { flags } = await this.parse(Doctor);
    const { examine } = await import("../doctor.ts");
    const findings = await examine(this.config.root, process.env, await this.compose());
    const missing = findings.filter((finding) => finding.state === "missing");
    if (flags.strict && missing.length > 0) {
      throw new SwitchyardError("invalid-config", {
        message: `Missing: ${missing.map((finding) => finding.name).join(", ")}`,
        next: missing.map((finding) => finding.repair ?? finding.detail),
        data: { findings },
      });
    }
    return { findings };
  }

  protected override describe({ findings }: DoctorResult): readonly string[] {
    return findings.flatMap((finding) => [
      `${finding.state.padEnd(8)} ${finding.name.padEnd(22)} ${finding.detail}`,
      ...(finding.repair === undefined ? [] : [`${" ".repeat(32)}To repair:   ${finding.repair}`]),
    ]);
  }
}
