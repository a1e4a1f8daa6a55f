import { Args, Flags } from "@oclif/core";
import { confirmName } from "../../confirm.ts";
import { EnvironmentCommand, environmentFlag } from "../../environment-command.ts";
import { parseWeights, weightArguments } from "../../weights.ts";

interface TrafficSetResult {
  readonly environment: string;
  /** Percent per platform, as the balancer's API had and has them. */
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
}

export default class TrafficSet extends EnvironmentCommand<TrafficSetResult> {
  static override mutates = true;
  static override summary = "Set the balancer's weights by hand, outside a swap.";
  static override description =
    "No gate looks at what follows: `swap start` moves traffic step by step and goes back by itself. A platform that is not named gets 0. Refused while a swap of the environment has not ended.";
  static override examples = ["<%= config.bin %> traffic set cloud-run=95 gke=5"];
  static override strict = false;
  static override args = {
    weights: Args.string({
      required: true,
      description: "Weights, <platform>=<percent>, one or more; they add up to 100.",
    }),
  };
  static override flags = {
    env: environmentFlag,
    yes: Flags.boolean({ char: "y", description: "Do not ask for the environment's name." }),
  };

  protected override async execute(): Promise<TrafficSetResult> {
    const { argv, flags } = await this.parse(TrafficSet);
    const [{ holdingLease, assertNoOpenSwap }, { platformNames }, { readWeights }, { setWeights }] = await Promise.all([
      import("../../environment-lease.ts"),
      import("../../compose.ts"),
      import("../../swap-start.ts"),
      import("../../set-weights.ts"),
    ]);
    const environment = await this.environment(flags.env);
    const { weights: before } = await readWeights(environment);
    const wanted = parseWeights(argv.map(String), platformNames, Object.keys(before));
    await assertNoOpenSwap(environment);
    await confirmName(
      environment.name,
      `set the weights of ${environment.name} from ${weightArguments(before)} to ${weightArguments(wanted)}, with no gate to look at what follows`,
      flags.yes,
      "--yes",
      this.signal,
    );
    const onWait = (who: string): void => this.progress(`Waiting for ${who} …`);
    const after = await holdingLease(
      environment,
      { purpose: `traffic set ${weightArguments(wanted)}`, signal: this.signal, onWait },
      async (lease, signal) => setWeights(await environment.router(), lease, { seen: before, wanted, signal }),
    );
    return { environment: environment.name, before, after };
  }

  protected override describe({ environment, before, after }: TrafficSetResult): readonly string[] {
    return [
      `${environment}: ${weightArguments(after)} (it was ${weightArguments(before)}).`,
      "The balancer's API has accepted it; how long requests take to follow shows:",
      `  npx switchyard traffic show --env ${environment}`,
      `To undo:   npx switchyard traffic set ${weightArguments(before)} --env ${environment}`,
    ];
  }
}
