import { EnvironmentCommand, environmentFlag } from "../../environment-command.ts";

interface EnvResult {
  readonly variables: Readonly<Record<string, string>>;
  /** Variables that the shell must not keep beside them. */
  readonly unset: readonly string[];
}

export default class LocalEnv extends EnvironmentCommand<EnvResult> {
  static override mutates = false;
  static override summary = "Print the shell lines with which plain `pulumi` works on the local cloud.";
  static override description =
    "Starts the local cloud if it does not run, and puts the configuration of the environment's stacks in place where there is none.";
  static override examples = ['eval "$(<%= config.bin %> local env)"'];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<EnvResult> {
    const { flags } = await this.parse(LocalEnv);
    const { localShell } = await import("../../local-shell.ts");
    return localShell(await this.compose(), flags.env);
  }

  protected override describe({ variables, unset }: EnvResult): readonly string[] {
    return [
      `unset ${unset.join(" ")}`,
      ...Object.entries(variables).map(([name, value]) =>
        // PATH is put before the shell's own.
        name === "PATH" ? `export PATH=${quote(value)}:"$PATH"` : `export ${name}=${quote(value)}`,
      ),
    ];
  }
}

function quote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
