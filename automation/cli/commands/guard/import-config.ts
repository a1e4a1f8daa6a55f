import { Args } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import { GuardCommand } from "../../guard-command.ts";

interface ImportConfigResult {
  /** For switchyard.yaml. */
  readonly text: string;
}

export default class GuardImportConfig extends GuardCommand<ImportConfigResult> {
  static override mutates = false;
  static override summary = "Print the section `guard` of switchyard.yaml for the original tool's config.yaml.";
  static override description =
    "What means the same is taken over; what means something else, or nothing, is said as a warning. Nothing is written. Its clusters come over with guard registry import.";
  static override examples = ["<%= config.bin %> guard import-config config.yaml"];
  static override args = {
    file: Args.string({ description: "The original's config.yaml.", required: true }),
  };

  protected override async execute(): Promise<ImportConfigResult> {
    const { args } = await this.parse(GuardImportConfig);
    const text = await (await this.compose()).files.read(args.file);
    if (text === undefined)
      throw new SwitchyardError("guard-input-invalid", { message: `There is no file ${args.file}` });
    const { importConfig } = await import("../../guard-config-import.ts");
    const { warnings, ...result } = importConfig(args.file, text);
    for (const warning of warnings) this.addWarning(warning);
    return result;
  }

  protected override describe({ text }: ImportConfigResult): readonly string[] {
    return text.trimEnd().split("\n");
  }
}
