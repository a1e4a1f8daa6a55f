import { EnvironmentCommand } from "../environment-command.ts";
import { table } from "../text.ts";

interface StacksResult {
  readonly stacks: readonly {
    readonly stack: string;
    readonly environment: string;
    readonly resources: number;
    readonly updatedAt: string | undefined;
  }[];
}

export default class Stacks extends EnvironmentCommand<StacksResult> {
  static override mutates = false;
  static override summary = "List the stacks of every environment.";
  static override examples = ["<%= config.bin %> stacks"];

  protected override async execute(): Promise<StacksResult> {
    await this.parse(Stacks);
    const composition = await this.compose();
    const { environments } = await composition.config();
    const stacks = [];
    for (const name of Object.keys(environments)) {
      const engine = await (await composition.environment(name)).readingEngine();
      for (const one of await engine.list())
        if (one.stack.endsWith(`.${name}`)) stacks.push({ ...one, environment: name });
    }
    return { stacks };
  }

  protected override describe(result: StacksResult): readonly string[] {
    if (result.stacks.length === 0) return ["No stacks yet. To bring one up:   npx switchyard up cloud-run.local"];
    return table(
      ["stack", "resources", "updated"],
      result.stacks.map((one) => [one.stack, String(one.resources), one.updatedAt ?? "never"]),
    );
  }
}
