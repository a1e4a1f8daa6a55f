/** What has to hold before a swap may start, and its first line in the journal. */
import { userInfo } from "node:os";
import { SwitchyardError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { traceparentOf } from "../ports/tracer.ts";
import type { Lease } from "../swap/lease.ts";
import { unknownMetricProblems } from "../swap/metric-names.ts";
import { type HotSwapConfigFile, hotSwapConfig, type SwapSettings, toSwapSettings } from "../swap/settings.ts";
import { journalFormat, type Mode } from "../swap/state.ts";
import type { Acceptable } from "../swap/stateless-settings.ts";
import { swapPurpose } from "../swap/store.ts";
import { type Environment, platformNames } from "./compose.ts";
import { type EnvironmentConfig, platformIn } from "./config-file.ts";
import { assertNoOpenSwap } from "./environment-lease.ts";
import { countCapacity } from "./swap-capacity.ts";

export interface SwapIntent {
  readonly from: string;
  readonly to: string;
  readonly settings: SwapSettings;
  /** Default swap. */
  readonly mode?: Mode;
}

/** Settings of one swap that differ from the environment's. */
export interface SwapOverrides {
  readonly ramp?: readonly number[];
  readonly profile?: "demo" | "standard";
  readonly after_rollback?: "remove" | "keep";
}

/** What a person lets pass that no swap does by itself. */
export interface SwapAcceptance {
  readonly accepted: readonly Acceptable[];
}

/** Checks everything that can be checked before the world is touched. Errors: see each throw. */
export async function prepareSwap(
  environment: Environment,
  to: string,
  overrides: SwapOverrides = {},
  { accepted }: SwapAcceptance = { accepted: [] },
): Promise<SwapIntent> {
  const { name, config } = environment;
  if (!platformNames.includes(to)) {
    throw new SwitchyardError("unknown-platform", {
      message: `There is no platform ${to}; known: ${platformNames.join(", ")}${nearest(to, platformNames)}`,
    });
  }
  const swap = withOverrides(config.swap, overrides);
  if (!swap.enabled) {
    throw new SwitchyardError("swap-disabled", { message: `Swaps are switched off for environment ${name}` });
  }
  await assertNoOpenSwap(environment);
  const from = await servingPlatform(environment);
  if (from === to) {
    throw new SwitchyardError("swap-already-there", {
      message: `${to} serves environment ${name} already`,
      next: [`To bring a new image up there:   npx switchyard up ${to}.${name} --image …`],
    });
  }
  const candidate = platformIn(config, to);
  const capacity = swap.hold_capacity ? await countCapacity(environment, from, to) : undefined;
  const { compliance_every: everyS } = config.stateless;
  const stateless = { accepted: [...accepted], complianceEveryMs: everyS * 1_000 };
  const settings = toSwapSettings(swap, candidate, await environment.propagationMs(), { stateless, capacity });
  await assertMetricsKnown(environment, settings, from);
  return { from, to, settings };
}

/** A metric that nobody has would leave every step without a verdict. Errors: invalid-config, metric-unreadable. */
async function assertMetricsKnown(
  environment: Pick<Environment, "name" | "metricSources">,
  { metrics }: SwapSettings,
  serving: string,
): Promise<void> {
  if (metrics.checks.length === 0) return;
  const { name } = environment;
  const sources = await environment.metricSources();
  const problems = await unknownMetricProblems(metrics, sources, { platform: serving, environment: name }, nearest);
  if (problems.length === 0) return;
  const lines = problems.map(({ path, message }) => `environments.${name}.swap.metrics.${path.join(".")}: ${message}`);
  throw new SwitchyardError("invalid-config", {
    message: `switchyard.yaml asks for metrics that do not exist:\n${lines.map((line) => `  ${line}`).join("\n")}`,
    data: { problems: lines },
  });
}

/** Overrides can contradict what the file says, for example leave a step out that waits for approval. Errors: usage-error. */
function withOverrides(configured: EnvironmentConfig["swap"], overrides: SwapOverrides): HotSwapConfigFile {
  const parsed = hotSwapConfig.safeParse({ ...configured, ...overrides });
  if (parsed.success) return parsed.data;
  const given = Object.keys(overrides).map((name) => `--${name.replaceAll("_", "-")}`);
  throw new SwitchyardError("usage-error", {
    message: `${given.join(" and ")} cannot be had together with what switchyard.yaml says:\n${parsed.error.issues.map((issue) => `  swap.${issue.path.map(String).join(".")}: ${issue.message}`).join("\n")}`,
  });
}

/** The platform that has all the traffic. Errors: not-deployed, swap-failed when it is split. */
export async function servingPlatform(environment: Pick<Environment, "name" | "router">): Promise<string> {
  const { weights } = await readWeights(environment);
  const serving = Object.entries(weights).filter(([, share]) => share > 0);
  const [only] = serving;
  if (serving.length === 1 && only !== undefined) return only[0];
  throw new SwitchyardError("weights-moved-elsewhere", {
    message: `The traffic of ${environment.name} is split (${serving.map(([platform, share]) => `${platform} ${share} %`).join(", ")}), and no swap is open that would explain it`,
    next: `To look:   npx switchyard traffic show --env ${environment.name}`,
  });
}

export async function readWeights(environment: Pick<Environment, "name" | "router">) {
  try {
    return await (await environment.router()).read();
  } catch (error) {
    if (!(error instanceof SwitchyardError) || error.code !== "traffic-not-found") throw error;
    throw new SwitchyardError("not-deployed", {
      message: `Environment ${environment.name} has no balancer yet`,
      next: [
        `To bring it up:   npx switchyard up cloud-run.${environment.name} && npx switchyard up traffic.${environment.name}`,
      ],
      cause: error,
    });
  }
}

/**
 * Claims the environment for a new swap and writes the first line of its journal. Of two that start at the same time one
 * gets the claim, and the other is told. Errors: swap-in-progress, swap-interrupted.
 */
export async function beginSwap(
  environment: Pick<Environment, "name" | "store" | "router" | "trace">,
  intent: SwapIntent,
  image: string,
): Promise<{ readonly id: string; readonly lease: Lease }> {
  const { store } = environment;
  const id = await store.nextId();
  const lease = await store.claim(swapPurpose(id));
  try {
    // Another one may have begun since the checks, and be interrupted or over.
    await assertNoOpenSwap(environment);
    if ((await store.nextId()) !== id) {
      throw new SwitchyardError("swap-in-progress", {
        message: `Another swap of environment ${environment.name} was made at the same moment`,
        next: `To see it:   npx switchyard swap status --env ${environment.name}`,
      });
    }
    // Another swap may have come and gone while an image was built.
    const serving = await servingPlatform(environment);
    if (serving !== intent.from) {
      throw new SwitchyardError("weights-moved-elsewhere", {
        message: `${serving} serves environment ${environment.name} now; when this swap was prepared it was ${intent.from}`,
        next: `To look:   npx switchyard traffic show --env ${environment.name}`,
      });
    }
    const journal = await store.journal(id, lease.token);
    await journal.append({
      kind: "started",
      format: journalFormat,
      at: Date.now(),
      id,
      mode: intent.mode ?? "swap",
      environment: environment.name,
      from: intent.from,
      to: intent.to,
      image,
      settings: intent.settings,
      by: userInfo().username,
      ...(environment.trace.tracer.enabled && { trace: traceparentOf(environment.trace.current) }),
    });
    return { id, lease };
  } catch (error) {
    await lease.release();
    throw error;
  }
}
