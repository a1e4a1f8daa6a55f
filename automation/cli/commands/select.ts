import { EnvironmentCommand, environmentFlag } from "../environment-command.ts";
import { describeSelection, type SelectResult } from "../select-view.ts";

export default class Select extends EnvironmentCommand<SelectResult> {
  static override mutates = false;
  static override summary = "Say which platform an environment belongs on, and why the others do not; changes nothing.";
  static override description =
    "The environment's selection section of switchyard.yaml says what the platform must be able to do, and whether the environment's kind or the cost decides between those that can. With `prefer: cost` the load is watched for 10 s where cost.usage does not state it.";
  static override examples = ["<%= config.bin %> select --env local"];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<SelectResult> {
    const { flags } = await this.parse(Select);
    const { selectFor } = await import("../select-platform.ts");
    const composition = await this.compose();
    return selectFor(composition, await composition.environment(flags.env), this.signal);
  }

  protected override describe(result: SelectResult): readonly string[] {
    return describeSelection(result);
  }
}
