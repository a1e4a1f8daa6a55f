import { type StackCommandResult, StackCommand, parseStack, stackArgument } from "../stack-command.ts";
import { upConfig } from "../stack-settings.ts";

export default class Preview extends StackCommand {
  static override summary = "Show what `up` would change.";
  static override examples = ["<%= config.bin %> preview gke.local"];
  static override args = { stack: stackArgument };

  protected override async execute(): Promise<StackCommandResult> {
    const { args } = await this.parse(Preview);
    const parsed = parseStack(args.stack);
    const environment = await this.environment(parsed.environment);
    const config = await upConfig(parsed.program, environment, { signal: this.signal });
    return this.operate("preview", parsed, environment, { config });
  }
}
