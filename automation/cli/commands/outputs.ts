import { EnvironmentCommand } from "../environment-command.ts";
import { parseStack, show, stackArgument } from "../stack-command.ts";

interface OutputsResult {
  readonly stack: string;
  readonly outputs: Readonly<Record<string, unknown>>;
}

export default class Outputs extends EnvironmentCommand<OutputsResult> {
  static override mutates = false;
  static override summary = "Print the outputs of a stack.";
  static override examples = ["<%= config.bin %> outputs traffic.local"];
  static override args = { stack: stackArgument };

  protected override async execute(): Promise<OutputsResult> {
    const { args } = await this.parse(Outputs);
    const parsed = parseStack(args.stack);
    const engine = await (await this.environment(parsed.environment)).readingEngine();
    return { stack: parsed.stack, outputs: await engine.outputs(parsed.stack) };
  }

  protected override describe(result: OutputsResult): readonly string[] {
    return Object.entries(result.outputs).map(([name, value]) => `${name.padEnd(24)} ${show(value)}`);
  }
}
