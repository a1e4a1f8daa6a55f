import { Args } from "@oclif/core";
import { unsilenced } from "../../../alerts/silence.ts";
import { SwitchyardError } from "../../../errors.ts";
import { EnvironmentCommand, environmentFlag } from "../../environment-command.ts";

interface UnsilenceResult {
  readonly environment: string;
  readonly id: string;
}

export default class AlertUnsilence extends EnvironmentCommand<UnsilenceResult> {
  static override mutates = true;
  static override summary = "End a silence; what it kept and has not ended is told now.";
  static override examples = ["<%= config.bin %> alert unsilence 12 --env local"];
  static override args = { id: Args.string({ required: true, description: "Number of the silence." }) };
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<UnsilenceResult> {
    const { args, flags } = await this.parse(AlertUnsilence);
    const { id } = args;
    const desk = (await this.environment(flags.env)).alerts();
    let known = false;
    await desk.change((book) => {
      const after = unsilenced(book, id);
      known = after !== undefined;
      return after ?? book;
    });
    if (!known) {
      throw new SwitchyardError("unknown-alert", {
        message: id.startsWith("file-")
          ? `Silence ${id} is one of switchyard.yaml, and ends by its \`until\` there`
          : `Environment ${flags.env} has no silence ${id}`,
        next: `To see them:   npx switchyard alert list --env ${flags.env}`,
      });
    }
    await desk.round();
    return { environment: flags.env, id };
  }

  protected override describe({ id, environment }: UnsilenceResult): readonly string[] {
    return [`Silence ${id} is over.`, `To see what is open:   npx switchyard alert list --env ${environment}`];
  }
}
