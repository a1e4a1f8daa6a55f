import { Flags } from "@oclif/core";
import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { describeSummary, type SwapSummary } from "../../swap-summary.ts";

export default class FailoverRun extends SwapCommand<SwapSummary> {
  static override mutates = true;
  static override summary = "Move all traffic to a platform that stands by, at once and outside a swap.";
  static override description =
    "For when the serving side fails. The standby passes its acceptance suite, gets all traffic in one step, which is seen on the data plane, and both sides stay. Freezes and approvals do not hold it back. Nothing is deployed: a platform stands by after `up` and `up traffic.ENV --platforms A,B`, or after an aborted swap, whose candidate stays up. While a swap is open, its rollback window included, this is refused: there `swap rollback` is the way back.";
  static override examples = ["<%= config.bin %> failover run --to gke"];
  static override flags = {
    env: environmentFlag,
    to: Flags.string({ description: "Platform that stands by: gke or cloud-run.", required: true }),
  };

  protected override async execute(): Promise<SwapSummary> {
    const { flags } = await this.parse(FailoverRun);
    const { assertStandsBy, beginFailover, prepareFailover } = await import("../../failover-start.ts");
    const environment = await this.environment(flags.env);
    const intent = await prepareFailover(environment, flags.to);
    await assertStandsBy(environment, intent, this.signal);
    // What the failover needs is there before its journal begins: a start that cannot run leaves no open swap.
    await (await environment.swapPorts()).close();
    this.signal.throwIfAborted();
    const { id, lease } = await beginFailover(environment, intent);
    this.progress(`Failover ${id}: ${intent.from} -> ${intent.to}`);
    return this.driveClaimed(environment, id, lease);
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return [
      ...describeSummary(result),
      `To undo:   npx switchyard failover run --to ${result.from} --env ${result.environment}`,
    ];
  }
}
