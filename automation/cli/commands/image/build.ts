import { Args } from "@oclif/core";
import { EnvironmentCommand, environmentFlag } from "../../environment-command.ts";

interface BuildResult {
  readonly image: string;
}

export default class ImageBuild extends EnvironmentCommand<BuildResult> {
  static override mutates = true;
  static override summary = "Build a folder into an image and print its name with digest.";
  static override examples = ["<%= config.bin %> image build services/kiro"];
  static override args = { folder: Args.string({ required: true, description: "Folder with a package.json." }) };
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<BuildResult> {
    const { args, flags } = await this.parse(ImageBuild);
    return { image: await (await this.environment(flags.env)).image(args.folder) };
  }

  protected override describe({ image }: BuildResult): readonly string[] {
    return [image];
  }
}
