import { EnvironmentCommand } from "../../environment-command.ts";

interface StopResult {
  readonly stopped: boolean;
  readonly pid: number | undefined;
}

export default class LocalStop extends EnvironmentCommand<StopResult> {
  static override mutates = true;
  static override summary =
    "Stop the local cloud and everything that runs on it; what is declared comes back with the next start.";
  static override examples = ["<%= config.bin %> local stop"];

  protected override async execute(): Promise<StopResult> {
    await this.parse(LocalStop);
    const cloud = await (await this.compose()).findLocalCloud();
    await cloud?.stop();
    return { stopped: cloud !== undefined, pid: cloud?.pid };
  }

  protected override describe(result: StopResult): readonly string[] {
    return [
      result.stopped ? `The local cloud (process ${result.pid}) has ended.` : "The local cloud did not run.",
      "To start it:   npx switchyard local start",
    ];
  }
}
