import { Flags } from "@oclif/core";
import type { DemoResult } from "../demo/demo.ts";
import { EnvironmentCommand } from "../environment-command.ts";

export default class Demo extends EnvironmentCommand<DemoResult> {
  static override mutates = true;
  static override summary =
    "Show the main job on this machine: a swap under load, and one that is rolled back by itself.";
  static override examples = ["<%= config.bin %> demo"];
  static override flags = {
    rate: Flags.integer({ description: "Requests a second.", default: 200, min: 20, max: 1_000 }),
    seed: Flags.integer({ description: "Seed of the load's plan.", default: 1, min: 0 }),
  };

  protected override async execute(): Promise<DemoResult> {
    const { flags } = await this.parse(Demo);
    const { runDemo } = await import("../demo/demo.ts");
    const composition = await this.compose({ ownLocalCloud: true, stateInFiles: true });
    return runDemo(composition, this.lines, this.signal, flags);
  }

  protected override describe(): readonly string[] {
    return [];
  }
}
