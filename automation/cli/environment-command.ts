import { Flags } from "@oclif/core";
import type { AuditLog } from "../audit/log.ts";
import { SwitchyardCommand } from "./command.ts";
import type { Composition, Environment } from "./compose.ts";
import { composeProgress, ProgressLines } from "./progress.ts";

export const environmentFlag = Flags.string({
  char: "e",
  description: "Environment of switchyard.yaml.",
  default: "local",
});

/** A command that works on an environment. */
export abstract class EnvironmentCommand<Result extends object> extends SwitchyardCommand<Result> {
  protected readonly lines = new ProgressLines();

  /** The wiring; loaded when it is needed, so that --help stays quick. */
  protected async compose(
    options: { readonly ownLocalCloud?: boolean; readonly stateInFiles?: boolean } = {},
  ): Promise<Composition> {
    const { Composition } = await import("./compose.ts");
    return new Composition({
      root: this.config.root,
      signal: this.signal,
      listener: composeProgress(this.lines),
      ...options,
    });
  }

  protected async environment(name: string): Promise<Environment> {
    return (await this.compose()).environment(name);
  }

  protected override async auditLog(): Promise<AuditLog | undefined> {
    const composition = await this.compose();
    const name = await this.environmentName();
    return name === undefined ? composition.auditLog() : (await composition.environment(name)).auditLog();
  }

  /** The environment that it works on; undefined where it concerns the whole checkout. */
  protected async environmentName(): Promise<string | undefined> {
    const { flags } = await this.parse(this.ctor);
    return typeof flags["env"] === "string" ? flags["env"] : undefined;
  }
}
