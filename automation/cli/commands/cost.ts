import { resolve } from "node:path";
import { Flags } from "@oclif/core";
import type { NoBill } from "../../cost/bills.ts";
import { SwitchyardError } from "../../errors.ts";
import { type CostResult, describeCost } from "../cost-view.ts";
import { parseDuration } from "../duration-flag.ts";
import { EnvironmentCommand, environmentFlag } from "../environment-command.ts";

export default class Cost extends EnvironmentCommand<CostResult> {
  static override mutates = false;
  static override summary = "Say what a month of an environment's load would cost on each platform; changes nothing.";
  static override description =
    "The load is what the usage file says (or the environment's cost.usage in switchyard.yaml), and for the rest what the balancer sees while this command watches. Prices are list prices that come with the product, each with its source and date; EKS is shown for comparison.";
  static override examples = ["<%= config.bin %> cost --env local"];
  static override flags = {
    env: environmentFlag,
    usage: Flags.string({ description: "File (YAML) that states the usage. Default: cost.usage of switchyard.yaml." }),
    observe: Flags.string({
      description: "How long to watch the load where the usage does not state it, for example 5m.",
      default: "10s",
    }),
    "allow-stand-in": Flags.boolean({
      description: "Take another region's price where the table has none, marked unverified.",
    }),
  };

  protected override async execute(): Promise<CostResult> {
    const { flags } = await this.parse(Cost);
    const observeMs = parseDuration("--observe", flags.observe);
    const { askCost, readUsage } = await import("../cost-question.ts");
    const { allBills, cheapest } = await import("../../cost/bills.ts");
    const { priceAge, priceAgeWarning } = await import("../../cost/price-age.ts");
    const { usageConfig, usageOn } = await import("../../cost/usage.ts");
    const composition = await this.compose();
    const environment = await composition.environment(flags.env);
    const usage =
      flags.usage === undefined
        ? (environment.config.cost?.usage ?? usageConfig.parse({}))
        : await readUsage(composition.files, resolve(flags.usage));
    const { question, observed } = await askCost(environment, {
      usage,
      observeMs,
      allowStandIn: flags["allow-stand-in"],
      clock: composition.clock,
      signal: this.signal,
    });
    const billed = allBills(question);
    const bills = billed.flatMap((one) => ("bill" in one ? [one.bill] : []));
    const none = billed.flatMap((one) => ("none" in one ? [one.none] : []));
    assertPriced(none, environment.name, question.region);
    const used = usageOn("cloud-run", usage, question.observed, question.shapes["cloud-run"] ?? {});
    if (used === undefined)
      throw new SwitchyardError("load-unknown", { message: none[0]?.why ?? "the load is unknown" });
    const best = cheapest(bills);
    const prices = priceAge(composition.clock.wall());
    const old = priceAgeWarning(prices);
    if (old !== undefined) this.addWarning(old);
    return {
      environment: environment.name,
      region: question.region,
      bills,
      none,
      cheapest: best && `${best.platform} (${best.variant})`,
      usage: { expected: used.expected, from: used.from },
      observed: observed && { requests: observed.seen.requests, watchedMs: observed.seen.watchedMs },
      prices,
    };
  }

  protected override describe(result: CostResult): readonly string[] {
    return describeCost(result);
  }
}

/** EKS is a comparison: without a price of it the others still have theirs. Errors: price-unknown. */
function assertPriced(none: readonly NoBill[], environment: string, region: string): void {
  const unknown = none.filter(({ platform, reason }) => reason === "price-unknown" && platform !== "eks");
  if (unknown.length === 0) return;
  throw new SwitchyardError("price-unknown", {
    message: [...new Set(unknown.map(({ why }) => why))].join("; "),
    next: `To take another region's prices, marked unverified:   npx switchyard cost --env ${environment} --allow-stand-in`,
    data: { region, platforms: [...new Set(unknown.map(({ platform }) => platform))] },
  });
}
