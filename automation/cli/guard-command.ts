import type { AuditLog } from "../audit/log.ts";
import type { GuardComposition } from "./compose-guard.ts";
import { EnvironmentCommand } from "./environment-command.ts";

/** A command that works on guard's fleet, which is of no environment. */
export abstract class GuardCommand<Result extends object> extends EnvironmentCommand<Result> {
  #guard: Promise<GuardComposition> | undefined;

  protected guard(): Promise<GuardComposition> {
    this.#guard ??= Promise.all([import("./compose-guard.ts"), this.compose()]).then(
      ([{ GuardComposition }, composition]) => new GuardComposition(composition),
    );
    return this.#guard;
  }

  /** Guard's own, in its table, so that everybody who works on the fleet has one. */
  protected override async auditLog(): Promise<AuditLog | undefined> {
    return (await this.guard()).auditLog();
  }

  /** The environment's and the checkout's, or guard's alone. */
  protected async logs(environment: string, guards: boolean): Promise<readonly [AuditLog, ...AuditLog[]]> {
    if (guards) return [await (await this.guard()).auditLog()];
    const composition = await this.compose();
    return [(await composition.environment(environment)).auditLog(), composition.auditLog()];
  }

  protected override async atEnd(thrown: unknown): Promise<void> {
    await (await this.#guard?.catch(() => undefined))?.close();
    return super.atEnd(thrown);
  }
}
