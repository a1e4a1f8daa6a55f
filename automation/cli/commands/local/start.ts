import { EnvironmentCommand } from "../../environment-command.ts";
import { describeLocal, type LocalResult, localResult } from "../../local-status.ts";

export default class LocalStart extends EnvironmentCommand<LocalResult> {
  static override mutates = true;
  static override summary = "Start the local cloud; it stays until `local stop`.";
  static override examples = ["<%= config.bin %> local start"];

  protected override async execute(): Promise<LocalResult> {
    await this.parse(LocalStart);
    return localResult(await (await this.compose()).localCloud());
  }

  protected override describe(result: LocalResult): readonly string[] {
    return [...describeLocal(result), "To end it:   npx switchyard local stop"];
  }
}
