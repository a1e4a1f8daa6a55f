import { Args } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import { EnvironmentCommand, environmentFlag } from "../../environment-command.ts";

interface ResolveResult {
  readonly environment: string;
  readonly id: string;
  readonly title: string;
}

export default class AlertResolve extends EnvironmentCommand<ResolveResult> {
  static override mutates = true;
  static override summary = "End an alert by hand: whoever was told of it is told that it is over.";
  static override description =
    "Most alerts end by themselves, when the swap goes on, goes back or ends. One that comes again is told again.";
  static override examples = ["<%= config.bin %> alert resolve 7 --env local"];
  static override args = { id: Args.string({ required: true, description: "Number of the alert." }) };
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<ResolveResult> {
    const { args, flags } = await this.parse(AlertResolve);
    const desk = (await this.environment(flags.env)).alerts();
    const record = (await desk.read()).records.find(({ id }) => id === args.id);
    if (record === undefined || record.resolvedAt !== undefined) {
      throw new SwitchyardError("unknown-alert", {
        message:
          record === undefined
            ? `Environment ${flags.env} has no alert ${args.id}`
            : `Alert ${args.id} of environment ${flags.env} is over already`,
        next: `To see them:   npx switchyard alert list --env ${flags.env}`,
      });
    }
    const { dedupKey, title } = record.alert;
    desk.take([{ kind: "resolve", at: Math.max(Date.now(), record.lastAt), key: dedupKey }]);
    return { environment: flags.env, id: args.id, title };
  }

  protected override describe({ id, title, environment }: ResolveResult): readonly string[] {
    return [`Alert ${id} is over: ${title}.`, `To see it:   npx switchyard alert list --all --env ${environment}`];
  }
}
