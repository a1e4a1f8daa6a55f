import { Flags } from "@oclif/core";
import type { CollectedMetrics } from "../../metrics/collect.ts";
import type { LatencyQuantiles } from "../../metrics/latency.ts";
import type { SwapFigures } from "../../metrics/swap-figures.ts";
import { parseDuration } from "../duration-flag.ts";
import { EnvironmentCommand, environmentFlag } from "../environment-command.ts";

interface MetricsResult extends CollectedMetrics {
  readonly environment: string;
  /** By platform, ms, from the histograms; absent without a request or where they cannot be read. */
  readonly quantilesMs: Readonly<
    Record<string, { readonly firstByte?: LatencyQuantiles; readonly latency?: LatencyQuantiles }>
  >;
  readonly swaps: SwapFigures;
}

export default class Metrics extends EnvironmentCommand<MetricsResult> {
  static override summary =
    "Print requests, errors, latency, resources and scaling of each platform, and figures of the swaps.";
  static override description =
    "What cannot be read is shown as ?, with the reason, and never as zero. On this machine counts are since the local cloud started, on a cloud of the last --window.";
  static override examples = ["<%= config.bin %> metrics --env local"];
  static override mutates = false;
  static override flags = {
    env: environmentFlag,
    window: Flags.string({ description: "Span of the counts on a cloud, such as 30m or 6h.", default: "1h" }),
    prometheus: Flags.boolean({
      description: "Print Prometheus' text format instead of a table.",
      exclusive: ["json"],
    }),
  };

  #text: readonly string[] = [];

  protected override async execute(): Promise<MetricsResult> {
    const { flags } = await this.parse(Metrics);
    const windowMs = parseDuration("--window", flags.window);
    const [{ collectMetrics }, { quantiles }, { figureOf }, { swapFigures }, { readSwapRuns }, { platformNames }] =
      await Promise.all([
        import("../../metrics/collect.ts"),
        import("../../metrics/latency.ts"),
        import("../../metrics/readings.ts"),
        import("../../metrics/swap-figures.ts"),
        import("../swap-runs.ts"),
        import("../compose.ts"),
      ]);
    const environment = await this.environment(flags.env);
    const now = Date.now();
    const metrics = await environment.platformMetrics();
    const collected = await collectMetrics(metrics, {
      platforms: platformNames,
      since: now - windowMs,
      now,
      signal: this.signal,
    });
    for (const [platform, why] of Object.entries(collected.unreachable)) {
      this.addWarning(`nothing of ${platform} could be read. ${why}`);
    }
    const runs = await readSwapRuns(environment.store, (id, why) => this.addWarning(`swap ${id} is left out. ${why}`));
    const swaps = swapFigures(runs);
    const quantilesMs = Object.fromEntries(
      collected.platforms.map((snapshot) => {
        const [firstByte, latency] = (["firstByte", "latency"] as const).map((which) => {
          const histogram = figureOf(snapshot[which]);
          return histogram && quantiles(histogram);
        });
        return [snapshot.platform, { ...(firstByte && { firstByte }), ...(latency && { latency }) }];
      }),
    );
    if (flags.prometheus) {
      const { prometheusText } = await import("../../metrics/prometheus-text.ts");
      const text = await prometheusText({ environment: flags.env, platforms: collected.platforms, swaps });
      this.#text = text.trimEnd().split("\n");
    } else {
      const { describeMetrics } = await import("../metrics-view.ts");
      this.#text = describeMetrics(flags.env, collected, swaps);
    }
    return { environment: flags.env, ...collected, quantilesMs, swaps };
  }

  protected override describe(): readonly string[] {
    return this.#text;
  }
}
