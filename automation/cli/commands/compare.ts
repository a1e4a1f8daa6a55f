import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../errors.ts";
import type { Comparison } from "../compare.ts";
import { parseDuration } from "../duration-flag.ts";
import { EnvironmentCommand, environmentFlag } from "../environment-command.ts";
import { count, duration, plural, table } from "../text.ts";

interface CompareResult extends Comparison {
  readonly environment: string;
  /** Requests a second, on each platform. */
  readonly rate: number;
  readonly durationMs: number;
  readonly seed: number;
}

/** Requests of one run on one platform at the most. */
const mostRequests = 100_000;
const longestMs = 600_000;
/** Requests a second on a cloud at the most; every one of them is paid for. */
const cloudRate = 50;

export default class Compare extends EnvironmentCommand<CompareResult> {
  static override summary =
    "Send one load to each platform and print latency, throughput and cost per request side by side.";
  static override description =
    "The same open-loop load, from the same seed, goes to one platform after the other by the dark route: weights stay, and users are not concerned. 90 % short requests, 8 % of some seconds, 2 % streams; latency is that of the short ones. A platform that is not up is left out.";
  static override examples = ["<%= config.bin %> compare --env local --rate 50 --duration 20s"];
  static override mutates = false;
  static override flags = {
    env: environmentFlag,
    rate: Flags.integer({ description: "Requests a second, on a cloud up to 50.", default: 20, min: 1, max: 500 }),
    duration: Flags.string({ description: "Time of the load per platform, up to 10m.", default: "20s" }),
    seed: Flags.integer({ description: "Of the load: the same one sends the same requests.", default: 1, min: 0 }),
    yes: Flags.boolean({ description: "On a cloud: load it although that costs money." }),
  };

  protected override async execute(): Promise<CompareResult> {
    const { flags } = await this.parse(Compare);
    const { rate, seed } = flags;
    const durationMs = parseDuration("--duration", flags.duration);
    if (durationMs > longestMs || durationMs < 1_000 || (rate * durationMs) / 1_000 > mostRequests) {
      throw new SwitchyardError("usage-error", {
        message: `${rate} requests a second for ${duration(durationMs)} are too many or too few: from 1 s to ${duration(longestMs)}, and ${count(mostRequests)} requests at the most`,
        next: `For example:   npx switchyard compare --env ${flags.env} --rate 20 --duration 20s`,
      });
    }
    const [{ compare }, { sizesOf }, { swapInProgress }] = await Promise.all([
      import("../compare.ts"),
      import("../swap-plan.ts"),
      import("../../swap/store.ts"),
    ]);
    const composition = await this.compose();
    const environment = await composition.environment(flags.env);
    const local = environment.config.cloud === "local";
    if (!local && (!flags.yes || rate > cloudRate)) {
      throw new SwitchyardError("usage-error", {
        message: flags.yes
          ? `--rate ${rate}: on a cloud at most ${cloudRate} requests a second`
          : `This would send ${count((rate * durationMs) / 1_000)} requests to each platform of ${flags.env}, which costs money`,
        next: `To do it at the rate of 20:   npx switchyard compare --env ${flags.env} --duration ${flags.duration} --yes`,
      });
    }
    const open = await environment.store.open();
    if (open !== undefined) throw swapInProgress(flags.env, open.state, undefined);
    const balancer = await environment.balancer();
    const platforms = await environment.platforms();
    const { region } = environment.config;
    const result = await compare({
      root: composition.root,
      environment: flags.env,
      agents: Object.fromEntries(Object.entries(platforms).map(([name, platform]) => [name, platform.agent()])),
      metrics: await environment.platformMetrics(),
      clock: composition.clock,
      url: local ? balancer.url : `https://${balancer.darkHost}`,
      darkHost: balancer.darkHost,
      rate,
      durationMs,
      seed,
      region,
      sizes: sizesOf(environment.config, Object.keys(platforms)),
      signal: this.signal,
      countsAtOnce: local,
      onPlatform: (name, place, of) =>
        this.progress(`Load on ${name} (${place} of ${of}): ${rate} requests/s for ${duration(durationMs)}.`),
    });
    for (const { platform, load, counted } of result.platforms) {
      if (load.clientFailed > 0) {
        this.addWarning(`${plural(load.clientFailed, "request")} to ${platform} failed by this machine's own fault`);
      }
      if (counted.kind === "value" && !counted.value.equal) {
        this.addWarning(
          `the balancer counted ${count(counted.value.requests)} requests to ${platform}, the load generator ${count(load.ended)}`,
        );
      }
    }
    return { environment: flags.env, rate, durationMs, seed, ...result };
  }

  protected override describe(result: CompareResult): readonly string[] {
    const { platforms, missing, environment } = result;
    const ms = (value: number | undefined): string => (value === undefined ? "-" : `${value.toFixed(1)}`);
    const rows: readonly (readonly [string, (one: Comparison["platforms"][number]) => string])[] = [
      ["requests", ({ load }) => count(load.ended)],
      ["failed", ({ load }) => count(load.failed)],
      ["p50 ms", ({ load }) => ms(load.latencyMs?.p50)],
      ["p95 ms", ({ load }) => ms(load.latencyMs?.p95)],
      ["p99 ms", ({ load }) => ms(load.latencyMs?.p99)],
      ["answered/s", ({ throughput }) => throughput.toFixed(1)],
      [
        "instances",
        ({ instances: one }) =>
          one.kind === "value" ? `${one.value.mean.toFixed(1)} (at most ${one.value.most})` : "?",
      ],
      ["cores, most", ({ cores }) => (cores.kind === "value" ? cores.value.toFixed(2) : "?")],
      ["scaling events", ({ scalingEvents: one }) => (one.kind === "value" ? count(one.value) : "?")],
      [
        "USD per million",
        ({ costPerMillion: one }) =>
          one.kind === "value" ? `${one.value.usd.toFixed(2)} (${one.value.confidence})` : "?",
      ],
      [
        "balancer counted",
        ({ counted: one }) =>
          one.kind === "value" ? `${count(one.value.requests)}${one.value.equal ? " (equal)" : " (NOT EQUAL)"}` : "?",
      ],
    ];
    const names = Object.keys(missing);
    return [
      `${environment}: ${result.rate} requests/s for ${duration(result.durationMs)} on each platform, seed ${result.seed}.`,
      ...table(
        ["", ...platforms.map(({ platform }) => platform)],
        rows.map(([name, cell]) => [name, ...platforms.map(cell)]),
      ),
      "Cost is list price of the instances that there were at this load, with a cluster's fee; it falls as the load rises.",
      ...names.map((name) => `${name} was left out: ${missing[name]}`),
      ...(names.length === 0
        ? []
        : [
            `To bring it up:   npx switchyard up ${names[0]}.${environment} && npx switchyard up traffic.${environment} --platforms ${[...platforms.map(({ platform }) => platform), ...names].join(",")}`,
          ]),
    ];
  }
}
