import { SwitchyardError } from "../../../errors.ts";
import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { type SwapSummary, summarise } from "../../swap-summary.ts";
import { dateAndTime, table } from "../../text.ts";

interface HistoryResult {
  readonly swaps: readonly SwapSummary[];
}

export default class SwapHistory extends SwapCommand<HistoryResult> {
  static override mutates = false;
  static override summary = "List the swaps of an environment, newest first.";
  static override examples = ["<%= config.bin %> swap history --env local"];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<HistoryResult> {
    const { flags } = await this.parse(SwapHistory);
    const { store } = await this.environment(flags.env);
    const swaps: SwapSummary[] = [];
    for (const id of (await store.ids()).toReversed()) {
      try {
        const record = await store.read(id);
        if (record !== undefined) swaps.push(summarise(record.state));
      } catch (error) {
        // One journal that cannot be read does not hide the others.
        if (!(error instanceof SwitchyardError) || !error.code.startsWith("journal-")) throw error;
        this.addWarning(`swap ${id} is left out. ${error.message}`);
      }
    }
    return { swaps };
  }

  protected override describe({ swaps }: HistoryResult): readonly string[] {
    if (swaps.length === 0) return ["No swaps yet. To start one:   npx switchyard swap start --to gke"];
    return table(
      ["id", "mode", "started", "ended", "from", "to", "state", "why"],
      swaps.map((swap) => [
        swap.id,
        swap.mode,
        dateAndTime(Date.parse(swap.startedAt)),
        swap.endedAt === undefined ? "-" : dateAndTime(Date.parse(swap.endedAt)),
        swap.from,
        swap.to,
        swap.state,
        swap.reason,
      ]),
    );
  }
}
