import { RunError } from "@pulumi/pulumi";

/** One thing that is wrong with what a user gave. */
export interface Problem {
  /** Path of the property: replicas, zones[1], environment.PORT. */
  readonly path: string;
  /** The value as given; undefined when it is missing, `hiddenValue` when it may be a secret. */
  readonly value: unknown;
  /** What is allowed, as the end of the sentence "allowed: …". */
  readonly allowed: string;
}

/** Stands for a value that may be a secret and is never printed. */
export const hiddenValue: unique symbol = Symbol("hidden");

/** A number that a user may set. */
export interface Range {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** Unit for messages, for example "s"; empty for a plain count. */
  readonly unit: string;
}

/** All problems of one component's args or one stack's configuration. The engine prints the message without a stack. */
export class InvalidArgsError extends RunError {
  readonly problems: readonly Problem[];

  constructor(subject: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super([`${subject} has ${count}:`, ...problems.map((problem) => `  ${describeProblem(problem)}`)].join("\n"));
    this.name = "InvalidArgsError";
    this.problems = problems;
  }
}

/** One line: path, value, what is allowed. */
export function describeProblem(problem: Problem): string {
  return `${problem.path} ${describeValue(problem.value)}; allowed: ${problem.allowed}`;
}

/** Throws one InvalidArgsError with all problems; returns when there is none. */
export function rejectProblems(subject: string, problems: readonly Problem[]): void {
  if (problems.length > 0) throw new InvalidArgsError(subject, problems);
}

/** A problem unless the value is an integer within the range. Absent values are the caller's to default. */
export function checkInteger(path: string, value: number | undefined, range: Range): Problem[] {
  if (value === undefined) return [];
  if (Number.isInteger(value) && value >= range.min && value <= range.max) return [];
  return [{ path, value, allowed: describeRange(range) }];
}

/** A problem unless the value matches; `allowed` says in words what the pattern says. */
export function checkPattern(path: string, value: string, pattern: RegExp, allowed: string): Problem[] {
  return pattern.test(value) ? [] : [{ path, value, allowed }];
}

/** A problem unless the values are many enough and all different. */
export function checkDistinct(path: string, values: readonly string[], atLeast: number): Problem[] {
  if (values.length >= atLeast && new Set(values).size === values.length) return [];
  return [{ path, value: values, allowed: `${atLeast} or more values, none twice` }];
}

/** "an integer from 1 to 100 s (default 2)" */
export function describeRange(range: Range): string {
  const unit = range.unit === "" ? "" : ` ${range.unit}`;
  return `an integer from ${range.min} to ${range.max}${unit} (default ${range.default})`;
}

function describeValue(value: unknown): string {
  if (value === undefined) return "is missing";
  if (value === hiddenValue) return "is not accepted";
  const text = JSON.stringify(value);
  return `is ${text.length <= 120 ? text : `${text.slice(0, 117)}...`}`;
}
