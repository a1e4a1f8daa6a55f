import { Flags } from "@oclif/core";
import { parseStack, StackCommand, type StackCommandResult, stackArgument } from "../stack-command.ts";

export default class Up extends StackCommand {
  static override summary = "Bring a stack up, as `pulumi up` would.";
  static override examples = ["<%= config.bin %> up cloud-run.local"];
  static override args = { stack: stackArgument };
  static override flags = {
    image: Flags.string({
      description: "Image of the agent; for a local environment a folder is built. Default: switchyard.yaml's.",
    }),
    platforms: Flags.string({
      description:
        "Platforms that the balancer knows, with commas (traffic only). Default: those it knows, or those that are up.",
    }),
  };

  protected override async execute(): Promise<StackCommandResult> {
    const { args, flags } = await this.parse(Up);
    const parsed = parseStack(args.stack);
    const environment = await this.environment(parsed.environment);
    const { upConfig } = await import("../up-config.ts");
    const config = await upConfig(parsed.program, environment, { ...flags, signal: this.signal });
    return this.operate("up", parsed, environment, { config });
  }

  protected override describe(result: StackCommandResult): readonly string[] {
    return [...super.describe(result), `To undo:   npx switchyard destroy ${result.stack}`];
  }
}
