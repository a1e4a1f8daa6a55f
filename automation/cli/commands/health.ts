import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../errors.ts";
import type { HealthVerdict } from "../../health/judge.ts";
import type { PlatformHealth } from "../../health/watch.ts";
import { EnvironmentCommand, environmentFlag } from "../environment-command.ts";
import { duration, table, timeOfDay } from "../text.ts";

interface HealthResult {
  readonly environment: string;
  readonly verdict: HealthVerdict;
  readonly looks: number;
  readonly platforms: readonly PlatformHealth[];
}

/** Between two looks of a single answer, ms: a person waits for it. */
const quickMs = 500;

export default class Health extends EnvironmentCommand<HealthResult> {
  static override mutates = false;
  static override summary =
    "Judge each platform: its endpoint, response time, resources, and what the platform says of itself.";
  static override description =
    "Exit code 0 if all that was looked at is healthy, 1 otherwise; what cannot be seen is unknown, which is not healthy. The environment's health section of switchyard.yaml has the limits. A verdict rests on several looks, so one slow answer changes nothing.";
  static override examples = ["<%= config.bin %> health --env local"];
  static override flags = {
    env: environmentFlag,
    platform: Flags.string({ description: "Only this one. Default: those that the balancer has an entry of." }),
    watch: Flags.boolean({ description: "Look until Ctrl-C and print every change of a verdict." }),
  };

  protected override async execute(): Promise<HealthResult> {
    const { flags } = await this.parse(Health);
    const [{ HealthChecker }, { worst }, { healthConfig, toHealthSettings }, { platformIn }, { parsePlatforms }] =
      await Promise.all([
        import("../../health/watch.ts"),
        import("../../health/judge.ts"),
        import("../../health/settings.ts"),
        import("../config-file.ts"),
        import("../up-config.ts"),
      ]);
    const composition = await this.compose();
    const environment = await composition.environment(flags.env);
    const { clock } = composition;
    const all = await environment.platforms();
    const names =
      flags.platform === undefined
        ? Object.keys((await (await environment.router()).read(this.signal)).weights)
        : parsePlatforms(flags.platform);
    const config = environment.config.health ?? healthConfig.parse({});
    const targets = Object.fromEntries(
      names.flatMap((name) => {
        const platform = all[name];
        if (platform === undefined) return [];
        const { performance_threshold: threshold } = platformIn(environment.config, name);
        const settings = toHealthSettings(config, threshold);
        return [
          [name, { agent: platform.agent(), settings: flags.watch ? settings : { ...settings, intervalMs: quickMs } }],
        ];
      }),
    );
    const checker = new HealthChecker({ targets, metrics: await environment.platformMetrics(), clock });
    let platforms: readonly PlatformHealth[] = [];
    let looks = 0;
    const told = new Map<string, string>();
    try {
      for (;;) {
        platforms = await checker.look(this.signal);
        looks += 1;
        if (flags.watch) this.#tell(platforms, told);
        else if (looks >= config.window || this.#isDecided(platforms)) break;
        await clock.sleep(flags.watch ? config.interval * 1_000 : quickMs, this.signal);
      }
    } catch (error) {
      if (!flags.watch || !this.signal.aborted) throw error;
    }
    const verdict = worst(platforms.map((one) => one.verdict));
    const result = { environment: flags.env, verdict, looks, platforms };
    if (verdict !== "healthy") {
      throw new SwitchyardError("not-healthy", {
        message: [`${flags.env} is ${verdict} after ${looks} looks.`, ...describeHealth(platforms)].join("\n"),
        data: { ...result },
      });
    }
    return result;
  }

  /** More looks would change nothing: every check has a verdict. */
  #isDecided(platforms: readonly PlatformHealth[]): boolean {
    return platforms.every(({ checks }) => checks.every(({ verdict }) => verdict !== "unknown"));
  }

  #tell(platforms: readonly PlatformHealth[], told: Map<string, string>): void {
    for (const { platform, checks } of platforms) {
      for (const { check, verdict, detail } of checks) {
        const key = `${platform} ${check}`;
        if (told.get(key) === verdict) continue;
        told.set(key, verdict);
        this.progress(`${timeOfDay(Date.now())}  ${key}: ${verdict}, ${detail}`);
      }
    }
  }

  protected override describe(result: HealthResult): readonly string[] {
    return [`${result.environment} is ${result.verdict}.`, ...describeHealth(result.platforms)];
  }
}

function describeHealth(platforms: readonly PlatformHealth[]): readonly string[] {
  const now = Date.now();
  return table(
    ["platform", "check", "verdict", "for", "seen"],
    platforms.flatMap(({ platform, checks }) =>
      checks.map(({ check, verdict, since, detail }) => [
        platform,
        check,
        verdict,
        duration(Math.max(0, now - since)),
        detail,
      ]),
    ),
  );
}
