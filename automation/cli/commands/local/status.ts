import { EnvironmentCommand } from "../../environment-command.ts";
import { describeLocal, type LocalResult, localResult } from "../../local-status.ts";

export default class LocalStatus extends EnvironmentCommand<LocalResult> {
  static override mutates = false;
  static override summary = "Say whether the local cloud runs, and what runs on it.";
  static override examples = ["<%= config.bin %> local status"];

  protected override async execute(): Promise<LocalResult> {
    await this.parse(LocalStatus);
    return localResult(await (await this.compose()).findLocalCloud());
  }

  protected override describe(result: LocalResult): readonly string[] {
    return [...describeLocal(result), ...(result.running ? [] : ["To start it:   npx switchyard local start"])];
  }
}
