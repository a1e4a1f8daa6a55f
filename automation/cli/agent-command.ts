import { Flags } from "@oclif/core";
import { SwitchyardError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { KiroAgent } from "../ports/agent.ts";
import { EnvironmentCommand, environmentFlag } from "./environment-command.ts";

export const agentFlags = {
  env: environmentFlag,
  platform: Flags.string({
    description: "Platform that shall answer, whatever its weight. Default: the one that serves.",
  }),
};

/** A command that talks to the agent through the balancer. */
export abstract class AgentCommand<Result extends object> extends EnvironmentCommand<Result> {
  /** Errors: unknown-platform, not-deployed. */
  protected async agent(flags: { readonly env: string; readonly platform?: string | undefined }): Promise<KiroAgent> {
    const environment = await this.environment(flags.env);
    const { servingPlatform } = await import("./swap-start.ts");
    const platforms = await environment.platforms();
    const name = flags.platform ?? (await servingPlatform(environment));
    const platform = platforms[name];
    if (platform === undefined) {
      const known = Object.keys(platforms);
      throw new SwitchyardError("unknown-platform", {
        message: `There is no platform ${name}; known: ${known.join(", ")}${nearest(name, known)}`,
      });
    }
    return platform.agent();
  }

  /** Asks the agent; a balancer that does not know the platform lets another one answer. Errors: not-deployed. */
  protected async asked<T>(environment: string, question: Promise<T>): Promise<T> {
    try {
      return await question;
    } catch (error) {
      if (!(error instanceof SwitchyardError) || error.data["answered"] === undefined) throw error;
      const { platform, answered } = error.data;
      throw new SwitchyardError("not-deployed", {
        message: `The balancer of ${environment} has no platform ${String(platform)}: ${String(answered)} answered`,
        next: `To bring it there:   npx switchyard swap start --to ${String(platform)} --env ${environment}`,
        cause: error,
      });
    }
  }

  protected override describe(result: Result): readonly string[] {
    return JSON.stringify(result, undefined, 2).split("\n");
  }
}
