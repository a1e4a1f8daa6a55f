import { Args } from "@oclif/core";
import { SwitchyardError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { StackName, StackOptions, StackResult } from "../ports/stack-engine.ts";
import { findingText } from "../stateless/finding-text.ts";
import type { Lease } from "../swap/lease.ts";
import type { Environment } from "./compose.ts";
import { EnvironmentCommand } from "./environment-command.ts";
import { type Program, programs } from "./programs.ts";
import { stackProgress } from "./progress.ts";
import { duration, plural } from "./text.ts";

export const stackArgument = Args.string({
  name: "stack",
  required: true,
  description: "Stack, <program>.<environment>, for example cloud-run.local.",
});

export interface ParsedStack {
  readonly stack: StackName;
  readonly program: Program;
  readonly environment: string;
}

/** Errors: unknown-stack. */
export function parseStack(text: string): ParsedStack {
  const [program = "", environment, ...rest] = text.split(".");
  const known = programs.find((name) => name === program);
  if (environment === undefined || environment === "" || rest.length > 0) {
    throw new SwitchyardError("unknown-stack", {
      message: `${text} is not a stack's name; it has the form <program>.<environment>`,
      next: "For example:   npx switchyard up cloud-run.local",
    });
  }
  if (known === undefined) {
    throw new SwitchyardError("unknown-stack", {
      message: `There is no program ${program}; known: ${programs.join(", ")}${nearest(program, programs)}`,
      next: "To see the stacks:   npx switchyard stacks",
    });
  }
  return { stack: `${known}.${environment}`, program: known, environment };
}

export interface StackCommandResult {
  readonly stack: string;
  readonly operation: string;
  readonly changes: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly durationMs: number;
  /** The stateless rules' verdict on what is declared; of refresh and destroy none. */
  readonly stateless: string | undefined;
}

/** A command that runs one engine operation on one stack. */
export abstract class StackCommand extends EnvironmentCommand<StackCommandResult> {
  protected override async environmentName(): Promise<string | undefined> {
    const { args } = await this.parse(this.ctor);
    return parseStack(String(args["stack"])).environment;
  }

  protected async operate(
    operation: "up" | "preview" | "refresh" | "destroy",
    parsed: ParsedStack,
    environment: Environment,
    options: StackOptions = {},
  ): Promise<StackCommandResult> {
    const engine = await environment.engine();
    const result: StackResult = await engine[operation](parsed.stack, {
      signal: this.signal,
      onProgress: stackProgress(this.lines),
      ...options,
    });
    const { stack, changes, outputs, durationMs, stateless } = result;
    for (const finding of stateless?.findings ?? []) this.addWarning(findingText(finding));
    return { stack, operation, changes, outputs, durationMs, stateless: stateless?.verdict };
  }

  /** For what changes a stack: alone in its environment, and not in the middle of a swap. */
  protected async holdingLease<Result>(
    { stack }: ParsedStack,
    operation: "up" | "destroy",
    environment: Environment,
    work: (lease: Lease, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const { holdingLease } = await import("./environment-lease.ts");
    const onWait = (who: string): void => this.progress(`Waiting for ${who} …`);
    return holdingLease(environment, { purpose: `${operation} ${stack}`, signal: this.signal, onWait }, work);
  }

  protected override describe(result: StackCommandResult): readonly string[] {
    const changes = Object.entries(result.changes)
      .filter(([, number]) => number > 0)
      .map(([operation, number]) => `${number} ${operation}`)
      .join(", ");
    const total = Object.values(result.changes).reduce((sum, number) => sum + number, 0);
    const outputs = Object.entries(result.outputs).map(([name, value]) => `  ${name.padEnd(22)} ${show(value)}`);
    return [
      `${result.stack}: ${result.operation} done in ${duration(result.durationMs)}, ${plural(total, "resource")} (${changes || "nothing"}).`,
      ...(result.stateless === undefined ? [] : [`By the stateless rules what it declares is ${result.stateless}.`]),
      ...(outputs.length > 0 ? ["Outputs:", ...outputs] : []),
    ];
  }
}

export function show(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
