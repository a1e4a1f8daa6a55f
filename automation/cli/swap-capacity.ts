/** What the sides of a swap have and need of instances, counted before it starts. */
import { z } from "zod";
import { defaultSizes, vcpusOf } from "../cost/sizes.ts";
import { SwitchyardError } from "../errors.ts";
import { capacityFor, type SwapCapacity } from "../swap/capacity.ts";
import type { Environment } from "./compose.ts";
import { type EnvironmentConfig, platformIn } from "./config-file.ts";

type Counted = Pick<Environment, "name" | "config" | "capacity" | "readingEngine">;

const outputs = z.object({ leastInstances: z.number() });

/** undefined where nobody can say how many instances the old side has: then nothing is held. Errors: swap-no-capacity. */
export async function countCapacity(environment: Counted, from: string, to: string): Promise<SwapCapacity | undefined> {
  const ready = await readyOf(environment, from);
  if (ready === "unknown") return undefined;
  const { config, name } = environment;
  const sizes = { old: vcpusIn(config, from), candidate: vcpusIn(config, to) };
  const capacity = capacityFor(ready, await leastOf(environment, from), sizes);
  const most = platformIn(config, to).auto_scale_config.max_instances;
  if (most !== undefined && capacity.candidate > most) {
    throw new SwitchyardError("swap-no-capacity", {
      message: `${from} serves environment ${name} with ${ready} instances, for which ${to} needs ${capacity.candidate}, and it may have ${most} at most (platforms.${to}.auto_scale_config.max_instances)`,
      next: [
        `Raise environments.${name}.platforms.${to}.auto_scale_config.max_instances to ${capacity.candidate} or more, or set environments.${name}.swap.hold_capacity to false`,
      ],
    });
  }
  return capacity;
}

async function readyOf(environment: Counted, platform: string): Promise<number | "unknown"> {
  try {
    return await (await environment.capacity()).ready(platform);
  } catch (error) {
    if (!(error instanceof SwitchyardError)) throw error;
    return "unknown";
  }
}

/** What the platform keeps by itself; a stack of before this output was there counts as one that keeps nothing. */
async function leastOf(environment: Counted, platform: string): Promise<number> {
  const engine = await environment.readingEngine();
  const found = outputs.safeParse(await engine.outputs(`${platform}.${environment.name}`));
  return found.success ? found.data.leastInstances : 0;
}

function vcpusIn(config: EnvironmentConfig, platform: string): number {
  return vcpusOf(platformIn(config, platform).resource_limits.cpu ?? defaultSizes.cpu) ?? 1;
}
