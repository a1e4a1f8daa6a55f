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
  readonly #compositions: Composition[] = [];
  /** Errors that people are told of already. */
  protected readonly alerted = new WeakSet<object>();

  /** The wiring; loaded when it is needed, so that --help stays quick. */
  protected async compose(
    options: { readonly ownLocalCloud?: boolean; readonly stateInFiles?: boolean } = {},
  ): Promise<Composition> {
    const { Composition } = await import("./compose.ts");
    const composition = new Composition({
      root: this.config.root,
      signal: this.signal,
      listener: composeProgress(this.lines),
      trace: this.trace,
      ...options,
    });
    this.#compositions.push(composition);
    return composition;
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

  /** People are told of what went wrong, and of what an earlier command could not tell them. */
  protected override async atEnd(thrown: unknown): Promise<void> {
    const opened = this.#compositions.flatMap((composition) => composition.opened);
    if (opened.length === 0) return;
    const known = thrown instanceof Error && this.alerted.has(thrown);
    const { closeAlerts } = await import("./alert-closing.ts");
    for (const warning of await closeAlerts(opened, known ? undefined : thrown)) this.addWarning(warning);
  }
}
