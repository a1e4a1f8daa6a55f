import { join } from "node:path";
import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../errors.ts";
import { EnvironmentCommand } from "../environment-command.ts";

interface InitResult {
  readonly path: string;
  readonly written: boolean;
  readonly text: string;
}

export default class Init extends EnvironmentCommand<InitResult> {
  static override mutates = true;
  static override onlyReadsWith = ["print"];
  static override summary = "Write a commented switchyard.yaml.";
  static override examples = ["<%= config.bin %> init"];
  static override flags = {
    print: Flags.boolean({ description: "Print it instead." }),
  };

  protected override async execute(): Promise<InitResult> {
    const { flags } = await this.parse(Init);
    const { configTemplate: text } = await import("../config-template.ts");
    const { files } = await this.compose();
    const path = join(this.config.root, "switchyard.yaml");
    if (flags.print) return { path, written: false, text };
    if (!(await files.createExclusive(path, text))) {
      throw new SwitchyardError("invalid-config", {
        message: `${path} exists already; it is left as it is`,
        next: "To see the commented example:   npx switchyard init --print",
      });
    }
    return { path, written: true, text };
  }

  protected override describe(result: InitResult): readonly string[] {
    return result.written
      ? [`Wrote ${result.path}.`, "To check it:   npx switchyard doctor", `To undo:       rm ${result.path}`]
      : result.text.trimEnd().split("\n");
  }
}
