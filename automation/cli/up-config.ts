/** Settings with which a stack is brought up by hand. */
import { SwitchyardError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { ConfigValues, StackName } from "../ports/stack-engine.ts";
import type { Lease } from "../swap/lease.ts";
import { assertNotFenced } from "../swap/perform.ts";
import { type Environment, platformNames } from "./compose.ts";
import type { Program } from "./programs.ts";

/** Settings for bringing a stack up by hand. Errors: unknown-platform, not-deployed, image-invalid. */
export async function upConfig(
  program: Program,
  environment: Environment,
  options: {
    readonly image?: string | undefined;
    readonly platforms?: string | undefined;
    readonly signal: AbortSignal;
  },
): Promise<ConfigValues> {
  if (program === "observability") return environment.settings(program);
  if (program !== "traffic") {
    return { ...(await environment.settings(program)), "switchyard:image": await environment.image(options.image) };
  }
  const names = options.platforms === undefined ? await knownPlatforms(environment) : parsePlatforms(options.platforms);
  const engine = await environment.engine();
  const platforms = await environment.platforms({ balancerNeeded: false });
  let config: ConfigValues = { ...(await environment.settings(program)), "switchyard:platforms": names };
  for (const name of names) {
    const outputs = await engine.outputs(`${name}.${environment.name}`);
    config = { ...config, ...(await platforms[name]?.trafficConfig(outputs, options.signal)) };
  }
  return config;
}

/**
 * Pulumi cannot remove a backend that the balancer's map still names, and the map's entries are not Pulumi's: those of
 * platforms that go, all at weight 0, are taken out first. Errors: platform-in-use, lease-lost.
 */
export async function takeEntriesAway(
  environment: Pick<Environment, "name" | "router">,
  stay: readonly string[],
  lease: Lease,
): Promise<void> {
  const router = await environment.router();
  const state = await router.read().catch((error: unknown) => {
    if (error instanceof SwitchyardError && error.code === "traffic-not-found") return undefined;
    throw error;
  });
  if (state === undefined) return;
  const going = Object.entries(state.weights).filter(([platform]) => !stay.includes(platform));
  const busy = going.find(([, share]) => share > 0);
  if (busy !== undefined) {
    throw new SwitchyardError("platform-in-use", {
      message: `${busy[0]} gets ${busy[1]} % of the traffic of ${environment.name} and cannot be taken from the balancer`,
      next: `To move the traffic first:   npx switchyard swap start --to ${stay[0]} --env ${environment.name}`,
    });
  }
  if (going.length === 0) return;
  const left = Object.entries(state.weights).filter(([platform]) => stay.includes(platform));
  assertNotFenced(state, lease.token);
  lease.assertHeld();
  await router.write(Object.fromEntries(left), state.fingerprint, lease.token);
}

/** A platform that the balancer knows is not destroyed under it. Errors: platform-in-use. */
export async function assertNotInUse(program: Program, environment: Environment): Promise<void> {
  if (program === "traffic") return;
  const traffic: StackName = `traffic.${environment.name}`;
  const engine = await environment.engine();
  const known = (await engine.list()).some(({ stack, resources }) => stack === traffic && resources > 0);
  if (!known) return;
  const { platforms } = await engine.outputs(traffic);
  if (!Array.isArray(platforms) || !platforms.includes(program)) return;
  const others = platforms.filter((name) => name !== program);
  throw new SwitchyardError("platform-in-use", {
    message: `The balancer of ${environment.name} knows ${program}, so that it cannot be destroyed`,
    next:
      others.length === 0
        ? `To take the balancer down first:   npx switchyard destroy ${traffic}`
        : `To take it from the balancer first:   npx switchyard up ${traffic} --platforms ${others.join(",")}`,
  });
}

export function parsePlatforms(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  for (const name of names) {
    if (!platformNames.includes(name)) {
      throw new SwitchyardError("unknown-platform", {
        message: `There is no platform ${name}; known: ${platformNames.join(", ")}${nearest(name, platformNames)}`,
      });
    }
  }
  return names;
}

/** Those that the balancer knows; before there is one, those that are up. */
async function knownPlatforms(environment: Environment): Promise<readonly string[]> {
  const engine = await environment.engine();
  const stacks = (await engine.list()).filter(({ resources }) => resources > 0).map(({ stack }) => stack);
  const traffic: StackName = `traffic.${environment.name}`;
  if (stacks.includes(traffic)) {
    const { platforms } = await engine.outputs(traffic);
    if (Array.isArray(platforms) && platforms.every((name) => typeof name === "string")) return platforms;
  }
  const up = platformNames.filter((name) => stacks.includes(`${name}.${environment.name}`));
  if (up.length > 0) return up;
  throw new SwitchyardError("not-deployed", {
    message: `No platform of ${environment.name} is up, so a balancer would have nothing to send requests to`,
    next: `To bring one up:   npx switchyard up cloud-run.${environment.name}`,
  });
}
