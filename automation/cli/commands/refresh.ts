import { parseStack, StackCommand, type StackCommandResult, stackArgument } from "../stack-command.ts";

export default class Refresh extends StackCommand {
  static override mutates = true;
  static override summary = "Read the live state of a stack's resources into its state.";
  static override examples = ["<%= config.bin %> refresh traffic.local"];
  static override args = { stack: stackArgument };

  protected override async execute(): Promise<StackCommandResult> {
    const { args } = await this.parse(Refresh);
    const parsed = parseStack(args.stack);
    return this.operate("refresh", parsed, await this.environment(parsed.environment));
  }
}
