import { parseStack, StackCommand, type StackCommandResult, stackArgument } from "../stack-command.ts";

export default class Preview extends StackCommand {
  static override mutates = false;
  static override summary = "Show what `up` would change.";
  static override examples = ["<%= config.bin %> preview gke.local"];
  static override args = { stack: stackArgument };

  protected override async execute(): Promise<StackCommandResult> {
    const { args } = await this.parse(Preview);
    const parsed = parseStack(args.stack);
    const environment = await this.environment(parsed.environment);
    const { upConfig } = await import("../up-config.ts");
    const config = await upConfig(parsed.program, environment, { signal: this.signal });
    return this.operate("preview", parsed, environment, { config });
  }
}
