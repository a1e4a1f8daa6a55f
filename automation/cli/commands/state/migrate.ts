import { EnvironmentCommand, environmentFlag } from "../../environment-command.ts";

interface MigrateResult {
  readonly environment: string;
  /** Swaps whose journals were rewritten. */
  readonly swaps: readonly string[];
  /** Their journals as they were. */
  readonly kept: readonly string[];
}

export default class StateMigrate extends EnvironmentCommand<MigrateResult> {
  static override mutates = true;
  static override summary = "Bring the state of an environment's swaps to the format of this version.";
  static override description =
    "Journals of swaps that have ended are rewritten, and the old ones kept beside them. An open swap is refused: the version that began it has to end it. May be run again at any time.";
  static override examples = ["<%= config.bin %> state migrate --env local"];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<MigrateResult> {
    const { flags } = await this.parse(StateMigrate);
    const { migrateStore } = await import("../../../swap/migrate.ts");
    const environment = await this.environment(flags.env);
    const migration = await migrateStore({ ...environment.statePlace, environment: environment.name });
    return { environment: environment.name, ...migration };
  }

  protected override describe({ environment, swaps, kept }: MigrateResult): readonly string[] {
    if (swaps.length === 0) return [`The state of ${environment} has the format of this version already.`];
    return [
      `${swaps.length === 1 ? "1 swap" : `${swaps.length} swaps`} of ${environment} brought up to date (${swaps.join(", ")}).`,
      "The old journals are kept:",
      ...kept.map((path) => `  ${path}`),
      `To look at them:   npx switchyard swap history --env ${environment}`,
    ];
  }
}
