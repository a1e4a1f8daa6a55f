/** Settings with which a stack is brought up by hand. */
import { SwitchyardError } from "../errors.ts";
import type { ConfigValues, StackName } from "../ports/stack-engine.ts";
import { type Environment, platformNames } from "./compose.ts";
import { nearest } from "./nearest.ts";
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
  if (program !== "traffic") {
    return { ...environment.settings(program), "switchyard:image": await environment.image(options.image) };
  }
  const names = options.platforms === undefined ? await knownPlatforms(environment) : parsePlatforms(options.platforms);
  const engine = await environment.engine();
  const platforms = await environment.platforms({ balancerNeeded: false });
  let config: ConfigValues = { ...environment.settings(program), "switchyard:platforms": names };
  for (const name of names) {
    const outputs = await engine.outputs(`${name}.${environment.name}`);
    config = { ...config, ...(await platforms[name]?.trafficConfig(outputs, options.signal)) };
  }
  return config;
}

function parsePlatforms(text: string): readonly string[] {
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
