/** What the bills of an environment are asked with: its region and sizes, its usage, and what is observed of its load. */
import { parseDocument } from "yaml";
import type { z } from "zod";
import type { BillQuestion } from "../cost/bills.ts";
import { fewestRequests, monthOf, type Observation, watchLoad } from "../cost/observed.ts";
import { type ObservedLoad, type PlatformShape, type UsageConfig, usageConfig } from "../cost/usage.ts";
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { FileSystem } from "../ports/file-system.ts";
import { type Environment, platformNames } from "./compose.ts";
import { describeIssue, type EnvironmentConfig, platformIn } from "./config-file.ts";
import { plural } from "./text.ts";

/** Errors: invalid-config with all problems, when there is no such file or it is not of the form. */
export async function readUsage(files: Pick<FileSystem, "read">, path: string): Promise<UsageConfig> {
  const refused = (problems: readonly string[]): SwitchyardError =>
    new SwitchyardError("invalid-config", {
      message: `the usage file ${path} has ${plural(problems.length, "problem")}:\n${problems.map((one) => `  ${one}`).join("\n")}`,
      next: "For example:   requests: 2000000 and duration: 250 (ms), a line each",
      data: { problems },
    });
  const text = await files.read(path);
  if (text === undefined) throw refused(["there is no such file"]);
  const document = parseDocument(text, { uniqueKeys: true });
  if (document.errors.length > 0) throw refused(document.errors.map(({ message }) => message.split("\n")[0] ?? ""));
  const value: unknown = document.toJS();
  const parsed = usageConfig.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  throw refused(parsed.error.issues.flatMap((issue: z.core.$ZodIssue) => describeIssue(issue, value, usageConfig)));
}

/** As switchyard.yaml states them; what it does not is left to the defaults. */
export function shapesOf({ platforms }: Pick<EnvironmentConfig, "platforms">): Readonly<Record<string, PlatformShape>> {
  return Object.fromEntries(
    platformNames.map((platform) => {
      const { auto_scale_config: scale, resource_limits: limits } = platformIn({ platforms }, platform);
      return [
        platform,
        {
          cpu: limits.cpu,
          memory: limits.memory,
          minInstances: scale.min_instances,
          maxInstances: scale.max_instances,
          concurrency: scale.concurrency,
        },
      ];
    }),
  );
}

export interface ObservedWindow {
  readonly seen: Observation;
  readonly load: ObservedLoad | undefined;
}

/** Watches the requests of an environment. Errors: not-deployed, feed-unreachable. */
export async function observe(
  environment: Pick<Environment, "requestFeed">,
  clock: Clock,
  windowMs: number,
  signal: AbortSignal,
): Promise<ObservedWindow> {
  const seen = await watchLoad({ feed: await environment.requestFeed(), clock }, windowMs, signal);
  return { seen, load: monthOf(seen) };
}

/** Whether the usage leaves something to be observed. */
export function needsObservation({ requests, duration }: UsageConfig): boolean {
  return requests === undefined || duration === undefined;
}

export interface QuestionOptions {
  /** Of --usage; default what switchyard.yaml says. */
  readonly usage: UsageConfig;
  readonly observeMs: number;
  readonly allowStandIn: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface AskedQuestion {
  readonly question: BillQuestion;
  /** undefined: everything was stated. */
  readonly observed: ObservedWindow | undefined;
}

/** Errors: not-deployed, feed-unreachable, load-unknown. */
export async function askCost(environment: Environment, options: QuestionOptions): Promise<AskedQuestion> {
  const { usage, observeMs, allowStandIn, clock, signal } = options;
  const observed = needsObservation(usage)
    ? await observe(environment, clock, observeMs, signal).catch((error: unknown) =>
        notDeployed(environment.name, error),
      )
    : undefined;
  if (observed !== undefined && observed.load === undefined) throw tooLittle(environment.name, observed.seen);
  const { region } = environment.config;
  const question = { region, usage, observed: observed?.load, shapes: shapesOf(environment.config), allowStandIn };
  return { question, observed };
}

/** Nothing runs there, so that the load has to be stated. */
function notDeployed(environment: string, error: unknown): never {
  if (!(error instanceof SwitchyardError) || error.code !== "not-deployed") throw error;
  throw new SwitchyardError("not-deployed", {
    message: `${error.message}, so that its load cannot be observed`,
    next: [stateLoad(environment), ...error.next],
    cause: error,
  });
}

function stateLoad(environment: string): string {
  return `To state the load:     npx switchyard cost --env ${environment} --usage FILE    (YAML: requests a month, duration in ms)`;
}

function tooLittle(environment: string, seen: Observation): SwitchyardError {
  const seconds = Math.round(seen.watchedMs / 1_000);
  return new SwitchyardError("load-unknown", {
    message: `${plural(seen.requests, "request")} of environment ${environment} in ${seconds} s: fewer than ${fewestRequests} say nothing about a month`,
    next: [`To watch for longer:   npx switchyard cost --env ${environment} --observe 5m`, stateLoad(environment)],
    data: { requests: seen.requests, watchedMs: seen.watchedMs },
  });
}
