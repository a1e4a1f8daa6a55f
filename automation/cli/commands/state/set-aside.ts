import { userInfo } from "node:os";
import { Args, Flags } from "@oclif/core";
import { confirmName } from "../../confirm.ts";
import { EnvironmentCommand, environmentFlag } from "../../environment-command.ts";

interface SetAsideResult {
  readonly environment: string;
  readonly id: string;
  /** Where its journal stays. */
  readonly journal: string;
}

export default class StateSetAside extends EnvironmentCommand<SetAsideResult> {
  static override mutates = true;
  static override summary = "Leave a swap out whose journal cannot be read; the journal is kept.";
  static override description =
    "Nothing in the world is changed: look at the real weights first, with `traffic show`. A swap that can be read is ended with `swap abort` instead.";
  static override examples = ["<%= config.bin %> state set-aside 3 --env local"];
  static override args = { id: Args.string({ required: true, description: "Number of the swap." }) };
  static override flags = {
    env: environmentFlag,
    yes: Flags.boolean({ char: "y", description: "Do not ask for the environment's name." }),
  };

  protected override async execute(): Promise<SetAsideResult> {
    const { args, flags } = await this.parse(StateSetAside);
    const environment = await this.environment(flags.env);
    await confirmName(
      environment.name,
      `leave swap ${args.id} of ${environment.name} out of everything from now on`,
      flags.yes,
      "--yes",
      this.signal,
    );
    // Not under the hands of who drives it.
    const lease = await environment.store.claim(`state set-aside ${args.id}`);
    try {
      await environment.store.setAside(args.id, userInfo().username);
    } finally {
      await lease.release();
    }
    return { environment: environment.name, id: args.id, journal: environment.store.journalPlace(args.id).text };
  }

  protected override describe({ environment, id, journal }: SetAsideResult): readonly string[] {
    return [
      `Swap ${id} of ${environment} is set aside; its journal stays (${journal}).`,
      `To go on:   npx switchyard traffic show --env ${environment}`,
    ];
  }
}
