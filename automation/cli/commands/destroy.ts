import { Flags } from "@oclif/core";
import { confirmName } from "../confirm.ts";
import { parseStack, StackCommand, type StackCommandResult, stackArgument } from "../stack-command.ts";

export default class Destroy extends StackCommand {
  static override mutates = true;
  static override summary = "Delete all resources of a stack.";
  static override examples = ["<%= config.bin %> destroy cloud-run.local --yes"];
  static override args = { stack: stackArgument };
  static override flags = {
    yes: Flags.boolean({ char: "y", description: "Do not ask for the stack's name." }),
  };

  protected override async execute(): Promise<StackCommandResult> {
    const { args, flags } = await this.parse(Destroy);
    const parsed = parseStack(args.stack);
    const environment = await this.environment(parsed.environment);
    const { assertNotInUse } = await import("../up-config.ts");
    await assertNotInUse(parsed.program, environment);
    await confirmName(parsed.stack, `delete all resources of ${parsed.stack}`, flags.yes, "--yes", this.signal);
    return this.holdingLease(parsed, "destroy", environment, async (_lease, signal) => {
      // It may have been attached while the name was asked for.
      await assertNotInUse(parsed.program, environment);
      return this.operate("destroy", parsed, environment, { signal });
    });
  }

  protected override describe(result: StackCommandResult): readonly string[] {
    return [...super.describe(result), `To bring it back:   npx switchyard up ${result.stack}`];
  }
}
