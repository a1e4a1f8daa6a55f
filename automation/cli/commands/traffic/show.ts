import { EnvironmentCommand, environmentFlag } from "../../environment-command.ts";
import { table } from "../../text.ts";

interface TrafficResult {
  readonly environment: string;
  readonly url: string;
  readonly host: string;
  /** What the balancer's API says. */
  readonly weights: Readonly<Record<string, number>>;
  /** What the data plane does; undefined where it cannot be asked. */
  readonly sides: Readonly<
    Record<
      string,
      {
        appliedPercent: number;
        requests: number;
        errors: number;
        inFlight: number;
        /** Absent before the first request. */
        p50Ms: number | undefined;
        p95Ms: number | undefined;
        p99Ms: number | undefined;
      }
    >
  >;
}

export default class TrafficShow extends EnvironmentCommand<TrafficResult> {
  static override mutates = false;
  static override summary = "Print the balancer's weights, and per side what the data plane does with them.";
  static override examples = ["<%= config.bin %> traffic show --env local"];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<TrafficResult> {
    const { flags } = await this.parse(TrafficShow);
    const { readWeights } = await import("../../swap-start.ts");
    const environment = await this.environment(flags.env);
    const { weights } = await readWeights(environment);
    const balancer = await environment.balancer();
    const local = await environment.localTraffic();
    const sides = Object.fromEntries(
      Object.keys({ ...local?.weights, ...local?.sides }).map((name) => {
        const side = local?.sides[name];
        return [
          name,
          {
            appliedPercent: local?.weights[name] ?? 0,
            requests: side?.requests ?? 0,
            errors: side?.errors ?? 0,
            inFlight: side?.inFlight ?? 0,
            p50Ms: side?.latencyMs.p50,
            p95Ms: side?.latencyMs.p95,
            p99Ms: side?.latencyMs.p99,
          },
        ];
      }),
    );
    return { environment: flags.env, url: balancer.url, host: balancer.host, weights, sides };
  }

  protected override describe(result: TrafficResult): readonly string[] {
    const names = [...new Set([...Object.keys(result.weights), ...Object.keys(result.sides)])];
    return [
      `${result.environment}: ${result.url}, host ${result.host}`,
      ...table(
        ["platform", "weight", "applied", "requests", "errors", "in flight", "p50 ms", "p95 ms", "p99 ms"],
        names.map((name) => {
          const side = result.sides[name];
          return [
            name,
            result.weights[name] === undefined ? "-" : `${result.weights[name]} %`,
            side === undefined ? "-" : `${side.appliedPercent} %`,
            ...[side?.requests, side?.errors, side?.inFlight, side?.p50Ms, side?.p95Ms, side?.p99Ms].map((value) =>
              value === undefined ? "-" : String(Math.round(value)),
            ),
          ];
        }),
      ),
    ];
  }
}
