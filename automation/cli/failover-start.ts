/** A failover is a swap of its own kind: all at once, to a platform that stands by, and both sides stay. */
import { SwitchyardError } from "../errors.ts";
import { toFailoverSwap } from "../failover/settings.ts";
import { nearest } from "../nearest.ts";
import { hotSwapConfig, toSwapSettings } from "../swap/settings.ts";
import { type Environment, platformNames } from "./compose.ts";
import { platformIn } from "./config-file.ts";
import { beginSwap, type SwapIntent, servingPlatform } from "./swap-start.ts";

/** The standby runs what it was brought up with; a failover deploys nothing. */
const imageOfStandby = "as deployed";

/**
 * Checks what can be checked before the world is touched. Nothing holds a failover back that is there for planned swaps:
 * approvals, freezes; and whatever becomes of it, the standby stays up. Errors: unknown-platform, swap-already-there,
 * not-deployed, weights-moved-elsewhere when traffic is split.
 */
export async function prepareFailover(environment: Environment, to: string): Promise<SwapIntent> {
  const { name, config } = environment;
  if (!platformNames.includes(to)) {
    throw new SwitchyardError("unknown-platform", {
      message: `There is no platform ${to}; known: ${platformNames.join(", ")}${nearest(to, platformNames)}`,
    });
  }
  const from = await servingPlatform(environment);
  if (from === to) {
    throw new SwitchyardError("swap-already-there", {
      message: `${to} serves environment ${name} already`,
      next: `To look:   npx switchyard traffic show --env ${name}`,
    });
  }
  const settings = toSwapSettings(config.swap ?? hotSwapConfig.parse({}), platformIn(config, to));
  return {
    from,
    to,
    mode: "failover",
    settings: toFailoverSwap(settings),
  };
}

/** As beginSwap. */
export function beginFailover(environment: Environment, intent: SwapIntent) {
  return beginSwap(environment, intent, imageOfStandby);
}

/** The standby answers through the balancer and is ready. Errors: standby-not-ready. */
export async function assertStandsBy(
  environment: Environment,
  { from, to }: Pick<SwapIntent, "from" | "to">,
  signal: AbortSignal,
): Promise<void> {
  const platform = (await environment.platforms())[to];
  let why = "it says that it is not ready";
  try {
    if ((await platform?.agent().healthCheck(signal))?.ready) return;
  } catch (error) {
    if (!(error instanceof SwitchyardError) || signal.aborted) throw error;
    why = error.message;
  }
  throw new SwitchyardError("standby-not-ready", {
    message: `${to} does not stand by in environment ${environment.name}: ${why}`,
    next: [
      `To bring it up:    npx switchyard up ${to}.${environment.name}`,
      `To attach it:      npx switchyard up traffic.${environment.name} --platforms ${from},${to}`,
    ],
  });
}
