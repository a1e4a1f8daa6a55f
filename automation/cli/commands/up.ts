import { Flags } from "@oclif/core";
import { parseStack, StackCommand, type StackCommandResult, stackArgument } from "../stack-command.ts";

export default class Up extends StackCommand {
  static override mutates = true;
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
    return this.holdingLease(parsed, "up", environment, async (lease, signal) => {
      const { parsePlatforms, takeEntriesAway, upConfig } = await import("../up-config.ts");
      const config = await upConfig(parsed.program, environment, { ...flags, signal });
      if (parsed.program === "traffic" && flags.platforms !== undefined)
        await takeEntriesAway(environment, parsePlatforms(flags.platforms), lease);
      return this.operate("up", parsed, environment, { config, signal });
    });
  }

  protected override describe(result: StackCommandResult): readonly string[] {
    return [...super.describe(result), `To undo:   npx switchyard destroy ${result.stack}`];
  }
}
